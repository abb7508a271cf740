"""Put the elder where a map left a place for it, and tell which elder's order a record keeps.

In: resources of a map with the placeholder `urn:yiyang:elder`, a Patient without id. Out: the same with Patient/<id>.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from gateway.fhir import codec
from gateway.identity.keys import keys_of

PLACEHOLDER = "urn:yiyang:elder"
# Between two quotes it can only be a whole text: a quote inside of one is written with a backslash before it.
_PLACE = f'"{PLACEHOLDER}"'.encode()

Resource = dict[str, Any]


def patient_of(resources: Sequence[Resource]) -> Resource | None:
    """Return the Patient that stands for the elder of the record, or None."""
    return next((row for row in resources if row["resourceType"] == "Patient"), None)


def tentative_id(patient: Resource | None, *, make_id: Callable[..., str], today: date) -> str:
    """Return the id that identity would mint for ``patient`` if nobody knew it ("" without a deciding identifier).

    It orders the records of one elder and lets a record be validated before identity is asked.
    """
    keys = keys_of(patient, today=today) if patient else ()
    return make_id("Patient", *keys[0].parts) if keys else ""


def with_elder(resources: Sequence[Resource], elder: str) -> list[Resource]:
    """Return ``resources`` about Patient/``elder``; who changes one must copy it."""
    return [about(row, elder)[0] for row in resources]


def about(resource: Resource, elder: str) -> tuple[Resource, bytes]:
    """Return ``resource`` about Patient/``elder``, and its JSON as `codec.dump_exact` writes it.

    What does not name the elder is returned as it is.
    """
    named = _named(resource, elder)
    written = codec.dump_exact(named)
    if _PLACE not in written:
        return named, written
    body = written.replace(_PLACE, f'"Patient/{elder}"'.encode())
    return codec.parse_exact(body), body


def _named(row: Resource, elder: str) -> Resource:
    if row["resourceType"] != "Patient":
        return row
    return {"resourceType": "Patient", "id": elder, **{k: v for k, v in row.items() if k not in ("resourceType", "id")}}
