"""Which program may still run on this schema: the oldest revision whose code works with it.

A migration that only adds (expand) leaves the row; one that takes something away (contract) raises it to the revision
whose code no longer needs it. So a program reads in the database itself whether it is too old, without knowing what
came after it. Source: docs/decisions/0105-expand-then-contract.md.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the row. 0004 to 0006 only added: the code of 0003 works with all of it."""
    op.execute("CREATE TABLE schema_floor(one boolean PRIMARY KEY DEFAULT true CHECK (one), revision text NOT NULL)")
    op.execute("INSERT INTO schema_floor(revision) VALUES ('0003')")


def downgrade() -> None:
    """Take it away."""
    op.execute("DROP TABLE schema_floor")
