"""Who may come in: organisations, clients, senders, spent assertions, revoked tokens.

Every change of them, also one made by hand in SQL, moves `security.version`, which all processes poll; `last_used` of a
client does not. Runs on PostgreSQL 15 and later. No row holds a secret: of clients only public keys are kept.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = (
    "CREATE SCHEMA security",
    """
    CREATE TABLE security.version (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        n bigint NOT NULL
    )
    """,
    "INSERT INTO security.version (n) VALUES (1)",
    """
    CREATE TABLE security.organisation (
        uscc text PRIMARY KEY CHECK (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),
        name text NOT NULL CHECK (name <> ''),
        tier text NOT NULL CHECK (tier IN ('H', 'C', 'S')),
        parent text REFERENCES security.organisation,
        created timestamptz NOT NULL,
        disabled timestamptz,
        CHECK (parent <> uscc),
        CHECK (tier <> 'H' OR parent IS NULL),
        CHECK (tier <> 'S' OR parent IS NOT NULL)
    )
    """,
    """
    CREATE TABLE security.client (
        client_id text PRIMARY KEY CHECK (client_id ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
        name text NOT NULL,
        role text NOT NULL,
        organisation text NOT NULL REFERENCES security.organisation,
        keys jsonb NOT NULL,
        scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
        created timestamptz NOT NULL,
        last_used timestamptz,
        disabled timestamptz
    )
    """,
    """
    CREATE TABLE security.sender (
        name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._:-]{0,159}$'),
        transport text NOT NULL CHECK (transport IN ('mllp', 'http')),
        organisation text NOT NULL REFERENCES security.organisation,
        feed text NOT NULL,
        charset text NOT NULL DEFAULT '',
        ack text NOT NULL DEFAULT '',
        msh3 text,
        msh4 text,
        network cidr,
        client text REFERENCES security.client,
        created timestamptz NOT NULL,
        disabled timestamptz,
        CHECK ((transport = 'mllp') = (msh3 IS NOT NULL AND msh4 IS NOT NULL AND network IS NOT NULL)),
        CHECK ((transport = 'http') = (client IS NOT NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX sender_mllp ON security.sender (msh3, msh4, network)
    WHERE transport = 'mllp' AND disabled IS NULL
    """,
    """
    CREATE UNIQUE INDEX sender_http ON security.sender (client, feed)
    WHERE transport = 'http' AND disabled IS NULL
    """,
    """
    CREATE TABLE security.used_jti (
        client text NOT NULL,
        jti bytea NOT NULL,
        expires timestamptz NOT NULL,
        PRIMARY KEY (client, jti)
    )
    """,
    "CREATE INDEX used_jti_expires ON security.used_jti (expires)",
    """
    CREATE TABLE security.revoked_token (
        jti text PRIMARY KEY,
        expires timestamptz NOT NULL
    )
    """,
    """
    CREATE FUNCTION security.moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE security.version SET n = n + 1;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON security.organisation
    FOR EACH STATEMENT EXECUTE FUNCTION security.moved()
    """,
    """
    CREATE TRIGGER moved AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF client_id, name, role, organisation, keys, scopes, created, disabled ON security.client
    FOR EACH STATEMENT EXECUTE FUNCTION security.moved()
    """,
    """
    CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON security.sender
    FOR EACH STATEMENT EXECUTE FUNCTION security.moved()
    """,
    """
    CREATE TRIGGER moved AFTER INSERT OR UPDATE ON security.revoked_token
    FOR EACH STATEMENT EXECUTE FUNCTION security.moved()
    """,
)


def upgrade() -> None:
    """Create schema `security`."""
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop schema `security` with everything in it."""
    op.execute("DROP SCHEMA security CASCADE")
