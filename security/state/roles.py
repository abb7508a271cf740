"""What a role brings along: the tiers that may hold it, its purpose, and the scopes that it may be allowed at most.

Source: security.md ROL-01, ROL-02 (an auditor never reads clinical data), ROL-03; the purposes are those of HL7
v3-ActReason. The combinations are a design default.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from security.caller import Role, Tier


class RoleRule(NamedTuple):
    """One role: ``tiers`` that may hold it, ``purpose`` of use, ``within`` the widest scopes of its clients."""

    tiers: frozenset[Tier]
    purpose: str
    within: tuple[str, ...]


_CARE: Final = ("system/*.cruds", "intake/*.c")

ROLES: Final[dict[Role, RoleRule]] = {
    Role.HISFEED: RoleRule(frozenset({Tier.HOSPITAL, Tier.CENTRE}), "HOPERAT", ("intake/*.c",)),
    Role.CENTRE_DOCTOR: RoleRule(frozenset({Tier.CENTRE}), "TREAT", _CARE),
    Role.CENTRE_NURSE: RoleRule(frozenset({Tier.CENTRE}), "TREAT", _CARE),
    Role.STATION_DOCTOR: RoleRule(frozenset({Tier.STATION}), "TREAT", _CARE),
    Role.STATION_CARER: RoleRule(frozenset({Tier.STATION}), "CAREMGT", _CARE),
    Role.AUDITOR: RoleRule(frozenset({Tier.HOSPITAL, Tier.CENTRE, Tier.STATION}), "HCOMPL", ("system/AuditEvent.rs",)),
    # skip Role.SYSTEM: an inner actor, never a client
}
