"""Checks of a gateway that runs: is it ready, is it this version, does its admin listener answer.

In: what `serve` announced in the home folder. Out: rows; none when nothing runs. `health` is the one question that a
container asks every few seconds.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator
from typing import Any, Final

from gateway import __version__
from gateway.cli import running
from gateway.cli.answer import Answer
from gateway.cli.check import Check, same
from gateway.cli.exits import Exit
from gateway.config import Settings

ANSWER_S: Final = 4.0
"""A little more than the gateway's own patience with its parts, less than a container's with this question."""
_RESTART: Final = ("请重启网关", "restart the gateway")


def all_of(settings: Settings) -> Iterator[Check]:
    """Yield every check of the running gateway."""
    doors = running.read(settings)
    if not is_running(settings):
        return
    yield from _ready(settings)
    yield from _version(settings)
    if "admin" in doors:
        yield _metrics(doors["admin"])


def health(settings: Settings) -> Answer:
    """Return whether the gateway of this home is ready: exit 0, or 7 when it is not."""
    status, said = _get(settings, "/readyz?verbose")
    parts = said.get("parts", {})
    ready = status == http.client.OK
    line = ("就绪", "ready") if ready else (f"未就绪：{parts or status}", f"not ready: {parts or status}")
    data = {"ready": ready, "parts": parts}
    return Answer("yiyang.health/1", data, lines=[line], exit=Exit.OK if ready else Exit.UNAVAILABLE)


def is_running(settings: Settings) -> bool:
    """Tell whether the process that announced itself in the home folder lives."""
    pid = running.read(settings).get("pid")
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _ready(settings: Settings) -> Iterator[Check]:
    status, said = _get(settings, "/readyz?verbose")
    if not status:
        yield Check("ready", "fail", ("网关不应答", "the gateway does not answer"), _RESTART)
    for part, state in said.get("parts", {}).items():
        remedy = (
            "请查看网关日志；STO-503 数据库，SEC-952 审计锚点目录，SEC-119 登记信息",
            "see the gateway's log; STO-503 is the database, SEC-952 the anchor's folder, SEC-119 the registry",
        )
        yield Check(
            f"ready-{part}", "ok" if state == "ok" else "fail", same(state), ("", "") if state == "ok" else remedy
        )


def _version(settings: Settings) -> Iterator[Check]:
    status, said = _get(settings, "/fhir/metadata")
    if status == http.client.OK:
        found = (said.get("fhirVersion"), said.get("software", {}).get("version"))
        state = "ok" if found == ("4.0.1", __version__) else "warn"
        text = same(f"FHIR {found[0]}, {found[1]}")
        yield Check("running-version", state, text, _RESTART if state == "warn" else ("", ""))  # type: ignore[arg-type]


def _metrics(admin: dict[str, Any]) -> Check:
    status, _ = _ask(admin["host"], admin["port"], "/metrics")
    text = same(f"{admin['host']}:{admin['port']}")
    if status != http.client.OK:
        return Check("metrics", "fail", text, _RESTART)
    return Check("metrics", "ok", text)


def _get(settings: Settings, path: str) -> tuple[int, dict[str, Any]]:
    """Ask the gateway itself, not the proxy in front of it."""
    port = running.read(settings).get("port") or settings.port
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - asked, not listened on
    return _ask(host, int(port), path)


def _ask(host: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Return status and JSON; (0, {}) when nobody answers. The standard library: this runs every few seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return 0, {}
    finally:
        connection.close()
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    return answer.status, said if isinstance(said, dict) else {}
