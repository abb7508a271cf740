"""The store: current versions, their index, past versions, the inbox, what waits for the journal, feed cursors.

Runs on PostgreSQL 15 and newer. Source: storage.md section 4; docs/decisions/0020-store-on-postgresql.md says what
differs and why. Self-contained: later changes of the code must not change what this revision made.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# (name of the partition, number of its type); the numbers are those of gateway.store.postgres.kinds.
_HOT = (
    ("careplan", 14),
    ("composition", 26),
    ("condition", 28),
    ("documentreference", 42),
    ("encounter", 44),
    ("medicationrequest", 79),
    ("medicationstatement", 80),
    ("observation", 96),
    ("patient", 103),
    ("procedure", 110),
    ("provenance", 111),
    ("questionnaireresponse", 113),
    ("servicerequest", 124),
    ("task", 140),
)

_RES = """
CREATE TABLE res(
  type smallint NOT NULL,            -- number of the resource type
  bucket smallint NOT NULL,          -- 0..1023 by patient compartment, fixed at creation
  rid bigint NOT NULL,               -- made by us, time-ordered (41 bit ms | 10 bit node | 12 bit count)
  id text COLLATE "C" NOT NULL,
  ver int NOT NULL,
  ts timestamptz NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  deleted boolean NOT NULL,
  stray boolean NOT NULL,            -- refers to a Patient other than the one of its compartment
  lvl smallint NOT NULL,
  pat bigint,                        -- keyed hash of the compartment's Patient
  lo timestamptz, hi timestamptz,    -- the promoted date, half open
  sec bigint[] NOT NULL,             -- keyed hashes of controllers, hand-overs, class, labels
  keys bigint[] NOT NULL,            -- keyed hashes of tokens and references
  idents bigint[] NOT NULL,          -- keyed hashes of identifiers, each also a row of ident
  ixh bigint NOT NULL,               -- hash of everything indexed
  sha bytea NOT NULL,                -- keyed digest of facts and body without version and time
  body bytea NOT NULL,               -- sealed
  PRIMARY KEY (type, rid, bucket)
) PARTITION BY LIST (type);
ALTER TABLE res ALTER body SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX res_id ON res(type, id, bucket);
CREATE INDEX res_pat ON res(type, pat, lo DESC NULLS LAST, rid DESC) WHERE pat IS NOT NULL;
CREATE INDEX res_lo ON res(type, lo DESC NULLS LAST, rid DESC);
CREATE INDEX res_stray ON res(type, lo DESC NULLS LAST, rid DESC) WHERE stray;
CREATE INDEX res_ts ON res(type, ts, rid);
CREATE INDEX res_xid ON res(xid, rid);
CREATE INDEX res_keys ON res USING gin(keys) WITH (fastupdate=on, gin_pending_list_limit=1024);

CREATE TABLE idmap(type smallint NOT NULL, id text COLLATE "C" NOT NULL, bucket smallint NOT NULL,
  PRIMARY KEY (type, id));
CREATE TABLE ident(h bigint NOT NULL, type smallint NOT NULL, rid bigint NOT NULL, bucket smallint NOT NULL,
  PRIMARY KEY (h, type, rid, bucket));
CREATE TABLE dat(type smallint NOT NULL, rid bigint NOT NULL, bucket smallint NOT NULL, param int NOT NULL,
  lo timestamptz NOT NULL, hi timestamptz NOT NULL, PRIMARY KEY (type, rid, bucket, param, lo, hi));
CREATE INDEX dat_lo ON dat(type, param, lo, hi);

CREATE TABLE hist(type smallint NOT NULL, bucket smallint NOT NULL, rid bigint NOT NULL, ver int NOT NULL,
  ts timestamptz NOT NULL, deleted boolean NOT NULL, body bytea NOT NULL,
  PRIMARY KEY (type, rid, ver, bucket, ts)) PARTITION BY RANGE (ts);
ALTER TABLE hist ALTER body SET STORAGE EXTERNAL;
CREATE TABLE hist_other PARTITION OF hist DEFAULT;

-- Make the monthly partitions of hist from the last month to `months` ahead; one that cannot be made is left out,
-- and its rows stay in hist_other.
CREATE FUNCTION hist_ahead(months int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE first date := date_trunc('month', now() AT TIME ZONE 'UTC' - interval '1 month');
  month date;
BEGIN
  FOR ahead IN 0..months + 1 LOOP
    month := first + make_interval(months => ahead);
    CONTINUE WHEN to_regclass(format('hist_%s', to_char(month, 'YYYY_MM'))) IS NOT NULL;
    BEGIN
      EXECUTE format('CREATE TABLE hist_%s PARTITION OF hist FOR VALUES FROM (%L) TO (%L)', to_char(month, 'YYYY_MM'),
        month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00');
    EXCEPTION WHEN check_violation OR duplicate_table OR unique_violation OR insufficient_privilege THEN NULL;
    END;
  END LOOP;
END $$;
SELECT hist_ahead(12);

-- Types as they come in; one array a partition, one statement a commit.
CREATE TYPE res_in AS (type smallint, id text, seen int, ver int, reindex boolean, ts timestamptz, deleted boolean,
  bucket smallint, rid bigint, stray boolean, lvl smallint, pat bigint, lo timestamptz, hi timestamptz, sec bigint[],
  keys bigint[], idents bigint[], ixh bigint, sha bytea, body bytea);
"""

_PARTITION = """
CREATE TABLE res_{name} PARTITION OF res {values};
ALTER TABLE res_{name} SET (fillfactor=85, autovacuum_vacuum_insert_scale_factor=0.05,
  autovacuum_analyze_scale_factor=0.02);

-- rows: sorted by (type, id). seen 0 makes a row; else the current version must be seen, and ver > seen replaces it.
-- kept: how many rows have seen > 0. YY001: a version has changed since it was seen.
CREATE FUNCTION put_{name}(rows res_in[], kept int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_rows int;
BEGIN
  IF kept > 0 THEN
    PERFORM 1 FROM unnest(rows) w JOIN res_{name} r ON r.type = w.type AND r.id = w.id AND r.ver = w.seen
      WHERE w.seen > 0 ORDER BY r.type, r.id FOR UPDATE OF r;
    GET DIAGNOSTICS found_rows = ROW_COUNT;
    IF found_rows <> kept THEN RAISE EXCEPTION 'a version has changed' USING ERRCODE = 'YY001'; END IF;

    INSERT INTO hist(type, bucket, rid, ver, ts, deleted, body)
      SELECT r.type, r.bucket, r.rid, r.ver, r.ts, r.deleted, r.body
      FROM unnest(rows) w JOIN res_{name} r ON r.type = w.type AND r.rid = w.rid AND r.bucket = w.bucket
      WHERE w.seen > 0 AND w.ver > w.seen;
    DELETE FROM ident d USING unnest(rows) w, res_{name} r, unnest(r.idents) AS old(hash)
      WHERE w.seen > 0 AND w.reindex AND r.type = w.type AND r.rid = w.rid AND r.bucket = w.bucket
        AND d.h = old.hash AND d.type = w.type AND d.rid = w.rid AND d.bucket = w.bucket;
    DELETE FROM dat d USING unnest(rows) w
      WHERE w.seen > 0 AND w.reindex AND d.type = w.type AND d.rid = w.rid AND d.bucket = w.bucket;
    UPDATE res_{name} r SET ver = w.ver, ts = w.ts, deleted = w.deleted, stray = w.stray, lvl = w.lvl, pat = w.pat,
        lo = w.lo, hi = w.hi, sec = w.sec, keys = w.keys, idents = w.idents, ixh = w.ixh, sha = w.sha, body = w.body,
        xid = CASE WHEN w.ver > w.seen THEN pg_current_xact_id() ELSE r.xid END
      FROM unnest(rows) w
      WHERE w.seen > 0 AND (w.ver > w.seen OR w.reindex)
        AND r.type = w.type AND r.rid = w.rid AND r.bucket = w.bucket;
  END IF;
  IF cardinality(rows) > kept THEN
    INSERT INTO idmap(type, id, bucket) SELECT w.type, w.id, w.bucket FROM unnest(rows) w WHERE w.seen = 0;
    INSERT INTO res_{name}(type, bucket, rid, id, ver, ts, deleted, stray, lvl, pat, lo, hi, sec, keys, idents, ixh,
        sha, body)
      SELECT w.type, w.bucket, w.rid, w.id, w.ver, w.ts, w.deleted, w.stray, w.lvl, w.pat, w.lo, w.hi, w.sec, w.keys,
        w.idents, w.ixh, w.sha, w.body
      FROM unnest(rows) w WHERE w.seen = 0;
  END IF;
  INSERT INTO ident(h, type, rid, bucket)
    SELECT h, w.type, w.rid, w.bucket FROM unnest(rows) w, unnest(w.idents) h WHERE w.reindex;
END $$;
"""

_REST = """
CREATE FUNCTION put_dates(rows dat[]) RETURNS void LANGUAGE sql AS
  $$ INSERT INTO dat SELECT * FROM unnest(rows) ON CONFLICT DO NOTHING $$;

CREATE TABLE inbox(
  sender text COLLATE "C" NOT NULL, msg_id text COLLATE "C" NOT NULL, sha bytea NOT NULL,
  feed text NOT NULL, organisation text NOT NULL,
  elder bigint,                      -- keyed hash that keeps the order per elder; NULL: none to keep
  state smallint NOT NULL,           -- 0 received, 1 working, 2 stored, 3 parked, 4 dead
  reason text NOT NULL DEFAULT '', attempts smallint NOT NULL DEFAULT 0, run_at timestamptz, claimed timestamptz,
  received timestamptz NOT NULL DEFAULT clock_timestamp(),
  raw bytea NOT NULL,                -- sealed
  result bytea,                      -- sealed
  PRIMARY KEY (sender, msg_id, sha)  -- same id, other content: a row of its own
) WITH (fillfactor=80, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=500);
ALTER TABLE inbox ALTER raw SET STORAGE EXTERNAL;
CREATE INDEX inbox_open ON inbox(received, sender, msg_id) WHERE state IN (0, 1);
CREATE INDEX inbox_elder ON inbox(elder, received) WHERE state IN (0, 1) AND elder IS NOT NULL;
CREATE INDEX inbox_page ON inbox(received, sender, msg_id, sha);

CREATE TYPE mark_in AS (sender text, msg_id text, sha bytea, state smallint, reason text, result bytea);
-- YY002: a marked message is stored already, or unknown.
CREATE FUNCTION put_marks(marks mark_in[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_rows int;
BEGIN
  UPDATE inbox i SET state = m.state, reason = m.reason, result = coalesce(m.result, i.result), claimed = NULL
    FROM unnest(marks) m
    WHERE i.sender = m.sender AND i.msg_id = m.msg_id AND i.sha = m.sha AND i.state <> 2;
  GET DIAGNOSTICS found_rows = ROW_COUNT;
  IF found_rows <> cardinality(marks) THEN RAISE EXCEPTION 'a message is stored' USING ERRCODE = 'YY002'; END IF;
END $$;

CREATE TABLE audit_pending(id uuid PRIMARY KEY, ts timestamptz NOT NULL DEFAULT clock_timestamp(),
  entry bytea NOT NULL) WITH (autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_threshold=500);
CREATE FUNCTION put_entries(ids uuid[], entries bytea[]) RETURNS void LANGUAGE sql AS
  $$ INSERT INTO audit_pending(id, entry) SELECT * FROM unnest(ids, entries) $$;

CREATE TABLE feed_cursor(consumer text PRIMARY KEY, cursor text COLLATE "C" NOT NULL);
-- YY003: a cursor would not advance. An empty one starts the consumer anew.
CREATE FUNCTION put_cursors(consumers text[], cursors text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_rows int;
BEGIN
  INSERT INTO feed_cursor AS f SELECT * FROM unnest(consumers, cursors)
    ON CONFLICT (consumer) DO UPDATE SET cursor = excluded.cursor
    WHERE f.cursor < excluded.cursor OR excluded.cursor = '';
  GET DIAGNOSTICS found_rows = ROW_COUNT;
  IF found_rows <> cardinality(consumers) THEN
    RAISE EXCEPTION 'a consumer is ahead' USING ERRCODE = 'YY003';
  END IF;
END $$;

CREATE SEQUENCE node_seq AS smallint MINVALUE 0 MAXVALUE 1023 START 0 CYCLE;
"""


def upgrade() -> None:
    """Make the tables, their partitions and the functions that write them."""
    partitions = [_PARTITION.format(name=name, values=f"FOR VALUES IN ({number})") for name, number in _HOT]
    partitions.append(_PARTITION.format(name="other", values="DEFAULT"))
    op.execute("\n".join((_RES, *partitions, _REST)))


def downgrade() -> None:
    """Refuse: the way back is a restored backup."""
    raise NotImplementedError("restore the backup taken before the upgrade")
