"""One file a revision: 0001 the store, 0002 security, 0003 audit, 0004 workers, 0005 keeping."""
