"""What follows from a document's content for its facts: to whom it is handed, who sent which identifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Doc = Mapping[str, Any]
Sent = tuple[tuple[str, tuple[str, ...]], ...]
_HELD: Final = frozenset({"awaiting-consent", "draft"})
"""businessStatus of a Task that nobody outside may see (domain.md §5.2)."""


def handed_to(kind: str, doc: Doc) -> tuple[str, ...]:
    """Return the organisations that a Task or ServiceRequest is handed to, or that a Consent names.

    Empty while the hand-over is held, and for a consent that is not active.
    """
    named = (str(reference.get("reference", "")) for reference in _handed(kind, doc))
    return tuple(sorted({name.removeprefix("Organization/") for name in named if name.startswith("Organization/")}))


def _handed(kind: str, doc: Doc) -> Iterator[Doc]:
    if kind == "Task" and not _is_held(doc):
        yield doc.get("owner", {})
    if kind == "ServiceRequest" and doc.get("status") != "draft":
        yield from doc.get("performer", ())
    if kind == "Consent" and doc.get("status") == "active":
        yield from (actor.get("reference", {}) for actor in doc.get("provision", {}).get("actor", ()))


def _is_held(task: Doc) -> bool:
    codings = task.get("businessStatus", {}).get("coding", ())
    return task.get("status") == "draft" or any(coding.get("code") in _HELD for coding in codings)


def identifiers(doc: Doc) -> frozenset[str]:
    """Return the identifiers of ``doc`` as "system|value"."""
    return frozenset(f"{each.get('system', '')}|{each.get('value', '')}" for each in doc.get("identifier", ()))


def joined(prior: Sent, controllers: Sequence[str], sent: Sequence[str]) -> Sent:
    """Return ``prior`` with ``sent`` added to what each of ``controllers`` sent."""
    known = {organisation: set(values) for organisation, values in prior}
    for organisation in controllers:
        known.setdefault(organisation, set()).update(sent)
    return tuple((organisation, tuple(sorted(values))) for organisation, values in sorted(known.items()))


def unknown(doc: Doc, prior: Sent) -> list[str]:
    """Return the identifiers of ``doc`` that nobody is known to have sent."""
    return sorted(identifiers(doc).difference(*(values for _, values in prior)))
