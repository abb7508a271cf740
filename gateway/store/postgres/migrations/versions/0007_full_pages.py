"""Pages of current versions are filled: what was kept free for updates in place could never be used by one.

PostgreSQL updates in place only where no indexed column changes, and every version changes the time and the transaction
that the feed and `_lastUpdated` are indexed by. A seventh of the room was empty. Only pages written from now on are
full; nothing is rewritten. Source: PostgreSQL documentation, "Heap-Only Tuples"; docs/decisions/0020.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The partitions of 0001, whatever the code calls them by now.
_FILL = """
DO $$
DECLARE part regclass;
BEGIN
  FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'res'::regclass LOOP
    EXECUTE format('ALTER TABLE %s SET (fillfactor = {share})', part);
  END LOOP;
END $$
"""


def upgrade() -> None:
    """Fill pages. The code of 0003 and later works with it: `schema_floor` stays."""
    op.execute(_FILL.format(share=100))


def downgrade() -> None:
    """Leave room again, as 0001 did."""
    op.execute(_FILL.format(share=85))
