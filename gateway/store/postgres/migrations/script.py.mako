"""${message}."""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

_SCRIPT = """
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(_SCRIPT)


def downgrade() -> None:
    """Refuse: the way back is a restored backup."""
    raise NotImplementedError("restore the backup taken before the upgrade")
