"""Several processes on one database: who is here, whose work it is, and under which name it writes.

A process has a seat, a number that nobody else ever gets, and holds a session lock of it while it lives.
Source: docs/decisions/0085-workers.md, 0086-one-writer-a-name.md.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE SEQUENCE seat_seq AS int",
    # One row a process: what it runs. Rows of the dead are removed by the next that starts.
    """
    CREATE TABLE process (
      seat     int PRIMARY KEY,
      writer   text NOT NULL,
      host     text NOT NULL,
      pid      int NOT NULL,
      started  timestamptz NOT NULL DEFAULT clock_timestamp(),
      code     text NOT NULL,
      policies text NOT NULL,
      maps     text NOT NULL
    )
    """,
    # 949266 is the class of a seat's lock (gateway.store.postgres.presence).
    """
    CREATE FUNCTION live_seats() RETURNS int[] LANGUAGE sql STABLE AS $$
      SELECT coalesce(array_agg(objid::bigint::int), '{}') FROM pg_locks
      WHERE locktype = 'advisory' AND classid = 949266 AND objsubid = 2 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    $$
    """,
    # Whose claim a row in work is; NULL: of nobody who has a seat.
    "ALTER TABLE inbox ADD COLUMN seat int",
    # Moves with every claim of the name: who claimed before cannot go on writing under it.
    "ALTER TABLE audit.head ADD COLUMN claim bigint NOT NULL DEFAULT 0",
    """
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'yiyang_audit_writer') THEN
        GRANT UPDATE (claim) ON audit.head TO yiyang_audit_writer;
      END IF;
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END $$
    """,
)


def upgrade() -> None:
    """Add seats, claims and the table of processes."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take away what was added; the journal's rows stay as they are."""
    op.execute("ALTER TABLE audit.head DROP COLUMN claim")
    op.execute("ALTER TABLE inbox DROP COLUMN seat")
    op.execute("DROP FUNCTION live_seats()")
    op.execute("DROP TABLE process")
    op.execute("DROP SEQUENCE seat_seq")
