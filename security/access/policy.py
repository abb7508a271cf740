"""Read the Cedar policies of this package: parsed, validated against the schema, each named and described.

Anything that is not understood stops the start-up with a PolicyError that names file and policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import cedarpy
from cedarpy import pst


class PolicyError(ValueError):
    """A policy or the schema cannot be used; the text names the file and the policy."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy: its @id, effect, both sentences, and its typed syntax tree."""

    id: str
    permits: bool
    zh: str
    en: str
    tree: pst.Template


@dataclass(frozen=True, slots=True)
class Policies:
    """The whole set: ``policies`` in the order of the files, ``names`` maps the engine's own ids to ours."""

    texts: Mapping[str, str]
    schema_text: str
    policies: tuple[Policy, ...]
    names: Mapping[str, str]
    policy_set: Any
    schema: Any
    sha: str


def load(folder: str = "policies") -> Policies:
    """Return the policies of this package; raise PolicyError when one is wrong, unnamed or undescribed."""
    here = files("security.access")
    texts = {entry.name: entry.read_text("utf-8") for entry in here.joinpath(folder).iterdir()}
    chosen = {name: texts[name] for name in sorted(texts) if name.endswith(".cedar")}
    return parse(chosen, here.joinpath("schema.cedarschema").read_text("utf-8"))


def parse(texts: Mapping[str, str], schema_text: str) -> Policies:
    """Return the set made of ``texts`` (file name -> Cedar text)."""
    for name, text in texts.items():
        _check(name, text, schema_text)
    whole = "\n".join(texts.values())
    trees = cedarpy.policies_to_pst(whole).static_policies
    policies = tuple(_policy(key, tree) for key, tree in trees.items())
    _unique(policies)
    return Policies(
        texts=dict(texts),
        schema_text=schema_text,
        policies=policies,
        names={key: policy.id for key, policy in zip(trees, policies, strict=True)},
        policy_set=cedarpy.PolicySet.from_str(whole),
        schema=cedarpy.Schema.from_str(schema_text),
        sha=hashlib.sha256((schema_text + whole).encode()).hexdigest(),
    )


def _check(name: str, text: str, schema_text: str) -> None:
    """Validate one file; Cedar's own messages carry no line, so the file is named here."""
    try:
        result = cedarpy.validate_policies(text, schema_text)
    except ValueError as error:
        raise PolicyError(f"{name}: {error}") from error
    if not result.validation_passed:
        raise PolicyError(f"{name}: " + "; ".join(_errors(result)))


def _errors(result: Any) -> Iterator[str]:
    return (str(error) for error in result.errors)


def _policy(key: str, tree: pst.Template) -> Policy:
    notes = dict(tree.annotations)
    missing = [name for name in ("id", "zh", "en") if not notes.get(name)]
    if missing:
        raise PolicyError(f"{notes.get('id', key)}: annotation @{missing[0]} is missing")
    return Policy(id=notes["id"], permits=tree.effect == "permit", zh=notes["zh"], en=notes["en"], tree=tree)


def _unique(policies: tuple[Policy, ...]) -> None:
    seen: set[str] = set()
    for policy in policies:
        if policy.id in seen:
            raise PolicyError(f"{policy.id}: the @id is used twice")
        seen.add(policy.id)
