"""One row of the table of problems."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One problem: ``status`` (HTTP), ``issue`` (FHIR issue-type code), texts with ``{detail}`` places."""

    status: int
    issue: str
    zh: str
    en: str
