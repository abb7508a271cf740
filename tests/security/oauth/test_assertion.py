"""Which client assertions hold: algorithm, key, claims, time. The client is told one thing, the journal the reason."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from security.caller import Role
from security.oauth import client as smart
from tests.security.oauth.conftest import AUDIENCE, ENDPOINT, ISSUER, Server
from tests.security.oauth.forge import signed, unsigned
from tests.security.state.world import CARER_KEY, CENTRE, DOCTOR_KEY

RSA = RSAKey.generate_key(2048, private=True)
RSA_JWK = {**RSA.as_dict(private=True), "kid": "rsa-1"}
DOCTOR = ECKey.import_key(DOCTOR_KEY)
CLIENT = "centre-doctor"


async def add_rsa_client(server: Server) -> None:
    await server.registry.add_client(
        "centre-rsa", "示范镇旧系统", role=Role.CENTRE_DOCTOR, organisation=CENTRE,
        jwks=smart.public_jwks(RSA_JWK), scopes=["system/*.rs"],
    )  # fmt: skip


def claims(server: Server, client: str = CLIENT, **changed: Any) -> dict[str, Any]:
    """Return good claims with some changed; None removes one."""
    moment = int(server.clock().timestamp())
    good = {"iss": client, "sub": client, "aud": ENDPOINT, "jti": "j-1", "iat": moment, "exp": moment + 240}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def head(**changed: Any) -> dict[str, Any]:
    return {"alg": "ES384", "typ": "JWT", "kid": DOCTOR_KEY["kid"], **changed}


async def outcome(server: Server, assertion: str) -> tuple[int, str, str]:
    """Return the status, the error that the client sees, and the reason that the journal holds."""
    reply = await server.ask(client_assertion=assertion)
    return reply.status, reply.body.get("error", ""), server.journal[-1].reason


async def refused(server: Server, assertion: str, reason: str) -> None:
    assert await outcome(server, assertion) == (401, "invalid_client", reason)


async def test_es384_is_accepted(server: Server) -> None:
    assert await outcome(server, signed(head(), claims(server), DOCTOR)) == (200, "", "")


async def test_rs384_is_accepted(server: Server) -> None:
    await add_rsa_client(server)
    text = signed(head(alg="RS384", kid="rsa-1"), claims(server, "centre-rsa"), RSA)
    assert await outcome(server, text) == (200, "", "")


@pytest.mark.parametrize("alg", ["RS256", "RS512", "PS384"])
async def test_another_rsa_algorithm_of_the_registered_key_is_refused(alg: str, server: Server) -> None:
    await add_rsa_client(server)
    await refused(server, signed(head(alg=alg, kid="rsa-1"), claims(server, "centre-rsa"), RSA), "algorithm")


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
async def test_a_public_key_used_as_a_shared_secret_is_refused(alg: str, server: Server) -> None:
    secret = OctKey.import_key(DOCTOR.as_pem(private=False).hex())
    await refused(server, signed(head(alg=alg), claims(server), secret), "algorithm")


@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
async def test_an_unsigned_assertion_is_refused(alg: str, server: Server) -> None:
    await refused(server, unsigned(head(alg=alg), claims(server)), "algorithm")


async def test_a_header_without_algorithm_is_refused(server: Server) -> None:
    bare = {name: value for name, value in head().items() if name != "alg"}
    await refused(server, unsigned(bare, claims(server)), "unreadable")


async def test_an_algorithm_of_another_kind_of_key_is_refused(server: Server) -> None:
    await refused(server, signed(head(alg="RS384"), claims(server), RSA), "algorithm")


async def test_an_accepted_header_without_signature_is_refused(server: Server) -> None:
    await refused(server, unsigned(head(), claims(server)), "signature")


async def test_another_clients_key_does_not_prove_this_client(server: Server) -> None:
    await refused(server, signed(head(), claims(server), ECKey.import_key(CARER_KEY)), "signature")


async def test_a_changed_claim_breaks_the_signature(server: Server) -> None:
    good, other = signed(head(), claims(server), DOCTOR), signed(head(), claims(server, jti="j-2"), DOCTOR)
    mixed = ".".join([good.split(".")[0], other.split(".")[1], good.split(".")[2]])
    await refused(server, mixed, "signature")


@pytest.mark.parametrize("kid", ["unknown", CARER_KEY["kid"]], ids=["unknown", "another client's"])
async def test_a_kid_that_is_not_this_clients_is_refused(kid: str, server: Server) -> None:
    await refused(server, signed(head(kid=kid), claims(server), DOCTOR), "unknown-kid")


@pytest.mark.parametrize(
    "extra",
    [
        {"jku": "https://elsewhere.example/keys"},
        {"jwk": DOCTOR.as_dict(private=False)},
        {"x5u": "https://elsewhere.example/cert"},
        {"crit": ["kid"]},
        {"cty": "JWT"},
    ],
    ids=lambda extra: next(iter(extra)),
)
async def test_a_header_that_brings_its_own_rules_is_refused(extra: dict[str, Any], server: Server) -> None:
    status, error, reason = await outcome(server, signed(head(**extra), claims(server), DOCTOR))
    assert (status, error) == (401, "invalid_client")
    assert reason in ("header", "unreadable")


async def test_an_access_tokens_type_is_no_assertion(server: Server) -> None:
    await refused(server, signed(head(typ="at+jwt"), claims(server), DOCTOR), "typ")


@pytest.mark.parametrize("aud", [AUDIENCE, ISSUER, f"{ENDPOINT}/", [ENDPOINT, AUDIENCE], [], None])
async def test_an_assertion_for_another_audience_is_refused(aud: object, server: Server) -> None:
    await refused(server, signed(head(), claims(server, aud=aud), DOCTOR), "audience")


async def test_the_audience_may_be_a_list_of_one(server: Server) -> None:
    assert (await outcome(server, signed(head(), claims(server, aud=[ENDPOINT]), DOCTOR)))[0] == 200


async def test_the_subject_must_be_the_client_itself(server: Server) -> None:
    await refused(server, signed(head(), claims(server, sub="station-carer"), DOCTOR), "subject")


async def test_a_client_that_is_not_registered_is_refused(server: Server) -> None:
    await refused(server, signed(head(), claims(server, "nobody"), DOCTOR), "unknown-client")


@pytest.mark.parametrize("jti", [None, "", 7, "j" * 256])
async def test_a_jti_that_cannot_be_remembered_is_refused(jti: object, server: Server) -> None:
    await refused(server, signed(head(), claims(server, jti=jti), DOCTOR), "jti")


async def test_a_life_of_five_minutes_is_the_longest(server: Server) -> None:
    moment = int(server.clock().timestamp())
    assert (await outcome(server, signed(head(), claims(server, exp=moment + 300), DOCTOR)))[0] == 200
    await refused(server, signed(head(), claims(server, exp=moment + 301, jti="j-2"), DOCTOR), "exp")


@pytest.mark.parametrize("exp", [None, "soon", True, 1e300, -1])
async def test_an_end_that_is_no_instant_is_refused(exp: object, server: Server) -> None:
    await refused(server, signed(head(), claims(server, exp=exp), DOCTOR), "exp")


async def test_an_expired_assertion_is_refused(server: Server) -> None:
    moment = int(server.clock().timestamp())
    await refused(server, signed(head(), claims(server, exp=moment, iat=moment - 60), DOCTOR), "expired")


@pytest.mark.parametrize(("seconds", "status"), [(30, 200), (31, 401)])
async def test_a_clients_clock_may_be_half_a_minute_ahead(seconds: int, status: int, server: Server) -> None:
    moment = int(server.clock().timestamp())
    text = signed(head(), claims(server, iat=moment + seconds, nbf=moment + seconds), DOCTOR)
    assert (await outcome(server, text))[0] == status


async def test_an_assertion_not_yet_in_force_is_refused(server: Server) -> None:
    moment = int(server.clock().timestamp())
    await refused(server, signed(head(), claims(server, nbf=moment + 31), DOCTOR), "nbf")


@pytest.mark.parametrize("text", ["x", "a.b", "a.b.c", "....", "é.é.é", "e30.e30.e30", "W10.W10.W10", "9" * 8000])
async def test_what_is_no_token_is_refused(text: str, server: Server) -> None:
    status, error, _ = await outcome(server, text)
    assert (status, error) == (401, "invalid_client")


async def test_a_token_beyond_the_limit_is_not_even_read(server: Server) -> None:
    await refused(server, "a" * 8193, "too-large")


async def test_every_refusal_reads_the_same_outside(server: Server) -> None:
    texts = ["x", signed(head(), claims(server, "nobody"), DOCTOR), unsigned(head(), claims(server))]
    bodies = [(await server.ask(client_assertion=text)).body for text in texts]
    assert bodies[0] == bodies[1] == bodies[2]
