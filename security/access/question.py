"""One question to the policies: every attribute of caller, resource and context that a policy may name.

The names are those of schema.cedarschema; `tests/security/access` proves that the two lists are equal.
"""

from __future__ import annotations

from typing import NamedTuple

NO_ACTOR = "none"
"""The actor of everybody who is not one of our inner actors."""


class Asker(NamedTuple):
    """What policies know of a caller: enumerated ``role``, ``tier``, ``actor``; ``scoped`` = a scope covers this."""

    role: str
    tier: str
    actor: str
    clearance: int
    purpose: str
    action: str
    scoped: bool


class Question(NamedTuple):
    """An Asker's attributes, then those of the resource (schema.cedarschema says what each means)."""

    role: str
    tier: str
    actor: str
    clearance: int
    purpose: str
    action: str
    scoped: bool
    kind: str
    klass: str
    level: int
    labels: tuple[str, ...]
    own: bool
    handed: bool
    related: bool
    mayWrite: bool  # noqa: N815 - the schema's spelling
    consented: bool
    excluded: bool
    elderly: bool


class Answer(NamedTuple):
    """A verdict and the @id of the policy that decided ("default-deny" when none permits, "error" when one failed)."""

    allow: bool
    rule: str


DEFAULT_DENY = Answer(allow=False, rule="default-deny")
ERROR = Answer(allow=False, rule="error")
"""A policy failed to evaluate: a denial, and a fault to be looked into."""
