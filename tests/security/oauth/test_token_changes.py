"""Whatever is changed in a token, in its text or in what it says, makes it nobody's; the refusal is always the same."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.fhir.problem import Problem
from tests.budget import examples
from tests.security.oauth.conftest import Server
from tests.security.oauth.forge import signed, signed_anyhow
from tests.security.oauth.test_tokens import claims, head

SIGNS = string.ascii_letters + string.digits + "-_=.+/ \n\0王"
SOMETHING: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.text(max_size=4), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
ONE_SERVER = [HealthCheck.function_scoped_fixture]


def refused(server: Server, token: str) -> None:
    with pytest.raises(Problem) as caught:
        server.tokens.caller(token)
    assert (caught.value.code, caught.value.detail) == ("SEC-401", {})


@settings(max_examples=examples(200), suppress_health_check=ONE_SERVER)
@given(data=st.data())
async def test_any_change_to_the_text_is_refused(server: Server, data: st.DataObject) -> None:
    token = signed(head(server), claims(server), server.keys.active)
    at = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.sampled_from([*SIGNS, ""]))
    changed = token[:at] + sign + token[at + data.draw(st.integers(0, 1)) :]

    if changed != token:
        refused(server, changed)


@settings(max_examples=examples(100), suppress_health_check=ONE_SERVER)
@given(junk=st.one_of(st.text(max_size=60), st.text("eyJ.AQgw-_=", max_size=90)))
async def test_what_was_never_a_token_is_refused(server: Server, junk: str) -> None:
    refused(server, junk)


@settings(max_examples=examples(150), suppress_health_check=ONE_SERVER)
@given(
    name=st.sampled_from(["iss", "sub", "client_id", "aud", "jti", "iat", "exp", "scope", "org", "role"]),
    value=SOMETHING,
)
async def test_another_value_in_a_claim_is_refused_or_says_the_same(server: Server, name: str, value: object) -> None:
    good = claims(server)
    token = signed(head(server), {**good, name: value}, server.keys.active)

    try:
        caller = server.tokens.caller(token)
    except Problem as problem:
        assert (problem.code, problem.detail) == ("SEC-401", {})  # noqa: PT017 - either outcome is good
        return

    # What may differ is its own name, its life, and the scopes that it asks for; never who it is.
    assert name in ("jti", "exp", "iat", "scope") or value == good[name]
    assert (caller.client, caller.organisation, caller.role) == (good["sub"], good["org"], good["role"])
    assert caller.scopes <= {"system/*.rs"}


async def test_what_is_signed_anyhow_is_otherwise_good(server: Server) -> None:
    token = signed_anyhow(head(server), claims(server), server.keys.active)

    assert server.tokens.caller(token).client == "centre-doctor"


@settings(max_examples=examples(100), suppress_health_check=ONE_SERVER)
@given(name=st.sampled_from(["typ", "kid", "jku", "jwk", "crit", "b64", "x5u", "zip", "cty"]), value=SOMETHING)
async def test_another_header_is_refused(server: Server, name: str, value: object) -> None:
    good = head(server)
    token = signed_anyhow({**good, name: value}, claims(server), server.keys.active)

    if value != good.get(name, ...):
        refused(server, token)
