"""The embedded server as its owner sees it: each test runs a real PostgreSQL, the wheel's and the system's."""

import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.store.postgres import embedded_log
from gateway.store.postgres.embedded import EmbeddedError, EmbeddedServer
from gateway.store.postgres.embedded_binaries import Binaries, find_binaries, installations
from gateway.store.postgres.embedded_process import live_server

_LIMIT_S = 30


@pytest.fixture(
    params=[
        pytest.param(True, marks=pytest.mark.needs("wheel"), id="wheel"),
        pytest.param(False, marks=pytest.mark.needs("postgres"), id="system"),
    ]
)
def binaries(request: pytest.FixtureRequest) -> Binaries:
    return next(found for found in installations() if found.from_wheel is request.param)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """Give a place for data; no server is left on it after the test."""
    yield tmp_path / "postgres"
    if (server := live_server(tmp_path / "postgres")) is not None:
        os.kill(server.pid, signal.SIGQUIT)
        wait_until(lambda: live_server(tmp_path / "postgres") is None)


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + _LIMIT_S
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


async def run(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_restart_keeps_the_data(data_dir: Path, binaries: Binaries) -> None:
    with EmbeddedServer.start(data_dir, binaries=binaries) as first:
        await run(first.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")

    with EmbeddedServer.start(data_dir) as second:
        assert await run(second.dsn, "SELECT answer FROM kept") == 42
        assert second.pid != first.pid


async def test_the_cluster_is_checked_utf8_c_and_off_the_network(data_dir: Path, binaries: Binaries) -> None:
    with EmbeddedServer.start(data_dir, binaries=binaries) as server:
        connection = await asyncpg.connect(server.dsn)
        shown = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in ("data_checksums", "server_encoding", "listen_addresses", "password_encryption")
        }
        collation = await connection.fetchval("SELECT datcollate FROM pg_database WHERE datname = current_database()")
        trusting = await connection.fetchval(
            "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> $1", "scram-sha-256"
        )
        await connection.close()

    assert shown == {
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "listen_addresses": "",
        "password_encryption": "scram-sha-256",
    }
    assert (collation, trusting) == ("C", 0)


def test_secrets_are_for_the_owner_alone(data_dir: Path, binaries: Binaries) -> None:
    with EmbeddedServer.start(data_dir, binaries=binaries) as server:
        socket_dir = Path(server.dsn.partition("?host=")[2])

        assert _mode(data_dir) == _mode(socket_dir) == 0o700
        assert _mode(data_dir.with_name("postgres.password")) == 0o600
        assert "postgresql://" not in repr(server)
    assert not socket_dir.exists()


async def test_a_wrong_password_is_refused(data_dir: Path, binaries: Binaries) -> None:
    with EmbeddedServer.start(data_dir, binaries=binaries) as server:
        password = data_dir.with_name("postgres.password").read_text()

        with pytest.raises(asyncpg.InvalidPasswordError):
            await run(server.dsn.replace(password, "guess"), "SELECT 1")


async def test_a_second_start_attaches_and_does_not_stop_it(data_dir: Path, binaries: Binaries) -> None:
    with EmbeddedServer.start(data_dir, binaries=binaries) as owner:
        attached = EmbeddedServer.start(data_dir)
        attached.stop()

        assert attached.pid == owner.pid
        assert await run(attached.dsn, "SELECT 1") == 1


async def test_a_stale_pid_file_does_not_hinder_a_start(data_dir: Path, binaries: Binaries) -> None:
    EmbeddedServer.start(data_dir, binaries=binaries).stop()
    # Our own process is alive, but no server of this directory.
    (data_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{data_dir}\n1\n5432\n/tmp\n\n\nready   \n")

    with EmbeddedServer.start(data_dir) as server:
        assert server.pid != os.getpid()
        assert await run(server.dsn, "SELECT 1") == 1


async def test_committed_data_survives_a_killed_postmaster(data_dir: Path, binaries: Binaries) -> None:
    killed = EmbeddedServer.start(data_dir, binaries=binaries)
    await run(killed.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(killed.pid, signal.SIGKILL)

    with EmbeddedServer.start(data_dir) as server:
        assert await run(server.dsn, "SELECT answer FROM kept") == 42
    killed.stop()


async def test_a_killed_keeper_takes_the_server_along(data_dir: Path, binaries: Binaries) -> None:
    orphaned = EmbeddedServer.start(data_dir, binaries=binaries)
    os.kill(orphaned._keeper.pid, signal.SIGKILL)

    with EmbeddedServer.start(data_dir) as server:
        assert await run(server.dsn, "SELECT 1") == 1
        assert server.pid != orphaned.pid
    orphaned.stop()


async def test_a_deep_directory_gets_a_short_socket_path(tmp_path: Path, binaries: Binaries) -> None:
    deep = tmp_path / ("很深的目录" * 8) / "postgres"

    with EmbeddedServer.start(deep, binaries=binaries) as server:
        assert await run(server.dsn, "SELECT 1") == 1


def test_stop_may_be_called_twice(data_dir: Path, binaries: Binaries) -> None:
    server = EmbeddedServer.start(data_dir, binaries=binaries)

    server.stop()
    server.stop()

    assert live_server(data_dir) is None


def test_a_first_start_broken_off_is_begun_anew(data_dir: Path, binaries: Binaries) -> None:
    half = data_dir.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    with EmbeddedServer.start(data_dir, binaries=binaries):
        assert not half.exists()


def test_data_of_another_version_is_refused_with_the_remedy(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("9\n")

    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 9.*apt-get install postgresql-9"):
        EmbeddedServer.start(data_dir)


def test_a_server_that_cannot_start_says_why(data_dir: Path, binaries: Binaries) -> None:
    with pytest.raises(EmbeddedError, match=r"did not start.*no_such_setting"):
        EmbeddedServer.start(data_dir, binaries=binaries, settings={"no_such_setting": "1"})


def test_a_start_that_fails_does_not_quote_an_earlier_one(data_dir: Path, binaries: Binaries) -> None:
    with pytest.raises(EmbeddedError, match="first_setting"):
        EmbeddedServer.start(data_dir, binaries=binaries, settings={"first_setting": "1"})

    with pytest.raises(EmbeddedError, match="second_setting") as refused:
        EmbeddedServer.start(data_dir, binaries=binaries, settings={"second_setting": "1"})
    assert "first_setting" not in str(refused.value)


@pytest.mark.parametrize(
    ("this_start", "reason"),
    [
        (["LOG:  redo starts", "PANIC:  no room", "FATAL:  shut down by another"], "PANIC:  no room"),
        (["FATAL:  one", "FATAL:  two", "LOG:  shut down"], "FATAL:  two"),
        (["FATAL:  lost", "FATAL:  the database system is starting up"], "FATAL:  lost"),
        (["sh: 1: cannot execute"], "sh: 1: cannot execute"),
        ([], "it said nothing."),
    ],
    ids=["panic first", "last fatal", "not what clients are told", "neither", "silence"],
)
def test_the_reason_is_the_line_of_this_start(tmp_path: Path, this_start: list[str], reason: str) -> None:
    log, before = tmp_path / "pg.log", "FATAL:  of an earlier start\n"
    log.write_text(before + "".join(f"{line}\n" for line in this_start))

    assert embedded_log.last_words(tmp_path / "pg.log", after=len(before)) == reason


def test_a_log_that_was_cut_meanwhile_is_read_from_its_begin(tmp_path: Path) -> None:
    (tmp_path / "pg.log").write_text("FATAL:  lost\n")

    assert embedded_log.last_words(tmp_path / "pg.log", after=1000) == "FATAL:  lost"


def test_without_any_postgresql_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.postgres.embedded_binaries._places", lambda: iter([]))

    with pytest.raises(EmbeddedError, match="YIYANG_DATABASE_URL"):
        find_binaries()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
