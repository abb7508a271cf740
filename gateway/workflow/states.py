"""The task machines as tables: which state may follow which, who may do it, and when it is due.

Source: domain.md §5.2 (two-way referral) and §5.3 (discharge, hand-over, follow-up); roles: the rules of the story.
A state is named by its businessStatus; the Task.status follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from security.caller import Role

DOCTOR = frozenset({Role.CENTRE_DOCTOR})
CENTRE = frozenset({Role.CENTRE_DOCTOR, Role.CENTRE_NURSE})
CARERS = frozenset({Role.CENTRE_DOCTOR, Role.CENTRE_NURSE, Role.STATION_DOCTOR, Role.STATION_CARER})
HUB = frozenset({Role.SYSTEM})


@dataclass(frozen=True, slots=True)
class State:
    """One state: its FHIR ``status`` and how long it may last by priority (none: no clock runs)."""

    status: str
    due: Mapping[str, timedelta] | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One permitted transition and the roles that may make it. ``reason`` asks for Task.statusReason."""

    source: str
    target: str
    roles: frozenset[Role]
    reason: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """A task machine: its Task.code, its states and its moves. ``initial`` is where the hub starts it."""

    code: str
    states: Mapping[str, State]
    moves: tuple[Move, ...]

    def move(self, source: str, target: str) -> Move | None:
        """Return the move from ``source`` to ``target``, or None when there is none."""
        return next((move for move in self.moves if (move.source, move.target) == (source, target)), None)


def _hours(routine: float, urgent: float, stat: float) -> dict[str, timedelta]:
    return {
        "routine": timedelta(hours=routine),
        "urgent": timedelta(hours=urgent),
        "asap": timedelta(hours=urgent),
        "stat": timedelta(hours=stat),
    }


ACCEPT = _hours(24, 2, 1 / 6)
"""Received until accepted or declined: 24 h / 2 h / 10 min (domain.md §5.2)."""
SCHEDULE = _hours(24, 2, 1 / 6)
"""Accepted until a bed or appointment is named (design default: as long as acceptance)."""
ARRIVE = _hours(7 * 24, 24, 2)
"""Scheduled until arrived (design default; domain.md §5.2 gives none)."""
TRAVEL = _hours(4, 4, 4)
"""In transit until arrived, else no-show: 4 h (domain.md §5.2)."""
CARE = _hours(30 * 24, 30 * 24, 30 * 24)
"""Arrived until returned: the 30 days of step D7 (domain.md §5.3)."""

REFERRAL = Machine(
    code="referral",
    states={
        "awaiting-consent": State("on-hold"),
        "received": State("received", ACCEPT),
        "accepted": State("accepted", SCHEDULE),
        "declined": State("rejected"),
        "scheduled": State("ready", ARRIVE),
        "in-transit": State("in-progress", TRAVEL),
        "arrived": State("in-progress", CARE),
        "in-care": State("in-progress", CARE),
        "completed": State("completed"),
        "cancelled": State("cancelled"),
    },
    moves=(
        Move("awaiting-consent", "received", HUB),
        Move("received", "awaiting-consent", HUB),
        Move("received", "accepted", DOCTOR),
        Move("received", "declined", DOCTOR, reason=True),
        Move("accepted", "scheduled", DOCTOR),
        # The sender or 120 reports the journey; until they can, arrival is reported from `scheduled` too.
        Move("scheduled", "in-transit", HUB),
        Move("scheduled", "arrived", CENTRE),
        Move("in-transit", "arrived", CENTRE),
        Move("arrived", "in-care", CENTRE),
        Move("in-care", "completed", DOCTOR),
        *(
            Move(source, "cancelled", HUB)
            for source in ("awaiting-consent", "received", "accepted", "scheduled", "in-transit")
        ),
    ),
)

FOLLOW_UP = Machine(
    code="follow-up",
    states={
        "awaiting-consent": State("on-hold"),
        "due": State("requested"),
        "planned": State("accepted"),
        "visiting": State("in-progress"),
        "done": State("completed"),
        "not-done": State("failed"),
        "cancelled": State("cancelled"),
    },
    moves=(
        Move("awaiting-consent", "due", HUB),
        Move("due", "awaiting-consent", HUB),
        Move("due", "planned", CARERS),
        Move("due", "visiting", CARERS),
        Move("due", "done", CARERS),
        Move("due", "not-done", CARERS, reason=True),
        Move("planned", "visiting", CARERS),
        Move("planned", "done", CARERS),
        Move("planned", "not-done", CARERS, reason=True),
        Move("visiting", "done", CARERS),
        Move("visiting", "not-done", CARERS, reason=True),
        *(Move(source, "cancelled", HUB) for source in ("awaiting-consent", "due", "planned")),
    ),
)

MACHINES: Mapping[str, Machine] = {machine.code: machine for machine in (REFERRAL, FOLLOW_UP)}
