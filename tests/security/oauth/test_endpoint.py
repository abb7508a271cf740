"""The token endpoint: what a request must hold, single use, scopes cut down, and an entry for every attempt."""

from __future__ import annotations

import asyncio

import pytest

from gateway.fhir.problem import Problem
from security.oauth.problems import render
from tests.security.oauth.conftest import Server
from tests.security.state.world import CARER_KEY, CENTRE, HOSPITAL_KEY


async def test_a_grant_is_a_bearer_token_of_five_minutes_that_no_cache_keeps(server: Server) -> None:
    reply = await server.ask()
    assert reply.status == 200
    assert (reply.body["token_type"], reply.body["expires_in"]) == ("Bearer", 300)
    assert reply.body["scope"] == "system/*.rs"
    assert reply.headers["Cache-Control"] == "no-store"


async def test_an_assertion_is_good_for_one_request(server: Server) -> None:
    form = server.form()
    assert (await server.ask(form)).status == 200
    again = await server.ask(form)
    assert (again.status, again.body["error"]) == (401, "invalid_client")
    assert server.journal[-1].reason == "replayed"


async def test_an_assertion_is_good_for_one_request_of_all_processes(server: Server, second: Server) -> None:
    form = server.form()
    replies = await asyncio.gather(*(each.ask(form) for each in (server, second) * 4))
    assert sorted(reply.status for reply in replies) == [200] + [401] * 7


async def test_two_clients_may_use_the_same_jti(server: Server) -> None:
    moment = server.clock()
    assert await server.registry.spend("centre-doctor", "same", moment)
    assert await server.registry.spend("station-carer", "same", moment)


async def test_a_refused_request_for_scope_uses_up_the_assertion(server: Server) -> None:
    form = server.form(scope="system/Patient.d")
    assert (await server.ask(form)).body["error"] == "invalid_scope"
    assert (await server.ask(form)).body["error"] == "invalid_client"


async def test_client_id_may_repeat_who_asks(server: Server) -> None:
    assert (await server.ask(client_id="centre-doctor")).status == 200


async def test_client_id_may_not_name_another(server: Server) -> None:
    reply = await server.ask(client_id="station-carer")
    assert (reply.status, reply.body["error"]) == (401, "invalid_client")
    assert (server.journal[-1].reason, server.journal[-1].client) == ("client-id", "centre-doctor")


async def test_a_disabled_client_gets_nothing(server: Server) -> None:
    await server.registry.disable_client("centre-doctor")
    assert (await server.ask()).body["error"] == "invalid_client"


async def test_a_client_of_a_disabled_organisation_gets_nothing(server: Server) -> None:
    await server.registry.disable_organisation(CENTRE)
    assert (await server.ask()).body["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("system/*.cruds", "system/*.rs system/Task.u"),
        ("system/Task.cruds", "system/Task.rus"),
        ("system/Patient.rs", "system/Patient.rs"),
        ("system/Patient.rs patient/Observation.rs", "system/Patient.rs"),
        ("system/Patient.read system/Task.r", "system/Task.r"),
        ("system/Task.u intake/json-discharge.c", "system/Task.u"),
    ],
)
async def test_what_is_asked_beyond_the_registration_is_left_out(asked: str, granted: str, server: Server) -> None:
    reply = await server.ask(server.form(scope=asked))
    assert (reply.status, reply.body["scope"]) == (200, granted)


@pytest.mark.parametrize("asked", ["", " ", "openid", "system/Patient.d", "user/*.rs", "system/Task.sr", "system/*.*"])
async def test_no_scope_that_could_be_granted_is_an_error(asked: str, server: Server) -> None:
    reply = await server.ask(scope=asked)
    assert (reply.status, reply.body["error"]) == (400, "invalid_scope")


async def test_a_feed_is_granted_by_its_own_scope(server: Server) -> None:
    form = server.form(HOSPITAL_KEY, "hospital-his", "intake/json-discharge.c system/*.rs")
    assert (await server.ask(form)).body["scope"] == "intake/json-discharge.c"


@pytest.mark.parametrize("name", ["grant_type", "client_assertion", "client_assertion_type"])
@pytest.mark.parametrize("emptied", [True, False])
async def test_what_is_required_is_named_when_it_is_missing(name: str, emptied: bool, server: Server) -> None:  # noqa: FBT001
    form = server.form()
    form = {**form, name: ""} if emptied else {key: value for key, value in form.items() if key != name}
    reply = await server.oauth.token(form, {})
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")
    assert name in reply.body["error_description"]


async def test_only_client_credentials_are_granted(server: Server) -> None:
    reply = await server.ask(grant_type="authorization_code")
    assert (reply.status, reply.body["error"]) == (400, "unsupported_grant_type")


async def test_another_assertion_type_is_refused(server: Server) -> None:
    reply = await server.ask(client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")


async def test_an_authorization_header_beside_the_assertion_is_refused(server: Server) -> None:
    reply = await server.oauth.token(server.form(), {"authorization": "Basic Y2VudHJlOng="})
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")
    assert server.journal[-1].reason == "two-authentications"


async def test_a_client_secret_beside_the_assertion_is_refused(server: Server) -> None:
    reply = await server.ask(client_secret="x")
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")
    assert server.journal[-1].reason == "two-authentications"


async def test_the_error_is_ascii_and_told_in_chinese_beside_it(server: Server) -> None:
    body = (await server.ask(client_assertion="x")).body
    assert body["error_description"].isascii()
    assert not body["error_description_zh"].isascii()


async def test_a_fault_of_ours_is_told_without_its_text() -> None:
    assert render(Problem("SEC-404")) == {"error": "server_error"}


async def test_a_grant_is_journalled_with_who_and_what(server: Server) -> None:
    await server.oauth.token(server.form(CARER_KEY, "station-carer"), {}, request_id="r-1", address="192.0.2.7")
    noted = server.journal[-1]
    assert (noted.granted, noted.client, noted.role) == (True, "station-carer", "station-carer")
    assert (noted.request, noted.address, noted.scopes) == ("r-1", "192.0.2.7", frozenset({"system/*.rs"}))
    assert noted.token


async def test_nobody_can_write_anothers_name_into_the_journal(server: Server) -> None:
    await server.ask(server.form(CARER_KEY, "centre-doctor"))
    assert (server.journal[-1].granted, server.journal[-1].client) == (False, "")


async def test_no_token_leaves_when_the_journal_cannot_be_written(server: Server) -> None:
    async def fail(_: object) -> None:
        raise OSError("disk full")

    server.oauth._audit = fail
    with pytest.raises(OSError, match="disk full"):
        await server.ask()


async def test_a_registry_not_confirmed_for_long_lets_nobody_in(server: Server) -> None:
    server.clock.forward(11)
    reply = await server.ask()
    assert (reply.status, reply.body["error"]) == (503, "temporarily_unavailable")
    assert server.journal[-1].reason == "SEC-119"
