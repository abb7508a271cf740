"""A message is kept, judged against others of its id, and accounted for in one trip and one commit.

Source: architecture §2 (AA: durable in the inbox); docs/decisions/0077-a-message-is-kept-in-one-trip.md.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The lock makes messages of one sender and id take turns, so that of two contents the second finds the first. Rows that
# are not `received` at once (state_ of the arguments) come parked; one beside another content has no reply yet.
# Returns 0: the very same was kept before; 1: new, and ``entry`` waits for the journal; 2: beside another content.
KEEP = """
CREATE FUNCTION keep_message(sender_ text, msg_id_ text, sha_ bytea, feed_ text, organisation_ text, elder_ bigint,
  state_ smallint, reason_ text, raw_ bytea, result_ bytea, entry_id uuid, entry_ bytea)
RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
  taken boolean;
  kept int;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(sender_ || '|' || msg_id_, 949267));
  taken := EXISTS (SELECT FROM inbox WHERE sender = sender_ AND msg_id = msg_id_ AND sha <> sha_);
  -- Behind what still waits for this elder, although the clock was set back since.
  INSERT INTO inbox(sender, msg_id, sha, feed, organisation, elder, state, reason, raw, result, received)
    VALUES (sender_, msg_id_, sha_, feed_, organisation_, elder_, CASE WHEN taken THEN 3 ELSE state_ END, reason_, raw_,
      CASE WHEN taken THEN NULL ELSE result_ END,
      greatest(clock_timestamp(),
        (SELECT max(received) + interval '1 microsecond' FROM inbox WHERE elder = elder_ AND state IN (0, 1))))
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS kept = ROW_COUNT;
  IF kept = 0 THEN RETURN 0; END IF;
  IF taken THEN RETURN 2; END IF;
  IF entry_ IS NOT NULL THEN INSERT INTO audit_pending(id, entry) VALUES (entry_id, entry_); END IF;
  RETURN 1;
END $$
"""


def upgrade() -> None:
    """Add the function."""
    op.execute(KEEP)


def downgrade() -> None:
    """Take it away."""
    op.execute(
        "DROP FUNCTION keep_message(text, text, bytea, text, text, bigint, smallint, text, bytea, bytea, uuid, bytea)"
    )
