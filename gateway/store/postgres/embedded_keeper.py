"""Keep one PostgreSQL server as a child and stop it when the gateway goes away, however it goes.

A process of its own, standard library only, run by path. In: one JSON object as argument (`Order`), and standard
input, whose end means "stop". Out: exit code 0 after a clean stop, the server's code when it died by itself.
The server dies with this process too (PR_SET_PDEATHSIG).
Source: design default (docs/decisions/0020-store-on-postgresql.md).
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from typing import TypedDict

# A fast stop has to write a checkpoint; past this an immediate one leaves it to WAL replay. Design default.
FAST_STOP_LIMIT_S = 60

_PR_SET_PDEATHSIG = 1


class Order(TypedDict):
    """What the gateway asks for: the server's command line, descriptors, account, and a folder to remove at the end."""

    command: list[str]
    keep: list[int]
    uid: int | None
    gid: int | None
    remove: str


def main(order: Order) -> int:
    """Run the server until it ends or standard input does; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the end of standard input is the only word to stop

    server = _started(order)
    try:
        _wait_for_either(server)
    finally:
        code = _stop(server)
        shutil.rmtree(order["remove"], ignore_errors=True)
    return code


def _started(order: Order) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - the command line is our own
        order["command"],
        cwd="/",
        pass_fds=order["keep"],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=sys.stderr,
        preexec_fn=_prepare_server,
        umask=0o077,
        user=order["uid"],
        group=order["gid"],
        extra_groups=None if order["uid"] is None else [],
    )


def _prepare_server() -> None:
    # Runs after the change of account, which would clear the death signal.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)


def _wait_for_either(server: "subprocess.Popen[bytes]") -> None:
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while server.poll() is None:
        readable, _, _ = select.select([0, ended], [], [])
        if ended in readable:
            os.read(ended, 512)
        if 0 in readable and not os.read(0, 512):
            return


def _stop(server: "subprocess.Popen[bytes]") -> int:
    if server.poll() is not None:
        return server.returncode
    server.send_signal(signal.SIGINT)
    try:
        return server.wait(FAST_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        return server.wait()


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
