"""One worker of `serve --workers N`: started by `workers`, never by a person.

In: one line of standard input, a JSON object with the settings that the parent chose (the database's address holds a
password, so it is on no command line). Out: one line of standard output, ready or the problems. It stops in order on
SIGTERM, and at once when its parent is gone: standard input ends then, and on Linux the kernel ends it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.cli.exits import Exit
from gateway.cli.loop import run, settle
from gateway.cli.run import problems_of
from gateway.cli.stopping import stopping, until_stopped
from gateway.config import Settings
from gateway.fhir.problem import Problem

_PR_SET_PDEATHSIG: Final = 1


def main() -> int:
    """Serve what standard input asks for; return the exit code."""
    order: dict[str, Any] = orjson.loads(sys.stdin.buffer.readline())
    _end_with_parent(int(order.pop("parent")))
    try:
        run(_work(_settings(order)))
    except Exception as error:  # noqa: BLE001 - the door of this process: the parent tells it to people
        _say({"problems": [_as_row(problem) for problem in problems_of(error)]})
        return Exit.FAILED
    return Exit.OK


async def _work(settings: Settings) -> None:
    from gateway.app import open_app
    from gateway.cli.serving import admin_listening, listening
    from gateway.watch import lines

    lines.configure(form=settings.log, level=settings.log_level)

    with stopping() as stop:
        async with (
            open_app(settings, share=True) as app,
            listening(app.asgi, settings),
            admin_listening(app.admin, settings),
        ):
            settle()
            _say({"ready": True})
            await until_stopped(stop, app.rooms.journal.broken())


def _settings(order: Mapping[str, Any]) -> Settings:
    """Return the settings of the environment, but for what the parent chose."""
    return replace(Settings.load(home=Path(order["home"])), **{**order, "home": Path(order["home"])})


def _end_with_parent(parent: int) -> None:
    """End when the parent ends, however it ends and whatever this process is doing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    threading.Thread(target=_watch, name="parent", daemon=True).start()
    if os.getppid() != parent:
        os._exit(Exit.FAILED)


def _watch() -> None:
    # What was acknowledged is on disk: an abrupt end loses nothing, and the ports are free for the next start.
    # Not through sys.stdin: its lock would still be held when the interpreter ends.
    while os.read(0, 1):
        pass
    os._exit(Exit.FAILED)


def _say(what: Mapping[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(what, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def _as_row(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "where": problem.where, "source": problem.source, "detail": problem.detail}


if __name__ == "__main__":
    sys.exit(main())
