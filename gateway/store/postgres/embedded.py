"""Run our own PostgreSQL: create the cluster, start, re-attach, stop. Nothing listens on the network.

In: a data directory. Out: a running `EmbeddedServer` with its DSN. Refuses: a directory of another account or another
PostgreSQL version. The server never outlives its owner (embedded_keeper.py), and data stays between runs.
Source: design default (docs/decisions/0020-store-on-postgresql.md).
"""

import contextlib
import fcntl
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, quote, urlsplit

from gateway.store.postgres import embedded_keeper, embedded_log
from gateway.store.postgres.embedded_binaries import Binaries, EmbeddedError, copied_for, find_binaries, reachable_by
from gateway.store.postgres.embedded_process import live_server, read_server_file

__all__ = ["EmbeddedError", "EmbeddedServer"]

# The one role and the one database of an embedded server.
_NAME = "yiyang"

# A crash recovery replays at most max_wal_size of log; minutes on a slow disk. Design default.
START_LIMIT_S = 300

# Backends of a killed postmaster notice within seconds; until then the new one refuses to start. Design default.
LEFTOVERS_LIMIT_S = 15

# A keeper gives a fast stop 60 s, then stops at once; the rest is for a loaded machine. Design default.
STOP_LIMIT_S = 90

# sun_path holds 107 bytes and a NUL (unix(7)).
SOCKET_PATH_BYTES = 107

_SOCKET_NAME = ".s.PGSQL.5432"
_TEMP_PREFIX = "yiyang-pg-"
_POLL_S = 0.02

# A keeper killed, or whose owner was, needs a moment to let go: who attaches looks twice. Design default.
_SETTLE_S = 0.2


@dataclass
class EmbeddedServer:
    """A running server. `dsn` suits asyncpg and holds the password: never log it."""

    data_dir: Path
    dsn: str = field(repr=False)
    pid: int
    _keeper: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        binaries: Binaries | None = None,
        settings: Mapping[str, str] | None = None,
        socket_dir: Path | None = None,
    ) -> "EmbeddedServer":
        """Start the server of `data_dir`, creating the cluster on first use; attach when a live owner runs it already.

        A server left behind by a dead owner is stopped and started anew. `settings` override server settings by name;
        `socket_dir` is where an earlier run had its socket, so that its DSN stays true.
        Blocks until connections are taken: about 2 s at first, 0.2 s later.

        Raises:
            EmbeddedError: no binaries, wrong account, wrong version, or the server does not come up; with the remedy.
        """
        data_dir = data_dir.absolute()
        account = _account_for(data_dir)
        try:
            data_dir.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _lock_file(data_dir).open("ab") as lock:
                if (running := _lock_or_find(lock, data_dir)) is not None:
                    return running
                return _start_as_owner(data_dir, account, lock, binaries, settings or {}, socket_dir)
        except PermissionError as error:
            raise EmbeddedError(f"{error.filename} is not ours to use. Change its owner, or YIYANG_HOME.") from error

    @property
    def is_alive(self) -> bool:
        """Tell whether the server still runs; of another owner's, whether the one that was found does."""
        if self._keeper is not None:
            return self._keeper.poll() is None
        found = live_server(self.data_dir)
        return found is not None and found.pid == self.pid

    def again(self) -> "EmbeddedServer":
        """Start a server that died anew, under the same DSN. Raises EmbeddedError as `start` does."""
        self.stop()  # lets go of a keeper that has ended
        query = parse_qs(urlsplit(self.dsn).query)
        return EmbeddedServer.start(self.data_dir, settings=self._settings, socket_dir=Path(query["host"][0]))

    def stop(self) -> None:
        """Stop the server cleanly and wait for it. Does nothing when another process owns it; may be called twice."""
        if self._keeper is None:
            return
        if self._keeper.stdin is not None and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
        try:
            self._keeper.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            # The server dies with its keeper.
            self._keeper.kill()
            self._keeper.wait()
        self._keeper = None

    def __enter__(self) -> "EmbeddedServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass(frozen=True)
class _Account:
    """Who the server runs as; `uid` None: as ourselves."""

    uid: int | None
    gid: int | None

    def owns(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def may_reach(self, path: Path) -> bool:
        return self.uid is None or self.gid is None or reachable_by(path, self.uid, self.gid)


def _lock_or_find(lock: IO[bytes], data_dir: Path) -> EmbeddedServer | None:
    """Take the lock, which a keeper holds for its life, and return None; or return the server its holder runs."""
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Taken: it runs, or is just starting or stopping.
            before = live_server(data_dir)
            time.sleep(_SETTLE_S)
            if before is not None and before.is_ready and live_server(data_dir) == before and _is_locked(data_dir):
                return EmbeddedServer(data_dir, _dsn(data_dir, before.socket_dir), before.pid)
        else:
            return None
    raise EmbeddedError(f"Another process holds {_lock_file(data_dir)} without a ready server. End it, start again.")


def _is_locked(data_dir: Path) -> bool:
    with _lock_file(data_dir).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _start_as_owner(
    data_dir: Path,
    account: _Account,
    lock: IO[bytes],
    binaries: Binaries | None,
    settings: Mapping[str, str],
    wanted: Path | None,
) -> EmbeddedServer:
    _stop_leftover(data_dir)
    binaries = binaries or find_binaries(_made_by(data_dir))
    if account.uid is not None and account.gid is not None:
        binaries = copied_for(binaries, account.uid, account.gid)
    if not (data_dir / "PG_VERSION").exists():
        _create_cluster(data_dir, binaries, account)

    until = time.monotonic() + LEFTOVERS_LIMIT_S
    while True:
        socket_dir = _socket_dir(data_dir, account, wanted)
        said = embedded_log.size(_beside(data_dir, "log"))
        keeper = _spawn_keeper(data_dir, binaries, account, _server_settings(binaries, socket_dir, settings), lock)
        if (pid := _wait_ready(data_dir, keeper)) is not None:
            return EmbeddedServer(data_dir, _dsn(data_dir, str(socket_dir)), pid, keeper, settings)
        reason = embedded_log.last_words(_beside(data_dir, "log"), after=said)
        if "still in use" not in reason or time.monotonic() > until:
            raise EmbeddedError(f"PostgreSQL did not start: {reason} See {_beside(data_dir, 'log')}.")
        time.sleep(0.2)


def _stop_leftover(data_dir: Path) -> None:
    """Stop a server whose owner died, and forget the pid file of a dead one: its number may be someone else's now."""
    until = time.monotonic() + STOP_LIMIT_S
    while (server := live_server(data_dir)) is not None:
        if time.monotonic() > until:
            raise EmbeddedError(f"PostgreSQL {server.pid} of an earlier run does not stop. End it, then start again.")
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGINT)
        time.sleep(0.1)
    written = read_server_file(data_dir)
    if written is not None and Path(written.socket_dir).name.startswith(_TEMP_PREFIX):
        shutil.rmtree(written.socket_dir, ignore_errors=True)  # its keeper was killed, too
    (data_dir / "postmaster.pid").unlink(missing_ok=True)


def _account_for(data_dir: Path) -> _Account:
    owner = data_dir.stat().st_uid if data_dir.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            message = (
                f"{data_dir} belongs to account {owner}. Start as that account or root, or set another YIYANG_HOME."
            )
            raise EmbeddedError(message)
        return _Account(None, None)

    # PostgreSQL refuses to run as root: take the account that made the data, else one every system has.
    with contextlib.suppress(KeyError):
        if owner:
            return _Account(owner, pwd.getpwuid(owner).pw_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError("PostgreSQL refuses to run as root, and no account postgres or nobody exists. Start as a user.")


def _made_by(data_dir: Path) -> int | None:
    try:
        return int((data_dir / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None


def _create_cluster(data_dir: Path, binaries: Binaries, account: _Account) -> None:
    # Made elsewhere and renamed: a first start broken off half-way leaves nothing that looks like a cluster.
    half = _beside(data_dir, "new")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    account.owns(half)
    password = _password(data_dir)
    with _private_file(password, account) as password_file:
        words = [f"--username={_NAME}", f"--pwfile={password_file}", "--auth=scram-sha-256", "--data-checksums"]
        words += ["--encoding=UTF8", "--locale=C"]
        _run(half, account, [binaries.program("initdb")], words)
    _run(half, account, [binaries.program("postgres"), "--single"], ["postgres"], typed=f"CREATE DATABASE {_NAME}\n")

    if data_dir.exists():
        data_dir.rmdir()
    half.rename(data_dir)


def _run(folder: Path, account: _Account, command: list[str], words: list[str], *, typed: str = "") -> None:
    with _seen(folder, account) as (seen, keep):
        done = subprocess.run(  # noqa: S603 - our own program
            [*command, "-D", seen, *words],
            cwd="/",
            env=_environment(),
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=keep,
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
        )
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-500:]
        raise EmbeddedError(f"{Path(command[0]).name} failed in {folder}: {said} Is the disk full or read-only?")


def _spawn_keeper(
    data_dir: Path, binaries: Binaries, account: _Account, settings: Mapping[str, str], lock: IO[bytes]
) -> "subprocess.Popen[bytes]":
    with _seen(data_dir, account) as (seen, keep), embedded_log.opened(_beside(data_dir, "log")) as log:
        command = [binaries.program("postgres"), "-D", seen]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        socket_dir = settings["unix_socket_directories"]
        order = embedded_keeper.Order(command=command, keep=keep, uid=account.uid, gid=account.gid, remove=socket_dir)
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", embedded_keeper.__file__, json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            pass_fds=[lock.fileno(), *keep],
            start_new_session=True,  # Ctrl+C stops the gateway first, the gateway stops the server
        )


def _wait_ready(data_dir: Path, keeper: "subprocess.Popen[bytes]") -> int | None:
    until = time.monotonic() + START_LIMIT_S
    while keeper.poll() is None and time.monotonic() < until:
        server = live_server(data_dir)
        if server is not None and server.is_ready:
            return server.pid
        time.sleep(_POLL_S)
    if keeper.stdin is not None:
        keeper.stdin.close()
    keeper.wait()
    return None


def _server_settings(binaries: Binaries, socket_dir: Path, overrides: Mapping[str, str]) -> dict[str, str]:
    return {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Values of a failing statement are patient data: they stay out of the log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "shared_buffers": f"{_shared_buffers_mb()}MB",
        "max_wal_size": "4GB",
        "wal_compression": "lz4" if binaries.has_lz4 else "pglz",
        "random_page_cost": "1.1",
        "jit": "off",
        **overrides,
    }


def _shared_buffers_mb() -> int:
    # An eighth of the memory, for the gateway runs beside it; past 4 GB the page cache does as well. Design default.
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return min(max(memory_mb // 8, 128), 4096)


def _socket_dir(data_dir: Path, account: _Account, wanted: Path | None) -> Path:
    """Make a folder of mode 0700 for the socket: beside the data, or in the temp folder when that is too deep."""
    beside = _beside(data_dir, "run")
    if wanted is not None and wanted != beside:
        shutil.rmtree(wanted, ignore_errors=True)
        wanted.mkdir(mode=0o700)  # fails where somebody else has made it meanwhile
        folder = wanted
    elif len(os.fsencode(beside / _SOCKET_NAME)) <= SOCKET_PATH_BYTES and account.may_reach(beside):
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700)
        folder = beside
    else:
        folder = Path(tempfile.mkdtemp(prefix=_TEMP_PREFIX))
        if len(os.fsencode(folder / _SOCKET_NAME)) > SOCKET_PATH_BYTES:
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix=_TEMP_PREFIX, dir="/tmp"))
    account.owns(folder)
    return folder


@contextlib.contextmanager
def _seen(folder: Path, account: _Account) -> Iterator[tuple[str, list[int]]]:
    """Give a path by which the account reaches `folder`, and the descriptors its programs must inherit for that."""
    if account.may_reach(folder):
        yield str(folder), []
        return
    # The account may not enter, say, /root; a descriptor opened while still root leads past that.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", [descriptor]
    finally:
        os.close(descriptor)


def _password(data_dir: Path) -> str:
    """Return the password kept in a file of mode 0600 beside the data; make it on first use."""
    kept = _beside(data_dir, "password")
    if kept.exists():
        return kept.read_text(encoding="ascii")
    password = secrets.token_urlsafe(32)
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(password)
    return password


@contextlib.contextmanager
def _private_file(text: str, account: _Account) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=_TEMP_PREFIX) as folder:
        file = Path(folder) / "password"
        file.touch(mode=0o600)
        file.write_text(text, encoding="ascii")
        for path in (Path(folder), file):
            account.owns(path)
        yield file


def _dsn(data_dir: Path, socket_dir: str) -> str:
    try:
        password = _beside(data_dir, "password").read_text(encoding="ascii")
    except FileNotFoundError as error:
        message = f"{_beside(data_dir, 'password')} is missing. Put it back from the backup of this directory."
        raise EmbeddedError(message) from error
    return f"postgresql://{_NAME}:{quote(password)}@/{_NAME}?host={quote(socket_dir, safe='/')}"


def _lock_file(data_dir: Path) -> Path:
    return _beside(data_dir, "lock")


def _beside(data_dir: Path, what: str) -> Path:
    return data_dir.with_name(f"{data_dir.name}.{what}")


def _environment() -> dict[str, str]:
    # No PG* and no locale of the caller: the cluster is the same on every machine.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
