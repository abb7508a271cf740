"""A small county for the tests of registry and tokens: one hospital, two centres, three stations, keys of clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg

from gateway.fhir.problem import Problems
from security.caller import Role, Tier
from security.oauth import client as smart
from security.state import Organisation, Registry

HOSPITAL = "12410000MB00000010"
CENTRE, STATION = "12410100MB00000028", "52410102MJ0000003J"
OTHER_CENTRE, OTHER_STATION = "12410100MB00000103", "52410102MJ0000004M"
_EMPTY = """
TRUNCATE security.organisation, security.client, security.sender, security.used_jti, security.revoked_token
"""

HOSPITAL_KEY, DOCTOR_KEY, CARER_KEY = smart.generate(), smart.generate(), smart.generate()

ORGANISATIONS = (
    Organisation(HOSPITAL, "示范市第一医院", Tier.HOSPITAL),
    Organisation(CENTRE, "示范镇卫生院", Tier.CENTRE, HOSPITAL),
    Organisation(STATION, "示范村养老服务站", Tier.STATION, CENTRE),
    Organisation(OTHER_CENTRE, "示范乡卫生院", Tier.CENTRE, HOSPITAL),
    Organisation(OTHER_STATION, "示范乡养老服务站", Tier.STATION, OTHER_CENTRE),
)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        """Start on a winter noon."""
        self.moment = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.moment

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


def codes(problems: Problems) -> list[str]:
    """Return the codes of what was refused, in the order told."""
    return [each.code for each in problems.problems]


@asynccontextmanager
async def open_pool(dsn: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """Give a pool on ``dsn`` with nothing registered."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        await pool.execute(_EMPTY)
        yield pool


async def settle(registry: Registry) -> None:
    """Register the county and its three clients."""
    for organisation in ORGANISATIONS:
        await registry.add_organisation(organisation)
    await registry.add_client(
        "hospital-his",
        "示范医院 HIS",
        role=Role.HISFEED,
        organisation=HOSPITAL,
        jwks=smart.public_jwks(HOSPITAL_KEY),
        scopes=["intake/json-discharge.c", "intake/sharing-consent.c"],
        feeds=["json-discharge", "sharing-consent"],
    )
    await registry.add_client(
        "centre-doctor",
        "示范镇医生",
        role=Role.CENTRE_DOCTOR,
        organisation=CENTRE,
        jwks=smart.public_jwks(DOCTOR_KEY),
        scopes=["system/*.rs", "system/Task.u"],
    )
    await registry.add_client(
        "station-carer",
        "示范村护理员",
        role=Role.STATION_CARER,
        organisation=STATION,
        jwks=smart.public_jwks(CARER_KEY),
        scopes=["system/*.rs", "system/Task.u"],
    )
