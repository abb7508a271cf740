"""The embedded server where something is in the way: each is told with what to do, and leaves no process behind."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.store.postgres import embedded, embedded_process
from gateway.store.postgres.embedded import EmbeddedError, EmbeddedServer
from gateway.store.postgres.embedded_binaries import Binaries, find_binaries
from gateway.store.postgres.embedded_process import ServerFile, live_server, read_server_file


@pytest.fixture
def programs() -> Iterator[Callable[..., Binaries]]:
    """Give a function that makes programs of shell scripts, which any account can reach."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)

    def make(**scripts: str) -> Binaries:
        for name in ("initdb", "postgres"):
            (made / name).write_text(f"#!/bin/sh\n{scripts.get(name, 'exit 0')}\n")
            (made / name).chmod(0o755)
        return Binaries(made, 18, has_lz4=False, from_wheel=False)

    yield make
    shutil.rmtree(made)


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """Give a data directory that looks made, and has a password."""
    data_dir = tmp_path / "pg"
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("18\n")
    (tmp_path / "pg.password").write_text("secret")
    return data_dir


def test_a_lock_that_nobody_lets_go_of_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "START_LIMIT_S", 0.1)
    with (tmp_path / "pg.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(EmbeddedError, match=r"holds .*pg\.lock without a ready server"):
            EmbeddedServer.start(tmp_path / "pg")


def test_a_leftover_that_does_not_stop_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_LIMIT_S", 0.2)
    deaf = subprocess.Popen(
        ["/bin/sh", "-c", "trap '' INT; echo; while :; do sleep 0.05; done"], stdout=subprocess.PIPE
    )
    assert deaf.stdout is not None
    deaf.stdout.readline()
    monkeypatch.setattr(embedded, "live_server", lambda _: ServerFile(deaf.pid, "", is_ready=True))

    with pytest.raises(EmbeddedError, match=f"PostgreSQL {deaf.pid} of an earlier run does not stop"):
        EmbeddedServer.start(tmp_path / "pg")
    assert deaf.poll() is None
    deaf.kill()
    deaf.communicate()


def test_the_folder_of_a_dead_servers_socket_goes_with_its_file(tmp_path: Path) -> None:
    left = Path(tempfile.mkdtemp(prefix="yiyang-pg-"))
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg/postmaster.pid").write_text(f"1\n{tmp_path}/pg\n1\n5432\n{left}\n\n\nready\n")

    embedded._stop_leftover(tmp_path / "pg")

    assert not left.exists()
    assert not (tmp_path / "pg/postmaster.pid").exists()


def test_the_data_of_another_account_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)

    with pytest.raises(EmbeddedError, match=f"belongs to account {tmp_path.stat().st_uid}"):
        EmbeddedServer.start(tmp_path)


def test_an_ordinary_account_runs_the_server_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)

    account = embedded._account_for(tmp_path / "new")

    assert (account.uid, account.gid) == (None, None)
    assert account.may_reach(tmp_path)


def test_root_takes_the_account_that_made_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = pwd.getpwnam("nobody")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "stat", lambda *_, **__: os.stat_result((0o40700, 0, 0, 1, entry.pw_uid, 0, 0, 0, 0, 0)))

    account = embedded._account_for(tmp_path)

    assert (account.uid, account.gid) == (entry.pw_uid, entry.pw_gid)


def test_root_without_another_account_is_told_to_start_as_a_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", nobody)

    with pytest.raises(EmbeddedError, match="no account postgres or nobody exists"):
        EmbeddedServer.start(tmp_path / "pg")


def test_a_program_that_fails_is_quoted(tmp_path: Path, programs: Callable[..., Binaries]) -> None:
    binaries = programs(initdb="echo 'no space left' >&2; exit 1")

    with pytest.raises(EmbeddedError, match=r"initdb failed in .*pg\.new: no space left Is the disk full"):
        EmbeddedServer.start(tmp_path / "pg", binaries=binaries)
    assert not (tmp_path / "pg").exists()


def test_a_server_that_does_not_become_ready_is_given_up(
    cluster: Path, programs: Callable[..., Binaries], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "START_LIMIT_S", 0.5)

    with pytest.raises(EmbeddedError, match=r"did not start: it said nothing\."):
        EmbeddedServer.start(cluster, binaries=programs(postgres="exec sleep 600"))
    assert not embedded._is_locked(cluster)


def test_memory_of_a_killed_server_is_waited_for_and_then_told(
    cluster: Path, programs: Callable[..., Binaries], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LEFTOVERS_LIMIT_S", 0.5)
    said = "FATAL:  pre-existing shared memory block is still in use"

    with pytest.raises(EmbeddedError, match=said):
        EmbeddedServer.start(cluster, binaries=programs(postgres=f"echo '{said}' >&2; exit 1"))
    assert cluster.with_name("pg.log").read_text().count(said) > 1


def test_a_keeper_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_LIMIT_S", 0.1)
    keeper = subprocess.Popen(["/bin/sleep", "600"], stdin=subprocess.PIPE)
    server = EmbeddedServer(tmp_path / "pg", "postgresql://", 1, keeper)

    server.stop()

    assert keeper.poll() == -signal.SIGKILL


def test_without_its_password_file_nobody_attaches(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path / "pg") as owner:
        (tmp_path / "pg.password").rename(tmp_path / "elsewhere")

        with pytest.raises(EmbeddedError, match=r"pg\.password is missing. Put it back"):
            EmbeddedServer.start(tmp_path / "pg")
        assert owner.is_alive


def test_who_attached_sees_the_server_live_and_end(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path / "pg") as owner:
        attached = EmbeddedServer.start(tmp_path / "pg")
        alive = attached.is_alive, owner.is_alive

    assert alive == (True, True)
    assert not attached.is_alive


@pytest.mark.parametrize("deep", [False, True], ids=["beside the data", "in the temp folder"])
async def test_a_server_that_died_comes_back_under_its_dsn(tmp_path: Path, *, deep: bool) -> None:
    data_dir = tmp_path / ("很深的目录" * 8 if deep else "here") / "pg"
    server = EmbeddedServer.start(data_dir)
    os.kill(server.pid, signal.SIGKILL)

    back = server.again()

    try:
        assert back.dsn == server.dsn
        connection = await asyncpg.connect(back.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    finally:
        back.stop()


def test_a_temp_folder_that_is_too_deep_for_a_socket_is_left_for_tmp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))

    folder = embedded._socket_dir(deep / "pg", embedded._Account(None, None), None)

    assert folder.parent == Path("/tmp")  # noqa: S108 - what is tested
    assert list(deep.iterdir()) == []
    folder.rmdir()


@pytest.mark.parametrize("text", ["", "none\n", "\n"], ids=["empty", "no number", "a line"])
def test_a_half_written_pid_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "postmaster.pid").write_text(text)

    assert read_server_file(tmp_path) is None
    assert live_server(tmp_path) is None


def test_where_there_is_no_proc_a_server_is_known_by_ps(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path / "pg", binaries=find_binaries()) as server:
        assert embedded_process._is_postgres_by_ps(server.pid)
        assert not embedded_process._is_postgres_by_ps(os.getpid())


def test_a_process_that_has_ended_is_no_server(tmp_path: Path) -> None:
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    (tmp_path / "postmaster.pid").write_text(f"{ended.pid}\n")

    assert live_server(tmp_path) is None
