"""The audit journal: rows, heads of the writers, signed checkpoints.

Rows cannot be changed, deleted or truncated by anybody who leaves the triggers on; who turns them off is found by
`yiyang audit verify`. Source: GB/T 22239-2019 8.1.4.3 c; security-engine.md section 5.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "CREATE SCHEMA audit",
    """
    CREATE TABLE audit.event (
      writer  text COLLATE "C" NOT NULL,
      seq     bigint NOT NULL,
      ts      timestamptz NOT NULL,
      action  text NOT NULL,
      outcome smallint NOT NULL,
      elder   bigint NOT NULL,          -- keyed hashes, 0 for none
      agent   bigint NOT NULL,
      entity  bigint NOT NULL,
      body    bytea NOT NULL,           -- the record, sealed; bound to all of the above
      chain   bytea NOT NULL,
      PRIMARY KEY (writer, seq, ts)
    ) PARTITION BY RANGE (ts)
    """,
    "CREATE INDEX ON audit.event (ts, writer, seq)",
    "CREATE INDEX ON audit.event (elder, ts, writer, seq) WHERE elder <> 0",
    "CREATE INDEX ON audit.event (agent, ts, writer, seq)",
    "CREATE INDEX ON audit.event (entity, ts, writer, seq) WHERE entity <> 0",
    "CREATE TABLE audit.event_rest PARTITION OF audit.event DEFAULT",
    """
    CREATE TABLE audit.head (
      writer   text COLLATE "C" PRIMARY KEY,
      seq      bigint NOT NULL DEFAULT 0,
      chain    bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
      frontier bytea NOT NULL DEFAULT ''
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE audit.checkpoint (
      number bigint PRIMARY KEY,
      ts     timestamptz NOT NULL,
      note   text NOT NULL
    )
    """,
)

# A statement trigger of a partitioned table does not reach its partitions, so each gets its own against TRUNCATE.
GUARDS = (
    """
    CREATE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'audit records are append-only: % on % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
    "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.event FOR EACH ROW EXECUTE FUNCTION audit.refuse()",
    "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.event EXECUTE FUNCTION audit.refuse()",
    "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.event_rest EXECUTE FUNCTION audit.refuse()",
    "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.checkpoint "
    "FOR EACH ROW EXECUTE FUNCTION audit.refuse()",
    "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.checkpoint EXECUTE FUNCTION audit.refuse()",
    "CREATE TRIGGER refuse_delete BEFORE DELETE ON audit.head FOR EACH ROW EXECUTE FUNCTION audit.refuse()",
    "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.head EXECUTE FUNCTION audit.refuse()",
)

# Runs as the owner, so that the writing role needs no right to create tables. A month whose rows already stand in the
# default partition stays there.
MONTHS = (
    """
    CREATE FUNCTION audit.ensure_month(at timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      first timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
      name text := 'event_' || to_char(first, 'YYYY_MM');
    BEGIN
      PERFORM pg_advisory_xact_lock(hashtextextended('audit.ensure_month', 0));
      IF to_regclass('audit.' || name) IS NOT NULL THEN RETURN; END IF;
      EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.event FOR VALUES FROM (%L) TO (%L)', name,
        first AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC');
      EXECUTE format(
        'CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.%I EXECUTE FUNCTION audit.refuse()', name);
    EXCEPTION WHEN check_violation THEN
      RETURN;
    END $$
    """,
)

# Where the connecting user may make roles, two are made to be granted to the logins of gateway and auditor; where it
# may not, docs/decisions/0040 says what the administrator runs.
ROLES = (
    """
    DO $$
    DECLARE
      may boolean := (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user);
    BEGIN
      IF NOT may THEN RETURN; END IF;
      PERFORM pg_advisory_xact_lock(hashtextextended('audit.roles', 0));
      BEGIN CREATE ROLE yiyang_audit_writer NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
      BEGIN CREATE ROLE yiyang_audit_reader NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
      GRANT USAGE ON SCHEMA audit TO yiyang_audit_writer, yiyang_audit_reader;
      GRANT SELECT ON audit.event, audit.head, audit.checkpoint TO yiyang_audit_writer, yiyang_audit_reader;
      GRANT INSERT ON audit.event, audit.head, audit.checkpoint TO yiyang_audit_writer;
      GRANT UPDATE (seq, chain, frontier) ON audit.head TO yiyang_audit_writer;
      GRANT SELECT, UPDATE, DELETE ON audit_pending TO yiyang_audit_writer;
      GRANT EXECUTE ON FUNCTION audit.ensure_month(timestamptz) TO yiyang_audit_writer;
    END $$
    """,
    "REVOKE ALL ON FUNCTION audit.ensure_month(timestamptz) FROM PUBLIC",
)
STATEMENTS = (*TABLES, *GUARDS, *MONTHS, *ROLES)


def upgrade() -> None:
    """Create schema, guards, partitions' function and roles."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: an audit trail is not dropped by a migration."""
    raise NotImplementedError("the audit trail is never dropped by a migration")
