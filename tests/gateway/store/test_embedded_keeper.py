"""The keeper's own functions, in this process: what it does with signals, with its child, and with the last word."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.store.postgres import embedded_keeper as keeper

_LIMIT_S = 30
_PR_GET_PDEATHSIG = 2
_IGNORING = "trap '' INT; echo ready; while :; do sleep 0.05; done"
_OBEYING = "trap 'exit 7' INT; echo ready; while :; do sleep 0.05; done"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

Spawned = subprocess.Popen[bytes]


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Put back what a keeper changes of its process."""
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(keeper._PR_SET_PDEATHSIG, 0, 0, 0, 0)


@pytest.fixture
def word() -> Iterator[int]:
    """Give the writing end of what the keeper reads as its standard input."""
    kept = os.dup(0)
    reading, writing = os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    yield writing
    os.dup2(kept, 0)
    os.close(kept)
    with contextlib.suppress(OSError):  # a test may have closed it
        os.close(writing)


@pytest.fixture
def child() -> Iterator[Callable[[str], Spawned]]:
    """Give a function that starts a shell and waits until it is ready; all are ended after the test."""
    started: list[Spawned] = []

    def start(script: str) -> Spawned:
        process = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, preexec_fn=_heard)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _heard() -> None:
    # Tests that run in the background of a shell inherit these ignored, and no shell can trap them then.
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _order(folder: Path, script: str) -> keeper.Order:
    return keeper.Order(command=["/bin/sh", "-c", script], keep=[], uid=None, gid=None, remove=str(folder))


def test_a_server_that_ends_by_itself_ends_the_keeper_with_its_code(tmp_path: Path, word: int) -> None:
    folder = tmp_path / "socket"
    folder.mkdir()

    assert keeper.main(_order(folder, "exit 3")) == 3
    assert not folder.exists()


def test_the_end_of_standard_input_stops_the_server_and_removes_the_folder(tmp_path: Path, word: int) -> None:
    folder = tmp_path / "socket"
    folder.mkdir()
    os.close(word)

    code = keeper.main(_order(folder, "exec sleep 600"))

    assert code == -signal.SIGINT
    assert not folder.exists()


def test_anything_said_on_standard_input_is_no_word_to_stop(tmp_path: Path, word: int) -> None:
    os.write(word, b"more")

    assert keeper.main(_order(tmp_path / "none", "sleep 0.3; exit 5")) == 5


def test_the_keeper_lives_through_the_signals_of_a_terminal(tmp_path: Path, word: int) -> None:
    keeper.main(_order(tmp_path / "none", "exit 0"))

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        assert signal.getsignal(number) is signal.SIG_IGN


def test_a_server_is_asked_to_stop_fast(child: Callable[[str], Spawned]) -> None:
    assert keeper._stop(child(_OBEYING)) == 7


def test_a_server_that_does_not_stop_fast_is_stopped_at_once(
    child: Callable[[str], Spawned], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FAST_STOP_LIMIT_S", 0.1)

    assert keeper._stop(child(_IGNORING)) == -signal.SIGQUIT


def test_a_server_that_has_ended_is_not_asked(child: Callable[[str], Spawned]) -> None:
    ended = child("echo ready; exit 4")
    _wait_until(lambda: ended.poll() is not None)

    assert keeper._stop(ended) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a death signal")
def test_what_becomes_the_server_hears_signals_and_dies_with_its_keeper() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

    keeper._prepare_server()

    asked = ctypes.c_int()
    ctypes.CDLL(None).prctl(_PR_GET_PDEATHSIG, ctypes.byref(asked), 0, 0, 0)
    assert asked.value == signal.SIGINT
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        assert signal.getsignal(number) is signal.SIG_DFL


def _wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + _LIMIT_S
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
