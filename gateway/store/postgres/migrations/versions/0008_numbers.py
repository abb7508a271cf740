"""Numbers and quantities of a resource, for searches by them: table `num`, written in the same commit as `dat`.

The functions that put rows forget a row's numbers with its dates, so that the program before this revision, which knows
none, leaves none behind that are no longer true; the row is indexed anew when this program writes it next.
Source: storage.md section 4; docs/decisions/0110. Self-contained, as 0001 is.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NUM = """
CREATE TABLE num(type smallint NOT NULL, rid bigint NOT NULL, bucket smallint NOT NULL, param int NOT NULL,
  lo numeric, hi numeric,            -- as written; NULL is unbounded
  units bigint[] NOT NULL,           -- keyed hashes of code, unit, system and code
  base bigint, blo numeric, bhi numeric);  -- in base units of a UCUM unit: keyed hash of what is measured, and range
CREATE INDEX num_row ON num(type, rid, bucket);
CREATE INDEX num_lo ON num(type, param, lo, hi);
CREATE INDEX num_base ON num(type, param, base, blo) WHERE base IS NOT NULL;
CREATE TYPE num_in AS (type smallint, rid bigint, bucket smallint, param int, lo numeric, hi numeric, units bigint[],
  base bigint, blo numeric, bhi numeric);
CREATE FUNCTION put_numbers(rows num_in[]) RETURNS void LANGUAGE sql AS
  $$ INSERT INTO num(type, rid, bucket, param, lo, hi, units, base, blo, bhi)
     SELECT type, rid, bucket, param, lo, hi, units, base, blo, bhi FROM unnest(rows) $$;
"""
_FORGET = """    DELETE FROM num d USING unnest(rows) w
      WHERE w.seen > 0 AND w.reindex AND d.type = w.type AND d.rid = w.rid AND d.bucket = w.bucket;
"""
# Where 0001 forgets dates; its functions are taken as they stand, so that none is written out a second time.
_DATES = """    DELETE FROM dat d USING unnest(rows) w
      WHERE w.seen > 0 AND w.reindex AND d.type = w.type AND d.rid = w.rid AND d.bucket = w.bucket;
"""
_REPLACE = """
DO $do$
DECLARE put regprocedure; old text; new text;
BEGIN
  FOR put IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace
      AND p.proargtypes[0] = 'res_in[]'::regtype AND p.proname LIKE 'put\\_%' LOOP
    old := pg_get_functiondef(put);
    new := replace(old, $old${old}$old$, $new${new}$new$);
    IF new = old THEN RAISE EXCEPTION '% is not as revision 0001 made it', put; END IF;
    EXECUTE new;
  END LOOP;
END $do$;
"""


def upgrade() -> None:
    """Add the table. The code of 0003 and later works with it: `schema_floor` stays."""
    op.execute(_NUM + _REPLACE.format(old=_DATES, new=_DATES + _FORGET))


def downgrade() -> None:
    """Take it away, with the numbers: they are found in the resources again when these are written."""
    op.execute(_REPLACE.format(old=_DATES + _FORGET, new=_DATES))
    op.execute("DROP FUNCTION put_numbers; DROP TYPE num_in; DROP TABLE num")
