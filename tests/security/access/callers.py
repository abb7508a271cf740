"""Who asks in the generated counties: every role, with odd purposes, scopes and clearances, and the inner actors."""

from __future__ import annotations

from typing import Final

from security.caller import Caller, Role, Tier
from security.gate import Action
from tests.security.access.brute_force import Who
from tests.security.town import CENTRE, HOSPITAL, OTHER_CENTRE, OTHER_STATION, STATION, caller

MOMENTS: Final = (0, 9, 30)
"""Days after the clock's start: within every period, after the short ones, after the late ones have begun."""
ACTIONS: Final[tuple[Action, ...]] = (
    "read", "vread", "search", "history", "create", "update", "delete", "ingest", "audit",
)  # fmt: skip
ALL_SCOPES: Final = ("system/*.cruds", "intake/any.c")
CALLERS: Final = (
    caller(Role.CENTRE_DOCTOR, CENTRE, scopes=ALL_SCOPES),
    caller(Role.CENTRE_DOCTOR, OTHER_CENTRE, scopes=ALL_SCOPES),
    caller(Role.CENTRE_NURSE, CENTRE, scopes=ALL_SCOPES),
    caller(Role.STATION_DOCTOR, STATION, scopes=ALL_SCOPES),
    caller(Role.STATION_DOCTOR, OTHER_STATION, scopes=("system/*.rs",)),
    caller(Role.STATION_CARER, STATION, scopes=ALL_SCOPES),
    caller(Role.STATION_CARER, OTHER_STATION, scopes=("system/*.rs", "system/Task.u")),
    caller(Role.CENTRE_DOCTOR, CENTRE, purpose="CAREMGT", scopes=ALL_SCOPES),
    caller(Role.STATION_CARER, STATION, purpose="TREAT", scopes=ALL_SCOPES),
    caller(Role.CENTRE_DOCTOR, CENTRE, scopes=("system/Observation.rs", "system/Patient.r")),
    caller(Role.AUDITOR, HOSPITAL, scopes=ALL_SCOPES),
    caller(Role.HISFEED, HOSPITAL, scopes=ALL_SCOPES),
    caller(Role.HISFEED, CENTRE, scopes=ALL_SCOPES),
    Caller("c", Role.CENTRE_DOCTOR, CENTRE, Tier.CENTRE, "TREAT", scopes=frozenset(ALL_SCOPES), clearance=3),
    Caller("c", Role.CENTRE_DOCTOR, CENTRE, Tier.CENTRE, "TREAT", scopes=frozenset(ALL_SCOPES), clearance=5),
    Caller.system("pipeline", organisation=HOSPITAL, tier=Tier.HOSPITAL),
    Caller.system("pipeline", organisation=CENTRE, tier=Tier.CENTRE),
    Caller.system("pipeline", organisation=STATION, tier=Tier.STATION),
    Caller.system("workflow"),
    Caller.system("app"),
    Caller.system("cli"),
    Caller.system("nobody"),
)


def who(caller: Caller) -> Who:
    """Return ``caller`` in the words of the plain reading."""
    return Who(
        role=caller.role.value,
        organisation=caller.organisation,
        tier=caller.tier.value,
        purpose=caller.purpose,
        actor=caller.client.removeprefix("system:") if caller.role is Role.SYSTEM else "",
        scopes=tuple(sorted(caller.scopes)),
        clearance=caller.clearance,
    )
