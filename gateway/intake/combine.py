"""Join what a record says with what is stored: earlier values stay, empty ones are filled, signed documents replace.

In: a mapped resource, the stored one if any. Out: what to write and the version it builds on. Pure.
Source: the rules of the story ("Convergence"); domain.md §4; security.md CON-04 (withdrawal).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from gateway.mapping import Feed, merge

SIGNED = frozenset({"Consent", "CarePlan", "CareTeam", "Goal", "QuestionnaireResponse"})
"""Documents that somebody signed as a whole: a later one replaces, it is not mixed with an earlier one."""
SOURCE = "urn:yiyang:feed:"
"""meta.source names the feed whose values lead, as ``urn:yiyang:feed:<rank>:<name>``."""

STORED_META = frozenset({"versionId", "lastUpdated", "security"})
"""What the hub writes into meta."""
ACCOUNT = frozenset({"Provenance", "DocumentReference", "Binary"})
"""What accounts for a message: where a record came from, and its original. The inbox keeps the bytes in any case."""

Resource = dict[str, Any]


class Prior(Protocol):
    """What is stored of a resource, by shape: `pipeline.Prior` fits."""

    @property
    def doc(self) -> Resource:
        """Return its content."""
        ...

    @property
    def version(self) -> int:
        """Return its version."""
        ...

    @property
    def controllers(self) -> tuple[str, ...]:
        """Return the organisations that wrote it."""
        ...


def sourced(doc: Resource, feed: Feed) -> Resource:
    """Return ``doc`` with the feed that it comes by in meta.source."""
    return {**doc, "meta": {**doc.get("meta", {}), "source": f"{SOURCE}{feed.rank}:{feed.name}"}}


def combine(
    incoming: Resource, prior: Prior | None, *, feed: Feed, sender: str
) -> tuple[Resource, int, tuple[str, ...]]:
    """Return the content to write, the version it replaces (0 = none), and the identifiers that the sender sent.

    ``incoming`` names its source (see `sourced`); without a ``prior`` it is returned as it is.
    """
    doc, sent = incoming, tuple(_identifiers(incoming))
    if prior is None:
        return incoming, 0, sent
    if is_signed(doc):
        return (incoming if _is_later(incoming, prior.doc) else prior.doc), prior.version, sent
    leads = prior.controllers == (sender,) and feed.rank > _rank(prior.doc)
    keys = feed.merge_keys(doc["resourceType"])
    joined = merge(doc["resourceType"], prior.doc, incoming, keys=keys, outranks=leads)
    leading = incoming if leads else prior.doc
    joined["meta"] = {**joined.get("meta", {}), "source": leading["meta"].get("source", incoming["meta"]["source"])}
    return joined, prior.version, sent


def is_signed(doc: Mapping[str, Any]) -> bool:
    """Say whether ``doc`` is a signed document, or a result that was computed from one and goes with it."""
    return doc["resourceType"] in SIGNED or (doc["resourceType"] == "Observation" and "derivedFrom" in doc)


def says_nothing_new(doc: Resource, prior: Prior | None) -> bool:
    """Say whether writing ``doc`` would leave the content of ``prior`` as it is."""
    return prior is not None and _content(doc) == _content(prior.doc)


def _content(doc: Mapping[str, Any]) -> Resource:
    meta = {name: value for name, value in doc.get("meta", {}).items() if name not in STORED_META}
    return {**doc, "meta": meta}


def _is_later(incoming: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Say whether ``incoming`` may replace ``stored``.

    A consent once withdrawn is given again only by a later signature: a copy of the old one must not revive it.
    """
    if incoming["resourceType"] != "Consent":
        return True
    signed, before = (datetime.fromisoformat(row["dateTime"]) for row in (incoming, stored))
    if signed != before:
        return signed > before
    return bool(stored["status"] == "active")


def _rank(doc: Mapping[str, Any]) -> int:
    source = str(doc.get("meta", {}).get("source", ""))
    rank = source.removeprefix(SOURCE).split(":", 1)[0]
    return int(rank) if source.startswith(SOURCE) and rank.isdigit() else 0


def _identifiers(doc: Mapping[str, Any]) -> list[str]:
    if doc["resourceType"] != "Patient":
        return []
    return [f"{row.get('system', '')}|{row['value']}" for row in doc.get("identifier", ()) if row.get("value")]
