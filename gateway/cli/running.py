"""Where the gateway of a home folder answers now: a small file that `serve` and `demo` keep while they run.

In: settings. Out: the FHIR base URL. A file left by a crash is harmless: what it names does not answer.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from gateway.config import Settings

_NAME = "running.json"


def base_of(settings: Settings) -> str:
    """Return the base URL of the gateway that runs on this home folder, else the one of the settings."""
    return str(read(settings).get("base") or settings.base)


def read(settings: Settings) -> Mapping[str, Any]:
    """Return what the last start wrote; empty when there was none."""
    try:
        found = orjson.loads(_path(settings).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def doors_of(settings: Settings) -> dict[str, Any]:
    """Return where a gateway of ``settings``, with its real ports, answers: for people and scripts."""
    url = settings.url
    admin = {"admin": {"host": settings.admin_host, "port": settings.admin_port}} if settings.admin_port else {}
    return {
        "base": settings.base,
        "intake": f"{url}/intake",
        "tokenEndpoint": f"{url}/oauth/token",
        "mllp": {"host": settings.mllp_host, "port": settings.mllp_port},
        "port": settings.port,
        **admin,
    }


@contextmanager
def announced(settings: Settings, doors: Mapping[str, Any]) -> Iterator[None]:
    """Keep ``doors`` in the file for the block; afterwards only the ports stay, for the next start to choose again."""
    _write(settings, {**doors, "pid": os.getpid()})
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            _write(settings, {"port": doors["port"], "mllp": doors["mllp"]})


def _write(settings: Settings, what: Mapping[str, Any]) -> None:
    path = _path(settings)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_bytes(orjson.dumps(what, option=orjson.OPT_APPEND_NEWLINE))
    beside.replace(path)


def _path(settings: Settings) -> Path:
    return settings.home / _NAME
