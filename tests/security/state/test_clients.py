"""Clients: one role that fits the tier, public keys only, scopes within the role."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.fhir.problem import Problem, Problems
from security.caller import Role
from security.oauth import client as smart
from security.state import Change, Registry
from tests.security.state.world import CARER_KEY, CENTRE, DOCTOR_KEY, HOSPITAL, STATION, codes

PUBLIC = smart.public_jwks(DOCTOR_KEY)["keys"][0]


async def add(registry: Registry, client_id: str = "centre-nurse", **changed: Any) -> Change:
    good = {
        "role": Role.CENTRE_NURSE, "organisation": CENTRE, "jwks": {"keys": [PUBLIC]}, "scopes": ["system/*.rs"],
    }  # fmt: skip
    name = changed.pop("name", "示范镇护士")
    return await registry.add_client(client_id, name, **{**good, **changed})


async def faults(registry: Registry, **changed: Any) -> list[str]:
    with pytest.raises(Problems) as caught:
        await add(registry, **changed)
    return codes(caught.value)


async def test_a_client_is_found_after_it_was_added(registry: Registry) -> None:
    await add(registry)
    found = registry.snapshot().client("centre-nurse")
    assert found is not None
    assert (found.role, found.organisation, found.scopes) == (Role.CENTRE_NURSE, CENTRE, frozenset({"system/*.rs"}))


@pytest.mark.parametrize("client_id", ["", "Nurse", "-nurse", "a b", "system:app", "mllp:x", "a" * 65, "护士"])
async def test_an_id_that_could_be_mistaken_is_refused(client_id: str, registry: Registry) -> None:
    assert await faults(registry, client_id=client_id) == ["SEC-105"]


async def test_an_id_is_registered_once_even_when_it_was_disabled(registry: Registry) -> None:
    await registry.disable_client("station-carer")
    assert await faults(registry, client_id="station-carer") == ["SEC-103"]


@pytest.mark.parametrize(
    ("role", "organisation"),
    [
        (Role.HISFEED, STATION),
        (Role.CENTRE_DOCTOR, HOSPITAL),
        (Role.CENTRE_NURSE, STATION),
        (Role.STATION_DOCTOR, CENTRE),
        (Role.STATION_CARER, HOSPITAL),
    ],
)
async def test_a_role_of_another_tier_is_refused(role: Role, organisation: str, registry: Registry) -> None:
    assert "SEC-107" in await faults(registry, role=role, organisation=organisation)


async def test_no_client_is_an_inner_actor(registry: Registry) -> None:
    assert "SEC-107" in await faults(registry, role=Role.SYSTEM)


async def test_a_client_of_a_disabled_organisation_is_refused(registry: Registry) -> None:
    await registry.disable_organisation(CENTRE)
    assert "SEC-102" in await faults(registry)


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        (Role.CENTRE_NURSE, "system/*.sr"),
        (Role.CENTRE_NURSE, "system/*.read"),
        (Role.CENTRE_NURSE, "system/*."),
        (Role.CENTRE_NURSE, "patient/*.rs"),
        (Role.CENTRE_NURSE, "system/Observation.rs?category=vital-signs"),
        (Role.CENTRE_NURSE, "intake/*.c"),
        (Role.CENTRE_NURSE, "openid"),
        (Role.HISFEED, "system/Patient.r"),
        (Role.AUDITOR, "system/Patient.rs"),
        (Role.AUDITOR, "system/*.rs"),
        (Role.AUDITOR, "system/AuditEvent.u"),
    ],
)
async def test_a_scope_that_the_role_may_not_have_is_refused(role: Role, scope: str, registry: Registry) -> None:
    assert await faults(registry, role=role, scopes=[scope]) == ["SEC-108"]


async def test_a_client_without_scope_is_refused(registry: Registry) -> None:
    assert await faults(registry, scopes=[]) == ["SEC-108"]


async def test_a_feed_needs_its_scope(registry: Registry) -> None:
    assert await faults(registry, feeds=["assessment"]) == ["SEC-108"]


async def test_a_private_key_handed_in_is_refused_and_not_quoted(registry: Registry) -> None:
    with pytest.raises(Problems) as caught:
        await add(registry, jwks={"keys": [CARER_KEY]})
    assert codes(caught.value) == ["SEC-111"]
    assert CARER_KEY["d"] not in str(caught.value)


def _rsa_1024() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is weak is the point
        return _public(RSAKey.generate_key(1024))


def _public(key: ECKey | RSAKey | OctKey, **more: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": "k", **more}


@pytest.mark.parametrize(
    "keys",
    [
        [],
        ["x"],
        [_public(ECKey.generate_key("P-256"))],
        [_rsa_1024()],
        [{"kty": "RSA", "kid": "k", "e": "AQAB", "n": "_" * 700}],
        [{"kty": "RSA", "kid": "k", "e": "AQAB", "n": "数"}],
        [{name: value for name, value in PUBLIC.items() if name != "kid"}],
        [{**PUBLIC, "kid": "k" * 129}],
        [{**PUBLIC, "use": "enc"}],
        [{**PUBLIC, "x": PUBLIC["y"]}],
        [{**PUBLIC, "kty": "OKP"}],
        [PUBLIC, PUBLIC],
        [{**PUBLIC, "kid": str(n)} for n in range(9)],
    ],
    ids=[
        "none",
        "text",
        "P-256",
        "RSA-1024",
        "RSA-4200",
        "RSA-none",
        "no-kid",
        "long-kid",
        "enc",
        "off-curve",
        "OKP",
        "twice",
        "nine",
    ],
)
async def test_a_weak_or_unusable_key_is_refused(keys: list[Any], registry: Registry) -> None:
    assert await faults(registry, jwks={"keys": keys}) == ["SEC-110"]


async def test_a_shared_secret_is_refused(registry: Registry) -> None:
    secret = {**OctKey.generate_key(256).as_dict(private=True), "kid": "k"}
    assert await faults(registry, jwks={"keys": [secret]}) == ["SEC-111"]


async def test_an_rsa_key_of_2048_bits_is_taken(registry: Registry) -> None:
    await add(registry, jwks={"keys": [_public(RSAKey.generate_key(2048))]})
    assert registry.snapshot().client("centre-nurse") is not None


async def test_of_a_key_only_what_verifies_is_kept(registry: Registry) -> None:
    await add(registry, jwks={"keys": [{**PUBLIC, "x5c": ["MIIB"], "note": "示范"}]})
    found = registry.snapshot().client("centre-nurse")
    assert found is not None
    assert set(found.keys[PUBLIC["kid"]]) == {"kid", "kty", "crv", "x", "y"}


async def test_all_faults_of_a_client_are_told_at_once(registry: Registry) -> None:
    told = await faults(registry, client_id="X", name="", role=Role.HISFEED, organisation=STATION)
    assert told == ["SEC-105", "SEC-106", "SEC-107", "SEC-108"]


async def test_a_refused_client_leaves_no_sender_behind(registry: Registry) -> None:
    with pytest.raises(Problems):
        await add(registry, name="", feeds=["assessment"], scopes=["intake/assessment.c"])
    assert "centre-nurse:assessment" not in {each.name for each in await registry.list_senders()}


async def test_a_disabled_client_is_listed_but_not_let_in(registry: Registry) -> None:
    change = await registry.disable_client("centre-doctor")
    assert change.before is not None
    assert (change.before.disabled, change.after.disabled) == (False, True)
    assert registry.snapshot().client("centre-doctor") is None
    assert (await registry.get_client("centre-doctor")).disabled


async def test_disabling_again_changes_nothing(registry: Registry) -> None:
    first = await registry.disable_client("centre-doctor")
    assert (await registry.disable_client("centre-doctor")).version == first.version


@pytest.mark.parametrize("verb", ["get_client", "disable_client", "get_sender", "disable_sender", "get_organisation"])
async def test_what_is_not_registered_is_said_so(verb: str, registry: Registry) -> None:
    with pytest.raises(Problem) as caught:
        await getattr(registry, verb)("nobody")
    assert caught.value.code == "SEC-102"
