"""Senders: who posts to a feed, and whose HL7 message it is, by what it says and where it comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.fhir.problem import Problems
from security.state import HttpSender, MllpSender, Registry
from tests.security.state.world import HOSPITAL, STATION, codes

HIS = MllpSender("his", HOSPITAL, "adt-a03", "HIS", "HOSP", "192.0.2.0/24")


async def faults(registry: Registry, entry: MllpSender) -> list[str]:
    with pytest.raises(Problems) as caught:
        await registry.add_sender(entry)
    return codes(caught.value)


@pytest.mark.parametrize("address", ["192.0.2.1", "192.0.2.255", "::ffff:192.0.2.1"])
async def test_a_message_is_its_senders_within_the_network(address: str, registry: Registry) -> None:
    await registry.add_sender(HIS)
    assert registry.snapshot().mllp_sender("HIS", "HOSP", address) == HIS


@pytest.mark.parametrize(
    ("msh3", "msh4", "address"),
    [
        ("HIS", "HOSP", "198.51.100.1"),
        ("HIS", "HOSP", "2001:db8::1"),
        ("HIS", "OTHER", "192.0.2.1"),
        ("LIS", "HOSP", "192.0.2.1"),
        ("his", "HOSP", "192.0.2.1"),
        ("HIS", "HOSP", ""),
        ("HIS", "HOSP", "host.example"),
    ],
)
async def test_a_message_that_differs_in_one_point_is_nobodys(
    msh3: str, msh4: str, address: str, registry: Registry
) -> None:
    await registry.add_sender(HIS)
    assert registry.snapshot().mllp_sender(msh3, msh4, address) is None


async def test_the_narrowest_network_wins(registry: Registry) -> None:
    narrow = replace(HIS, name="his-lab", network="192.0.2.8/32")
    await registry.add_sender(HIS)
    await registry.add_sender(narrow)
    known = registry.snapshot()
    assert known.mllp_sender("HIS", "HOSP", "192.0.2.8") == narrow
    assert known.mllp_sender("HIS", "HOSP", "192.0.2.9") == HIS


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": "HIS"}, "SEC-105"),
        ({"feed": "ADT A03"}, "SEC-105"),
        ({"organisation": "12410100MB00000204"}, "SEC-102"),
        ({"msh3": ""}, "SEC-109"),
        ({"msh4": "x" * 228}, "SEC-109"),
        ({"network": "192.0.2.1/24"}, "SEC-109"),
        ({"network": "192.0.2.1"}, "SEC-109"),
        ({"network": "anywhere"}, "SEC-109"),
        ({"charset": "GBK"}, "SEC-109"),
        ({"ack": "always"}, "SEC-109"),
    ],
)
async def test_a_wrong_field_is_refused(changed: dict[str, str], code: str, registry: Registry) -> None:
    assert await faults(registry, replace(HIS, **changed)) == [code]  # type: ignore[arg-type]


async def test_two_senders_cannot_claim_the_same_messages(registry: Registry) -> None:
    await registry.add_sender(HIS)
    assert await faults(registry, replace(HIS, name="his-2")) == ["SEC-103"]


async def test_the_place_of_a_disabled_sender_is_free_for_another(registry: Registry) -> None:
    await registry.add_sender(HIS)
    await registry.disable_sender("his")
    successor = replace(HIS, name="his-2")
    await registry.add_sender(successor)
    assert registry.snapshot().mllp_sender("HIS", "HOSP", "192.0.2.1") == successor


async def test_a_disabled_sender_is_not_found(registry: Registry) -> None:
    await registry.add_sender(HIS)
    await registry.disable_sender("his")
    assert registry.snapshot().mllp_sender("HIS", "HOSP", "192.0.2.1") is None


async def test_a_disabled_organisation_takes_its_senders_along(registry: Registry) -> None:
    await registry.add_sender(HIS)
    await registry.disable_organisation(HOSPITAL)
    known = registry.snapshot()
    assert known.mllp_sender("HIS", "HOSP", "192.0.2.1") is None
    assert known.http_sender("hospital-his", "json-discharge") is None
    assert known.client("hospital-his") is None


async def test_a_disabled_organisation_leaves_those_below_it(registry: Registry) -> None:
    await registry.disable_organisation(HOSPITAL)
    assert registry.snapshot().client("station-carer") is not None


async def test_each_feed_of_a_client_is_a_sender_of_its_organisation(registry: Registry) -> None:
    found = registry.snapshot().http_sender("hospital-his", "json-discharge")
    assert found == HttpSender("hospital-his:json-discharge", HOSPITAL, "json-discharge", "hospital-his")


async def test_a_client_posts_to_no_feed_that_it_is_not_registered_for(registry: Registry) -> None:
    known = registry.snapshot()
    assert known.http_sender("hospital-his", "assessment") is None
    assert known.http_sender("centre-doctor", "json-discharge") is None


async def test_a_disabled_client_posts_nothing(registry: Registry) -> None:
    await registry.disable_client("hospital-his")
    assert registry.snapshot().http_sender("hospital-his", "json-discharge") is None


async def test_a_disabled_http_sender_takes_its_feed_from_the_client(registry: Registry) -> None:
    await registry.disable_sender("hospital-his:json-discharge")
    owner = registry.snapshot().client("hospital-his")
    assert owner is not None
    assert owner.feeds == {"sharing-consent"}


async def test_one_more_feed_needs_a_scope_that_the_client_has(registry: Registry) -> None:
    with pytest.raises(Problems) as caught:
        await registry.add_http_sender("hospital-his", "assessment")
    assert codes(caught.value) == ["SEC-108"]


async def test_a_feed_for_an_unknown_client_is_refused(registry: Registry) -> None:
    with pytest.raises(Problems) as caught:
        await registry.add_http_sender("nobody", "assessment")
    assert "SEC-102" in codes(caught.value)


async def test_a_station_may_send_too(registry: Registry) -> None:
    await registry.add_sender(replace(HIS, organisation=STATION))
    found = registry.snapshot().mllp_sender("HIS", "HOSP", "192.0.2.1")
    assert found is not None
    assert found.organisation == STATION
