"""An access token becomes a Caller only while everything about it holds; a refusal is never explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from gateway.fhir.problem import Problem
from security.caller import Role, Tier
from security.oauth import TokenKeys, Tokens, tokens
from tests.security.oauth.conftest import AUDIENCE, ISSUER, Server
from tests.security.oauth.forge import signed, unsigned
from tests.security.state.world import CARER_KEY, CENTRE, DOCTOR_KEY, HOSPITAL, STATION


def head(server: Server, **changed: Any) -> dict[str, Any]:
    return {"alg": "ES256", "typ": "at+jwt", "kid": server.keys.kid, **changed}


def claims(server: Server, **changed: Any) -> dict[str, Any]:
    moment = int(server.clock().timestamp())
    good = {
        "iss": ISSUER, "sub": "centre-doctor", "client_id": "centre-doctor", "aud": AUDIENCE, "jti": "t-1",
        "iat": moment, "exp": moment + 300, "scope": "system/*.rs", "org": CENTRE, "role": "centre-doctor",
    }  # fmt: skip
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def refused(server: Server, token: str) -> None:
    with pytest.raises(Problem) as caught:
        server.tokens.caller(token)
    assert caught.value.code == "SEC-401"


async def test_a_token_becomes_its_client_with_role_chain_and_scopes(server: Server) -> None:
    caller = server.tokens.caller(await server.access_token(), "r-1", "192.0.2.7")
    assert (caller.client, caller.role, caller.organisation) == ("centre-doctor", Role.CENTRE_DOCTOR, CENTRE)
    assert (caller.tier, caller.purpose, caller.chain) == (Tier.CENTRE, "TREAT", frozenset({CENTRE, STATION}))
    assert (caller.scopes, caller.request, caller.address) == (frozenset({"system/*.rs"}), "r-1", "192.0.2.7")


async def test_a_token_is_good_in_every_process(server: Server, second: Server) -> None:
    assert second.tokens.caller(await server.access_token()).client == "centre-doctor"


async def test_the_same_token_belongs_to_each_request_that_shows_it(server: Server) -> None:
    token = await server.access_token()
    assert [server.tokens.caller(token, name).request for name in ("r-1", "r-2")] == ["r-1", "r-2"]


async def test_what_the_forger_writes_is_otherwise_good(server: Server) -> None:
    # The ground of every refusal below: only what each changes is wrong.
    assert server.tokens.caller(signed(head(server), claims(server), server.keys.active)).token == "t-1"


@pytest.mark.parametrize("iss", ["https://other.example", f"{ISSUER}/", "", None])
async def test_another_issuers_token_is_refused(iss: str | None, server: Server) -> None:
    refused(server, signed(head(server), claims(server, iss=iss), server.keys.active))


@pytest.mark.parametrize("aud", ["https://other.example/fhir", ISSUER, [AUDIENCE, "https://other.example"], None])
async def test_a_token_for_another_audience_is_refused(aud: object, server: Server) -> None:
    refused(server, signed(head(server), claims(server, aud=aud), server.keys.active))


async def test_an_unsigned_token_is_refused(server: Server) -> None:
    refused(server, unsigned(head(server, alg="none"), claims(server)))
    refused(server, unsigned(head(server), claims(server)))


async def test_our_public_key_used_as_a_shared_secret_is_refused(server: Server) -> None:
    secret = OctKey.import_key(server.keys.active.as_pem(private=False).hex())
    refused(server, signed(head(server, alg="HS256"), claims(server), secret))


async def test_a_clients_key_signs_no_access_token(server: Server) -> None:
    refused(server, signed(head(server, alg="ES384"), claims(server), ECKey.import_key(DOCTOR_KEY)))


async def test_a_key_of_the_right_kind_that_is_not_ours_is_refused(server: Server) -> None:
    stranger = ECKey.generate_key("P-256", private=True)
    refused(server, signed(head(server), claims(server), stranger))
    refused(server, signed(head(server, kid=stranger.thumbprint()), claims(server), stranger))


async def test_an_assertion_is_no_access_token(server: Server) -> None:
    refused(server, server.form()["client_assertion"])
    refused(server, signed(head(server, typ="JWT"), claims(server), server.keys.active))


@pytest.mark.parametrize("name", ["sub", "client_id", "jti", "scope", "org", "role", "exp", "iat"])
async def test_a_token_that_lacks_a_claim_is_refused(name: str, server: Server) -> None:
    refused(server, signed(head(server), claims(server, **{name: None}), server.keys.active))


@pytest.mark.parametrize(
    "changed", [{"sub": "station-carer"}, {"org": HOSPITAL}, {"role": "auditor"}, {"role": "system"}]
)
async def test_a_token_that_says_otherwise_than_the_registry_is_refused(
    changed: dict[str, str], server: Server
) -> None:
    refused(server, signed(head(server), claims(server, **changed), server.keys.active))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é", "a" * 8193])
async def test_what_is_no_token_is_refused(text: str, server: Server) -> None:
    refused(server, text)


async def test_a_token_ends_after_five_minutes_also_when_it_was_seen_before(server: Server) -> None:
    token = await server.access_token()
    server.clock.forward(299)
    await server.registry.refresh()
    assert server.tokens.caller(token).client
    server.clock.forward(1)
    await server.registry.refresh()
    refused(server, token)


async def test_a_revoked_token_is_refused_at_once_here_and_after_a_look_elsewhere(
    server: Server, second: Server
) -> None:
    token = await server.access_token()
    assert second.tokens.caller(token).client
    await server.tokens.revoke(token)
    refused(server, token)
    await second.registry.refresh()
    refused(second, token)


async def test_revoking_one_token_leaves_the_clients_others(server: Server) -> None:
    first, other = await server.access_token(), await server.access_token()
    await server.tokens.revoke(first)
    assert server.tokens.caller(other).client


async def test_a_token_that_is_none_of_ours_cannot_be_revoked(server: Server) -> None:
    with pytest.raises(Problem) as caught:
        await server.tokens.revoke("a.b.c")
    assert caught.value.code == "SEC-401"


async def test_a_client_disabled_afterwards_is_refused_with_the_token_it_holds(server: Server, second: Server) -> None:
    token = await server.access_token()
    assert second.tokens.caller(token).client
    await server.registry.disable_client("centre-doctor")
    refused(server, token)
    await second.registry.refresh()
    refused(second, token)


async def test_an_organisation_disabled_afterwards_takes_its_clients_tokens_along(server: Server) -> None:
    token = await server.access_token(key=CARER_KEY, client="station-carer")
    assert server.tokens.caller(token).client
    await server.registry.disable_organisation(STATION)
    refused(server, token)


async def test_a_scope_beyond_the_registration_is_worth_nothing_in_a_token(server: Server) -> None:
    token = signed(head(server), claims(server, scope="system/*.cruds"), server.keys.active)
    assert server.tokens.caller(token).scopes == {"system/*.rs", "system/Task.u"}


async def test_a_registry_not_confirmed_for_long_admits_no_token(server: Server) -> None:
    token = await server.access_token()
    server.clock.forward(11)
    with pytest.raises(Problem) as caught:
        server.tokens.caller(token)
    assert caught.value.code == "SEC-119"


async def test_a_token_shows_itself_by_its_jti_only(server: Server) -> None:
    known = server.registry.snapshot().client("centre-doctor")
    assert known is not None
    issued = server.tokens.issue(known, ["system/*.rs"])
    assert issued.token not in repr(issued)
    assert issued.jti in repr(issued)


async def test_a_retired_key_still_verifies_and_the_new_one_signs(server: Server, tmp_path: Path) -> None:
    old = await server.access_token()
    fresh = TokenKeys.create(tmp_path / "next.json")
    both = TokenKeys([fresh.active, server.keys.active])
    tokens = Tokens(both, server.registry, issuer=ISSUER, audience=AUDIENCE, now=server.clock)
    assert tokens.caller(old).client == "centre-doctor"
    assert both.kid == fresh.kid


async def test_of_many_tokens_the_oldest_is_forgotten_and_still_good(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHED", 2)
    shown = [await server.access_token() for _ in range(4)]

    assert [server.tokens.caller(token).client for token in [*shown, *shown]] == ["centre-doctor"] * 8
