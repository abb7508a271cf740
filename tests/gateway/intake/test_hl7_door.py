"""The MLLP door tells the truth about what was kept, also when something breaks that nobody thought of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.fhir.problem import Problem
from gateway.formats import Record
from gateway.intake.hl7_door import Hl7Door, KnownSender
from gateway.intake.reply import Reply
from security.caller import Caller
from tests.flows.town import a03

KNOWN = KnownSender("mllp:his", "adt-a03", Caller.system("pipeline"))


class Breaking:
    """An intake that meets a fault of ours."""

    async def accept(self, feed_name: str, raw: bytes, *, sender: str, caller: Caller, record: Record | None) -> Reply:
        raise RuntimeError(feed_name)


class Journal:
    """Who was refused, or a journal that breaks as well."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.breaks = breaks
        self.refused: list[tuple[str, str]] = []

    async def stranger(self, address: str, problem: Problem, raw: bytes) -> None:
        if self.breaks:
            raise RuntimeError(address)
        self.refused.append((problem.code, raw[:3].decode()))


def door(intake: Any, journal: Journal) -> Hl7Door:
    now = datetime(2026, 3, 12, 8, 31, tzinfo=UTC)
    return Hl7Door(intake, sender=lambda *_: KNOWN, stranger=journal.stranger, now=lambda: now)


@pytest.mark.parametrize("breaks", [False, True], ids=["audited", "journal-broken"])
async def test_an_unexpected_fault_is_a_refusal_as_nothing_was_kept(*, breaks: bool) -> None:
    journal = Journal(breaks=breaks)

    answer = await door(Breaking(), journal).frame(a03(), peer="127.0.0.1")

    assert b"MSA|CR|" in answer  # the sample asks in enhanced mode
    assert b"IN-009" in answer
    assert journal.refused == ([] if breaks else [("IN-009", "MSH")])


async def test_what_the_door_read_is_handed_on() -> None:
    handed: list[Record | None] = []

    class Reading(Breaking):
        async def accept(
            self, feed_name: str, raw: bytes, *, sender: str, caller: Caller, record: Record | None
        ) -> Reply:
            handed.append(record)
            return Reply("AA", "x", "received")

    await door(Reading(), Journal()).frame(a03(), peer="127.0.0.1")

    assert [(one.format, one.raw) for one in handed if one] == [("hl7v2", a03())]
