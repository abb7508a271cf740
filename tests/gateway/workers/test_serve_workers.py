"""`serve --workers 2` when its parts are killed: it comes back by itself, and nothing that was acknowledged is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.workers.serving import Gateway, lives, serving, story, until

Tell = Callable[[str], None]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workers") / "home"


@pytest.fixture(scope="module")
def gateway(home: Path) -> Iterator[Gateway]:
    with serving(home, "--workers", "2") as made:
        yield made


def test_two_workers_answer_at_one_port_and_are_named(gateway: Gateway) -> None:
    assert gateway.is_ready()
    assert gateway.ready["workers"] == gateway.workers
    assert len(gateway.workers) == 2
    assert gateway.ready["pids"] == [gateway.process.pid, gateway.postmaster, *gateway.workers]


def test_a_killed_worker_is_back_and_its_work_is_taken_over(gateway: Gateway, tell: Tell) -> None:
    before = gateway.workers

    for pid in before:  # one of them follows for all: whichever it is, another must take over
        os.kill(pid, signal.SIGKILL)
        seconds = until(lambda: len(gateway.workers) == 2 and gateway.is_ready())
    story(gateway)
    handed = until(lambda: gateway.finds("doctor", "Task?code=referral&status=received"))

    assert not set(gateway.workers) & set(before)
    tell(f"workers: a killed worker was back after {seconds:.1f} s, the referral of a discharge after {handed:.1f} s")


def test_a_killed_postgresql_is_back(gateway: Gateway, tell: Tell) -> None:
    before, workers = gateway.postmaster, gateway.workers

    os.kill(before, signal.SIGKILL)
    until(lambda: not lives(before))
    seconds = until(gateway.is_ready)
    story(gateway)

    assert gateway.postmaster != before
    assert gateway.workers == workers
    tell(f"workers: a killed PostgreSQL was back after {seconds:.1f} s")


def test_the_journal_is_whole_after_all_that_and_every_worker_has_its_chain(gateway: Gateway) -> None:
    verified = gateway.yiyang("audit", "verify")

    assert verified["whole"], verified
    assert verified["writers"] >= 2
    assert gateway.stop() == 0


def test_without_its_parent_a_worker_ends_and_the_next_start_takes_the_ports(gateway: Gateway, home: Path) -> None:
    with serving(home, "--workers", "2") as first:
        workers, port = first.workers, first.ready["port"]
        os.kill(first.process.pid, signal.SIGKILL)
        until(lambda: not any(map(lives, workers)))

        with serving(home, "--workers", "2", "--port", str(port)) as second:
            assert second.is_ready()


def test_one_process_alone_gets_its_killed_postgresql_back_too(home: Path) -> None:
    with serving(home) as alone:
        before = alone.postmaster
        os.kill(before, signal.SIGKILL)
        until(lambda: not lives(before))
        until(alone.is_ready)

        assert alone.postmaster != before
        story(alone)
