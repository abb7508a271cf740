"""serve, and what a client does beside it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.gateway.cli.conftest import HOSPITAL, STATION, Yiyang

START_S = 60


@contextmanager
def _serving(*words: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """Run `yiyang serve` and give what it says when it is ready."""
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", "0", "--mllp-port", "0", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline()), process
        finally:
            process.terminate()
            process.wait(START_S)


def test_a_client_gets_a_token_from_the_running_gateway_and_uses_it(installed: Yiyang) -> None:
    installed("client", "add", "carer", "--name", "护理员", "--role", "station-carer", "--org", STATION)

    with _serving() as (ready, process):
        token = installed("client", "token", "carer")
        verbose = installed("client", "token", "carer", "--json")
        answer = httpx.get(f"{ready['data']['base']}/Task", headers={"Authorization": f"Bearer {token.out.strip()}"})
        process.send_signal(signal.SIGTERM)
        code = process.wait(START_S)

    assert ready["schema"] == "yiyang.serve.ready/1"
    assert verbose.data["scope"] == "system/*.rs system/Task.u"
    assert answer.status_code == httpx.codes.OK
    assert code == 0


def test_a_narrower_scope_is_granted_as_asked(installed: Yiyang) -> None:
    installed("client", "add", "carer", "--name", "护理员", "--role", "station-carer", "--org", STATION)

    with _serving() as (ready, _):
        said = installed(
            "client", "token", "carer", "--json", "--scope", "system/Task.r", "--base", ready["data"]["base"]
        )
        foreign = installed("client", "token", "carer", "--scope", "system/Task.d")

    assert said.data["scope"] == "system/Task.r"
    assert (foreign.code, foreign.codes) == (6, ["CLI-007"])


def test_without_a_gateway_the_token_word_says_what_to_start(installed: Yiyang) -> None:
    installed("client", "add", "carer", "--name", "护理员", "--role", "station-carer", "--org", STATION)

    said = installed("client", "token", "carer", "--base", "http://127.0.0.1:1/fhir")

    assert (said.code, said.codes) == (7, ["CLI-006"])


@pytest.mark.parametrize("words", [("--host", "192.0.2.1"), ("--mllp-host", "::")])
def test_listening_beyond_this_machine_in_the_clear_is_refused(installed: Yiyang, words: tuple[str, str]) -> None:
    said = installed("serve", *words)

    assert (said.code, said.codes) == (5, ["CLI-012"])


def test_a_port_that_is_taken_is_named(installed: Yiyang) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = installed("serve", "--port", str(taken.getsockname()[1]), "--mllp-port", "0")

    assert (said.code, said.codes) == (9, ["CLI-011"])


def test_an_unregistered_feed_is_refused_at_the_door(installed: Yiyang) -> None:
    installed(
        "client", "add", "his", "--name", "HIS", "--role", "hisfeed", "--org", HOSPITAL, "--feed", "json-discharge"
    )

    with _serving() as (ready, _):
        token = installed("client", "token", "his").out.strip()
        answer = httpx.post(
            f"{ready['data']['intake']}/care-plan", json={}, headers={"Authorization": f"Bearer {token}"}
        )

    assert answer.status_code == httpx.codes.FORBIDDEN
