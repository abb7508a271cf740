"""inbox list, show and replay, on messages that lie there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.app import open_rooms
from gateway.config import Settings
from gateway.fhir.problem import Problem
from gateway.intake.inbox import Arrival, State
from gateway.intake.reply import Reply, pack
from tests.gateway.cli.conftest import HOSPITAL, Yiyang

Put = Callable[..., None]
RAW = '{"msgId": "D1", "name": "王示兰"}'.encode()


@pytest.fixture
def put(installed: Yiyang) -> Put:
    """Put a message of the hospital into the inbox."""
    words = ("--name", "HIS", "--role", "hisfeed", "--org", HOSPITAL, "--feed", "json-discharge")
    installed("client", "add", "his", *words)
    installed("sender", "add", "his-mllp", "--feed", "adt-a03", "--org", HOSPITAL)

    def put(message: str, state: State, *, sender: str = "his") -> None:
        async def run() -> None:
            async with open_rooms(Settings.load()) as rooms:
                arrival = Arrival(sender, "json-discharge", HOSPITAL, message, RAW, rooms.keys.digest(RAW))
                problems = (Problem("MAP-004", source="data.x", label="x", rule="1"),) if state is State.PARKED else ()
                reply = Reply("AE" if problems else "AA", message, state, problems)
                reason = problems[0].code if problems else ""
                await rooms.inbox.put(arrival, state=state, reply=pack(reply), reason=reason)

        asyncio.run(run())

    return put


def test_messages_are_listed_newest_first_without_their_content(installed: Yiyang, put: Put) -> None:
    put("D1", State.STORED)
    put("D2", State.PARKED)

    said = installed("inbox", "list")

    assert [(row["message"], row["state"], row["reason"]) for row in said.data["messages"]] == [
        ("D2", "parked", "MAP-004"),
        ("D1", "stored", ""),
    ]
    assert "示" not in said.out


def test_a_page_names_the_next_one(installed: Yiyang, put: Put) -> None:
    for message in ("D1", "D2", "D3"):
        put(message, State.STORED)

    first = installed("inbox", "list", "-n", "2").data
    second = installed("inbox", "list", "-n", "2", "--after", first["next"]).data

    assert [row["message"] for row in first["messages"] + second["messages"]] == ["D3", "D2", "D1"]
    assert second["next"] is None


def test_a_state_can_be_asked_for(installed: Yiyang, put: Put) -> None:
    put("D1", State.STORED)
    put("D2", State.PARKED)

    assert [row["message"] for row in installed("inbox", "list", "--state", "parked").data["messages"]] == ["D2"]


def test_a_parked_message_tells_what_is_wrong_and_the_way_on(installed: Yiyang, put: Put) -> None:
    put("D2", State.PARKED)

    said = installed("inbox", "show", "D2").data

    assert [(one["code"], one["field"]) for one in said["issues"]] == [("MAP-004", "data.x")]
    assert "replayed" in said["next"]["en"]


def test_the_bytes_come_as_they_were_sent_and_leave_an_entry(installed: Yiyang, put: Put) -> None:
    put("D2", State.PARKED)

    said = installed("inbox", "show", "D2", "--raw")

    assert said.out.encode() == RAW + b"\n"
    last = installed("audit", "tail", "-n", "1").data["entries"][0]
    assert (last["action"], last["id"]) == ("disclose", "D2")


def test_a_replayed_message_is_received_again_and_that_is_an_entry(installed: Yiyang, put: Put) -> None:
    put("D2", State.PARKED)

    said = installed("inbox", "replay", "D2")

    assert said.code == 0
    assert (said.data["before"], said.data["state"]) == ("parked", "received")
    assert installed("audit", "tail", "-n", "1").data["entries"][0]["action"] == "replay"


def test_a_stored_message_is_not_replayed(installed: Yiyang, put: Put) -> None:
    put("D1", State.STORED)

    said = installed("inbox", "replay", "D1")

    assert (said.code, said.codes) == (9, ["CLI-009"])


def test_without_a_gateway_waiting_for_the_outcome_says_so(installed: Yiyang, put: Put) -> None:
    put("D2", State.PARKED)

    said = installed("inbox", "replay", "D2", "--wait", "1")

    assert (said.code, said.codes) == (7, ["CLI-017"])


def test_an_id_that_two_senders_used_asks_which_one(installed: Yiyang, put: Put) -> None:
    put("D1", State.STORED)
    put("D1", State.PARKED, sender="mllp:his-mllp")

    asked = installed("inbox", "show", "D1")
    told = installed("inbox", "show", "D1", "--sender", "mllp:his-mllp")

    assert (asked.code, asked.codes) == (9, ["CLI-016"])
    assert told.data["state"] == "parked"


def test_an_unknown_message_is_not_found(installed: Yiyang) -> None:
    said = installed("inbox", "show", "nothing")

    assert (said.code, said.codes) == (8, ["CLI-008"])
