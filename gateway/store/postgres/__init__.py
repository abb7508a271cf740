"""PostgreSQL as the store: its embedded lifecycle, schema, migrations and queries."""
