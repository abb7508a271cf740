"""Read what PostgreSQL writes about itself into `postmaster.pid`, and tell a live server from a stale file.

Source: PostgreSQL manual, "Database File Layout" (postmaster.pid); proc(5) for the process states.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_READY = "ready"


@dataclass(frozen=True)
class ServerFile:
    """The lines of `postmaster.pid` that matter: process, folder of its socket, and whether it takes connections."""

    pid: int
    socket_dir: str
    is_ready: bool


def read_server_file(data_dir: Path) -> ServerFile | None:
    """Return what the server wrote, or None when there is no file or it is half written."""
    try:
        lines = (data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return None
    padded = [*lines, *[""] * 8]
    return ServerFile(pid, socket_dir=padded[4].strip(), is_ready=padded[7].strip() == _READY)


def live_server(data_dir: Path) -> ServerFile | None:
    """Return the server that runs on `data_dir`; None when the file is stale, its process dead, a zombie or another."""
    written = read_server_file(data_dir)
    if written is None or not _is_postgres_on(written.pid, data_dir):
        return None
    return written


def _is_postgres_on(pid: int, data_dir: Path) -> bool:
    if not Path("/proc/self").exists():
        return _is_postgres_by_ps(pid)
    process = Path(f"/proc/{pid}")
    try:
        # The name in brackets may hold spaces; the state is the first word after it.
        state = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        program = (process / "cmdline").read_bytes().split(b"\0")[0].rpartition(b"/")[2]
        folder = os.readlink(process / "cwd")  # noqa: PTH115 - a dead link must not be followed
    except (OSError, IndexError):
        return False
    return state != "Z" and program in (b"postgres", b"postmaster") and folder == str(data_dir.resolve())


def _is_postgres_by_ps(pid: int) -> bool:
    words = ["ps", "-o", "stat=,command=", "-p", str(pid)]
    shown = subprocess.run(words, capture_output=True, text=True, check=False).stdout  # noqa: S603
    return "postgres" in shown and not shown.strip().startswith("Z")
