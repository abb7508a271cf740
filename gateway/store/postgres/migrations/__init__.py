"""The schema's revisions, run by `gateway.store.postgres.migrate`."""
