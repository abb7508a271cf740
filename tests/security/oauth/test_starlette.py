"""The three routes as a client meets them: forms are read strictly, the answers are JSON."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette

from security.oauth.starlette import routes
from tests.security.oauth.conftest import ENDPOINT, ISSUER, Server

FORM = {"content-type": "application/x-www-form-urlencoded"}


def door(server: Server) -> httpx.AsyncClient:
    app = Starlette(routes=routes(server.oauth, request_id=lambda request: "r-9"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ISSUER)


async def test_a_posted_form_gets_a_token(server: Server) -> None:
    async with door(server) as http:
        answer = await http.post("/oauth/token", data=server.form())
    assert answer.status_code == 200
    assert server.tokens.caller(answer.json()["access_token"]).client == "centre-doctor"
    assert server.journal[-1].request == "r-9"


@pytest.mark.parametrize("repeated", ["scope", "client_assertion", "grant_type"])
async def test_a_parameter_that_comes_twice_is_refused(repeated: str, server: Server) -> None:
    form = server.form()
    body = urlencode([*form.items(), (repeated, form[repeated])])
    async with door(server) as http:
        answer = await http.post("/oauth/token", content=body, headers=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (server.journal[-1].granted, server.journal[-1].reason) == (False, "form")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"grant_type=%ff", FORM["content-type"]),
        ("grant_type=中".encode(), FORM["content-type"]),
        (b"&".join(b"a%d=1" % n for n in range(17)), FORM["content-type"]),
        (b"a=" + b"x" * 32 * 1024, FORM["content-type"]),
        (b"", FORM["content-type"]),
    ],
    ids=["json", "not-utf8", "not-ascii", "too-many", "too-large", "empty"],
)
async def test_what_is_no_strict_form_is_refused(body: bytes, kind: str, server: Server) -> None:
    async with door(server) as http:
        answer = await http.post("/oauth/token", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer.headers["cache-control"] == "no-store"
    assert not server.journal[-1].granted


async def test_basic_authentication_beside_the_assertion_is_refused(server: Server) -> None:
    async with door(server) as http:
        answer = await http.post("/oauth/token", data=server.form(), auth=("centre-doctor", "x"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_token_is_not_to_be_had_by_get(server: Server) -> None:
    async with door(server) as http:
        answer = await http.get("/oauth/token", params=server.form())
    assert answer.status_code == 405


async def test_the_key_set_holds_no_private_part(server: Server) -> None:
    async with door(server) as http:
        keys = (await http.get("/oauth/jwks")).json()["keys"]
    assert [set(key) & {"d", "p", "q", "k"} for key in keys] == [set()]


async def test_discovery_tells_what_is_built(server: Server) -> None:
    async with door(server) as http:
        found = (await http.get("/fhir/.well-known/smart-configuration")).json()
    assert found["token_endpoint"] == ENDPOINT
    assert found["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert set(found["token_endpoint_auth_signing_alg_values_supported"]) == {"RS384", "ES384"}
    assert found["grant_types_supported"] == ["client_credentials"]
