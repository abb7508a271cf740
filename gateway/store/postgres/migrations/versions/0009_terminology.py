"""Code systems, value sets and concept maps as tables: what they say is nobody's data, and readable.

A value set is listed when it is loaded. `sought` is what a text is looked for in: code, display and designations,
folded (gateway.terminology.values.folded). Source: docs/decisions/0122-terminology-in-tables.md.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    # `source`, `target`: the value sets between which a map translates.
    # `own`: it came with the program. `problem`: the code of why a value set could not be listed, with its detail.
    """
    CREATE TABLE terminology (
      id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      kind           text NOT NULL CHECK (kind IN ('CodeSystem', 'ValueSet', 'ConceptMap')),
      url            text NOT NULL,
      version        text NOT NULL,
      logical_id     text NOT NULL,
      name           text NOT NULL,
      title          text NOT NULL,
      language       text NOT NULL,
      content        text NOT NULL,
      case_sensitive boolean NOT NULL,
      status         text NOT NULL,
      source         text NOT NULL,
      target         text NOT NULL,
      own            boolean NOT NULL,
      entries        int NOT NULL,
      definition     text NOT NULL,
      problem        text NOT NULL DEFAULT '',
      loaded         timestamptz NOT NULL DEFAULT clock_timestamp(),
      UNIQUE (kind, url, version)
    )
    """,
    "CREATE INDEX terminology_logical ON terminology (kind, logical_id)",
    """
    CREATE TABLE concept (
      system  int NOT NULL REFERENCES terminology ON DELETE CASCADE,
      code    text NOT NULL,
      place   int NOT NULL,
      display text NOT NULL,
      parent  text NOT NULL,
      props   text NOT NULL,
      sought  text NOT NULL,
      PRIMARY KEY (system, code)
    )
    """,
    "CREATE INDEX concept_parent ON concept (system, parent)",
    "CREATE INDEX concept_place ON concept (system, place)",
    """
    CREATE TABLE designation (
      system   int NOT NULL REFERENCES terminology ON DELETE CASCADE,
      code     text NOT NULL,
      place    int NOT NULL,
      language text NOT NULL,
      use      text NOT NULL,
      value    text NOT NULL,
      PRIMARY KEY (system, code, place)
    )
    """,
    """
    CREATE TABLE vs_member (
      vs      int NOT NULL REFERENCES terminology ON DELETE CASCADE,
      system  text NOT NULL,
      code    text NOT NULL,
      place   int NOT NULL,
      display text NOT NULL,
      sought  text NOT NULL,
      PRIMARY KEY (vs, system, code)
    )
    """,
    "CREATE INDEX vs_member_place ON vs_member (vs, place)",
    """
    CREATE TABLE map_element (
      map           int NOT NULL REFERENCES terminology ON DELETE CASCADE,
      place         int NOT NULL,
      source_system text NOT NULL,
      source        text NOT NULL,
      target_system text NOT NULL,
      target        text NOT NULL,
      display       text NOT NULL,
      equivalence   text NOT NULL,
      PRIMARY KEY (map, place)
    )
    """,
    "CREATE INDEX map_element_source ON map_element (map, source_system, source)",
    # Moves with every load: other processes drop what they remember. `program`: what the program's own came from.
    """
    CREATE TABLE terminology_state (
      one        boolean PRIMARY KEY DEFAULT true CHECK (one),
      generation bigint NOT NULL,
      program    text NOT NULL
    )
    """,
    "INSERT INTO terminology_state (generation, program) VALUES (0, '')",
)
TABLES = ("terminology_state", "map_element", "vs_member", "designation", "concept", "terminology")


def upgrade() -> None:
    """Add the tables, empty. The code of 0003 and later works with them: `schema_floor` stays."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take the tables away; what an operator loaded is loaded again from its file."""
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
