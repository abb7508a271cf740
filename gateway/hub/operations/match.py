"""Patient/$match: who an elder is, by identifiers and nothing else (FHIR R4 patient-operation-match).

Each identifier is a search by an exact, full token, with its guard, restriction, decisions and entry: it finds an elder
inside the caller's relation only. A valid identity card number is certain; any other number is probable, as hospitals
give out the same ones. Names and birth dates match nobody. Source: domain.md §0.7; gateway/identity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

from gateway.fhir.problem import Problem
from gateway.hub import search
from gateway.hub.interaction import Tools
from gateway.hub.values import Doc, Released
from gateway.identity.keys import RESIDENT_ID, keys_of
from security.caller import Caller

KIND: Final = "Patient"
MAX_IDENTIFIERS: Final = 10
"""Each is a search of its own (design default)."""
CHINA: Final = ZoneInfo("Asia/Shanghai")
_SPECIAL = re.compile(r"([\\,|$])")
"""What has a meaning in a token (R4 search.html#escaping)."""
Pair = tuple[str, str]
Grade = Literal["certain", "probable"]


@dataclass(frozen=True, slots=True)
class Match:
    """One elder that fits, as the caller sees it."""

    row: Released
    grade: Grade

    @property
    def score(self) -> float:
        """Return R4's score of a match, 0 to 1 (design default for the numbers)."""
        return 1.0 if self.grade == "certain" else 0.8


async def match(
    tools: Tools, caller: Caller, patient: Doc | None, *, certain_only: bool, count: int
) -> tuple[Match, ...]:
    """Return the elders that carry an identifier of ``patient``, certain ones first, at most ``count``.

    Raises TRM-005 (no Patient, no identifier with system and value), TRM-007 (too many), and what a search raises.
    """
    async with tools.interaction(caller, "operation", kind=KIND) as it:
        it.note({"interface": f"FHIR {KIND}/$match"})
        cards, asked = _read(tools, patient)
        found: dict[str, Match] = {}
        for pair in asked:
            token = "|".join(_SPECIAL.sub(r"\\\1", part) for part in pair)
            page = await search.search(tools, caller, KIND, pairs=[("identifier", token)], strict=True)
            for row in page.rows:
                found.setdefault(row.id, Match(row, "certain" if pair in cards else "probable"))
        wanted = [one for one in found.values() if one.grade == "certain" or not certain_only]
        return tuple(wanted[:count])


def _read(tools: Tools, patient: Doc | None) -> tuple[list[Pair], list[Pair]]:
    """Return the identity cards of ``patient``, and every identifier to ask for, these first."""
    if patient is None or patient.get("resourceType") != KIND:
        raise Problem("TRM-005", name="resource")
    today = tools.now().astimezone(CHINA).date()
    cards = [(key.system, key.value) for key in keys_of(patient, today=today) if key.system == RESIDENT_ID]
    sent = [(str(one.get("system", "")), str(one.get("value", ""))) for one in patient.get("identifier", ())]
    asked = list(dict.fromkeys((*cards, *(pair for pair in sent if all(pair)))))
    if not asked:
        raise Problem("TRM-005", name="resource.identifier")
    if len(asked) > MAX_IDENTIFIERS:
        text = (f"最多 {MAX_IDENTIFIERS} 个", f"at most {MAX_IDENTIFIERS} are taken")
        raise Problem("TRM-007", name="resource.identifier", what=text[0], what_en=text[1])
    return cards, asked
