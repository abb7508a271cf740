"""Log lines: JSON objects with a stable code and a few fields, each of a shape that cannot hold a person's data.

In: calls of `log` and records of the standard library's logging, ours and other libraries'. Out: bytes on stderr.
What is not of its field's shape is blinded or left out: the list says what may pass, not what may not. Free text never
passes, neither a message's nor an exception's. Source: security.md AUD (no personal data in logs); design default.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from secrets import token_bytes
from types import TracebackType
from typing import Any, BinaryIO, Final

import orjson

from gateway.watch.events import LASTING, TABLE
from gateway.watch.lasting import Lasting

FRAMES: Final = 6
"""Innermost places that are named of an exception (design default)."""
HASH_CHARS: Final = 12
"""Of a blinded value: 48 bits tell apart what one installation sees."""
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
# Words of the code, of the registry's closed lists and of folder names. Six digits in a row are no such word: dates,
# phones and identity numbers are what has more.
_WORD: Final = re.compile(r"(?!.*\d{6})[A-Za-z/][A-Za-z0-9_.:/{}-]{0,127}")
_DIGITS: Final = re.compile(r"\d{6}")
MAX_NUMBER: Final = 10_000_000
"""Pids, ports, milliseconds and counts are below; phones and identity numbers are not."""
MAX_TEXT: Final = 400
LOOK_S: Final = 1.0
"""How often it is looked for what is over."""
KEPT: Final = 2_048
"""Words whose shape is remembered: routes, roles, clients come again and again."""
_PLACES: Final = re.compile(r"(?!.*\d{6})[A-Za-z0-9_.:<> ]{0,800}")
_NUMBERS: Final = frozenset({int, float})
Shape = Callable[[Any], object]
_key = token_bytes(32)
current: ContextVar[Mapping[str, Any]] = ContextVar("current")
"""The state of the request that is being answered, where there is one; its "request_id" goes into every line."""


@lru_cache(KEPT)
def _blinded(value: object) -> str:
    return "h:" + blake2b(str(value).encode(), digest_size=16, key=_key).hexdigest()[:HASH_CHARS]


@lru_cache(KEPT)
def _named(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else _blinded(value)


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else _blinded(value)


def _number(value: object) -> object:
    return value if type(value) in _NUMBERS and value < MAX_NUMBER else None  # type: ignore[operator]


def _text(value: object) -> object:
    """Return one line of a text that our own code or PostgreSQL's start made; see `SHAPES`."""
    text = " ".join(str(value).split())[:MAX_TEXT]
    return None if _DIGITS.search(text) else text


def _place(value: object) -> object:
    return value if isinstance(value, str) and _PLACES.fullmatch(value) else None


SHAPES: Final[Mapping[str, Shape]] = {
    "request_id": _id,
    "method": _named,
    "route": _named,
    "status": _number,
    "ms": _number,
    "client": _named,
    "role": _named,
    "actor": _blinded,
    "feed": _named,
    "reply": _named,
    "state": _named,
    "problem": _named,
    "error": _named,
    "at": _place,
    "kind": _named,
    "action": _named,
    "part": _named,
    "writer": _named,
    "logger": _named,
    "version": _named,
    "port": _number,
    "mllp_port": _number,
    "pid": _number,
    "worker": _number,
    "signal": _number,
    "exit_code": _number,
    "attempts": _number,
    "count": _number,
    "held_back": _number,
    "seconds": _number,
    "of": _named,
    # Why the embedded database does not start: no client has been connected to it by then.
    "why": _text,
}
"""The fields that a line may have. Anything else is left out."""


def use_key(key: bytes) -> None:
    """Blind with ``key`` from now on, the same in all processes of an installation; 16 to 64 bytes."""
    global _key
    _key = key
    _blinded.cache_clear()
    _named.cache_clear()
    _who.cache_clear()


def places(error: BaseException) -> str:
    """Return where in the code ``error`` was raised, innermost first: file, line, function; never its text."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames))


def configure(*, form: str, level: str, out: BinaryIO | None = None) -> None:
    """Write ``json`` or ``human`` lines (``form`` "" = by whether ``out`` is a terminal) of ``level`` and above.

    For the process: `tell`, the standard library's root logger, and what Python prints of errors that nobody caught.
    ``out`` is stderr unless given.
    """
    out = out or sys.stderr.buffer
    human = form == "human" or (not form and out.isatty())
    least = logging.getLevelNamesMapping()[level.upper()]
    _log.out, _log.render, _log.least = out, _human if human else _json, least
    _log.lasting = Lasting()
    logging.basicConfig(handlers=[_Handler()], level=least, force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _fault(args.exc_value)
    sys.unraisablehook = lambda found: _fault(found.exc_value)


def tell(level: int, event: str, **fields: Any) -> None:
    """Write one line of ``event`` at a ``level`` of `logging`; nothing below the least, or before `configure`.

    What lasts is said once, and then seldom (`gateway.watch.lasting`). Where the line cannot be written (the log's disk
    is full, its reader gone) it is left out: the service goes on.
    """
    if level >= _log.least:
        if event in LASTING:
            held_back = _log.lasting.held_back(level, event, fields)
            if held_back is None:
                return
            if held_back:
                fields["held_back"] = held_back
        # One write a line: lines of several processes on one pipe do not mix.
        with contextlib.suppress(OSError, ValueError):  # ValueError: the stream is closed
            _log.out.write(_log.render(_line(level, event, fields)) + b"\n")
            _log.out.flush()


async def watch() -> None:
    """Say what was told again and again and is over, until cancelled. One in each process that serves."""
    while True:
        await asyncio.sleep(LOOK_S)
        for each in _log.lasting.over():
            tell(each.level, "condition.over", of=each.of, count=each.count, seconds=each.seconds, **each.named)


def answered(  # noqa: PLR0913 - the fields of the line that is written most
    *, request_id: object, method: str, route: str, status: int, ms: float, who: tuple[str, str, str], quiet: bool
) -> None:
    """Write the line of one answered request: half the cost of `tell`, for values that the code itself chose.

    ``method`` is one of a closed list, ``route`` a pattern of ours, ``who`` client, organisation and role as registered
    ("" = unknown); ``quiet`` lines are for level debug.
    """
    level = logging.DEBUG if quiet else logging.INFO
    if level >= _log.least:
        line = {
            "ts": _stamp(time.time()),
            "level": _LEVELS[level],
            "event": "http.request",
            "request_id": _id(request_id),
            "method": method,
            "route": route,
            "status": status,
            "ms": ms,
            **_who(who),
        }
        _log.out.write(_log.render(line) + b"\n")
        _log.out.flush()


@lru_cache(KEPT)
def _who(who: tuple[str, str, str]) -> Mapping[str, str]:
    client, organisation, role = who
    if not client:
        return {"role": role}
    return {"client": _named(client), "actor": _blinded(f"{client} {organisation}"), "role": _named(role)}


@dataclass(slots=True)
class _Log:
    """Where this process's lines go."""

    out: BinaryIO
    render: Callable[[Mapping[str, Any]], bytes]
    least: int
    lasting: Lasting = field(default_factory=Lasting)


def _json(line: Mapping[str, Any]) -> bytes:
    return orjson.dumps(line)


def _human(line: Mapping[str, Any]) -> bytes:
    words = " ".join(f"{name}={value}" for name, value in line.items() if name not in ("ts", "level", "event"))
    return f"{line['ts'][11:19]} {line['level']:<8} {line['event']} {words}".rstrip().encode()


def _line(level: int, event: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    line: dict[str, Any] = {
        "ts": _stamp(time.time()),
        "level": _LEVELS.get(level, "info"),
        "event": event if event in TABLE else "unnamed",
    }
    for name, value in fields.items():
        shape = SHAPES.get(name)
        if shape is not None and value is not None and value != "":
            line[name] = shape(value)
    if "request_id" not in line and (request := current.get(_NO_REQUEST).get("request_id")):
        line["request_id"] = _id(request)
    return line


def _stamp(now: float) -> str:
    whole = int(now)
    return "%s.%03d+00:00" % (_second(whole), (now - whole) * 1000)  # noqa: UP031 - half of the time of an f-string


@lru_cache(4)
def _second(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat()[:19]


_LEVELS: Final = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}
_NO_REQUEST: Final[Mapping[str, Any]] = {}
_log = _Log(io.BytesIO(), _json, logging.CRITICAL + 1)


class _Handler(logging.Handler):
    """What goes through the standard library: our rooms' records by code, other libraries' by name alone."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of ``record``."""
        fields = {name: value for name, value in record.__dict__.items() if name in SHAPES}
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None:
            fields |= {"error": type(error).__name__, "at": places(error)}
        own = record.name.startswith(("gateway.", "security.", "yiyang."))
        event = record.msg if own and record.msg in TABLE else "unnamed" if own else "library.record"
        if event != record.msg:
            fields["logger"] = record.name
        tell(record.levelno, event, **fields)


def _uncaught(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _fault(error)


def _fault(error: BaseException | None) -> None:
    if error is not None:
        tell(logging.ERROR, "gateway.fault", error=type(error).__name__, at=places(error))
