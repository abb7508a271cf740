"""Who takes part in the demo: its clients, one role each, and the hospital's HL7 system.

In: a county. Out: what to register. The names are those that the README, the curl lines and the ready object use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.demo.county import CENTRE, HOSPITAL, STATION, County
from security.caller import Role, Tier

HOSPITAL_FEEDS = ("json-discharge", "sharing-consent")
CENTRE_FEEDS = ("assessment", "care-plan")
HL7_FEED = "adt-a03"
OTHER_CENTRE = "other-centre-doctor"
"""Sends the other chain's records of the year; the story does not need it."""


@dataclass(frozen=True, slots=True)
class Party:
    """One client: its id, name, role, organisation and feeds."""

    client_id: str
    name: str
    role: Role
    organisation: str
    feeds: tuple[str, ...] = ()


def parties(county: County) -> Iterator[Party]:
    """Yield the clients; those of the story first."""
    other = next(place for place in county.places if place.tier is Tier.CENTRE and place.uscc != CENTRE)
    village = next(place for place in county.places if place.parent == other.uscc)
    yield Party("hospital-his", "医院信息系统", Role.HISFEED, HOSPITAL, HOSPITAL_FEEDS)
    yield Party("centre-doctor", "中心医生工作站", Role.CENTRE_DOCTOR, CENTRE, CENTRE_FEEDS)
    yield Party("centre-nurse", "中心护士工作站", Role.CENTRE_NURSE, CENTRE, CENTRE_FEEDS)
    yield Party("station-doctor", "社区站医生工作站", Role.STATION_DOCTOR, STATION)
    yield Party("station-carer", "社区站护理员终端", Role.STATION_CARER, STATION)
    yield Party("other-station-carer", "另一社区站护理员终端", Role.STATION_CARER, village.uscc)
    yield Party("auditor", "审计工作站", Role.AUDITOR, HOSPITAL)
    yield Party(OTHER_CENTRE, "另一中心医生工作站", Role.CENTRE_DOCTOR, other.uscc, CENTRE_FEEDS)


def sender_of(organisation: str) -> str:
    """Return the client that sends the records of ``organisation``."""
    return {HOSPITAL: "hospital-his", CENTRE: "centre-doctor"}.get(organisation, OTHER_CENTRE)
