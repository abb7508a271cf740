"""Who asks: the one value that every door builds once a request and every room is handed.

A Caller says nothing about permission; only `security.gate` decides. It holds no token and no name of a
person, so that it may be put into an audit entry as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """The roles that a client or an inner actor may hold (security.md §4, design default for the names)."""

    HISFEED = "hisfeed"
    CENTRE_DOCTOR = "centre-doctor"
    CENTRE_NURSE = "centre-nurse"
    STATION_DOCTOR = "station-doctor"
    STATION_CARER = "station-carer"
    AUDITOR = "auditor"
    SYSTEM = "system"


class Tier(StrEnum):
    """The tiers of the chain (DB41/T 2684-2024 3.1); HUB is the gateway itself."""

    HOSPITAL = "H"
    CENTRE = "C"
    STATION = "S"
    HUB = "X"


@dataclass(frozen=True, slots=True)
class Caller:
    """Hold who asks, for which organisation and purpose, and through which client.

    ``client`` is the registered client id (or ``mllp:<sender>``, ``system:<actor>``), ``organisation`` the
    18-character unified social credit code, ``chain`` the organisations of the same care chain including its
    own, ``scopes`` the granted SMART v2 scopes, ``token`` the jti of the access token ("" where there is none),
    ``request`` the id of the request or message that this caller stands for.
    """

    client: str
    role: Role
    organisation: str
    tier: Tier
    purpose: str
    chain: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    clearance: int = 4
    token: str = ""
    request: str = ""
    address: str = field(default="", compare=False)

    @classmethod
    def system(cls, actor: str, *, organisation: str = "", tier: Tier = Tier.HUB, request: str = "") -> Caller:
        """Return the inner actor ``actor`` (pipeline, workflow, app, cli), acting for ``organisation`` of ``tier``.

        The pipeline must pass the tier of the sender's organisation: a hospital may ingest its own records, a
        centre or station those of an elder for whom its relation adds writing. Only pipeline, workflow, app and
        cli may call it; `tools/lint_access.py` finds any other use.
        """
        return cls(
            client=f"system:{actor}",
            role=Role.SYSTEM,
            organisation=organisation,
            tier=tier,
            purpose="HOPERAT",
            request=request,
        )
