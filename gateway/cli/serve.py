"""`yiyang serve`: the gateway of this installation, until it is told to stop."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from gateway.cli.answer import Answer, note, show
from gateway.cli.shell import Shell
from gateway.cli.stopping import stopping, until_stopped
from gateway.cli.word import Option, Word
from gateway.config import Settings
from gateway.fhir.problem import Problem
from gateway.watch import lines

STOPPING = ("正在停止……", "stopping ...")
MAX_WORKERS = 64
"""Each takes its connections of the database and a core; as many as the audit has writers' names (design default)."""


async def run(shell: Shell, *, workers: int, behind_proxy: bool, **doors: str | int | None) -> None:
    """Serve until interrupted. Refuses to listen beyond this machine in the clear."""
    asked = {name: value for name, value in doors.items() if value is not None}
    settings = replace(shell.settings(), **asked)  # type: ignore[arg-type]
    for door in (settings.host, settings.mllp_host, settings.admin_host):
        if not is_loopback(door) and not behind_proxy:
            raise Problem("CLI-012", host=door)
    lines.configure(form=settings.log, level=settings.log_level)
    if workers == 1:
        await _serve_here(shell, settings)
    else:
        await _serve_by(shell, settings, workers)


async def _serve_here(shell: Shell, settings: Settings) -> None:
    from gateway.cli.serving import serve

    async with serve(settings) as serving:
        with stopping() as stop:
            _tell_ready(shell, serving.doors, pids(serving.app.rooms.database_pid))
            await until_stopped(stop, serving.app.rooms.journal.broken())
            _note_stopping(shell)


async def _serve_by(shell: Shell, settings: Settings, count: int) -> None:
    """Let ``count`` workers serve. Raises the Problem for which one of them was given up."""
    from gateway.cli.workers import serve_many

    async with serve_many(settings, count) as serving:
        with stopping() as stop:
            workers = serving.workers
            _tell_ready(shell, serving.doors, [*pids(serving.database_pid), *workers.pids], workers=workers.pids)
            await until_stopped(stop, workers.broken())
            _note_stopping(shell)


def _note_stopping(shell: Shell) -> None:
    if sys.stderr.isatty():  # elsewhere stderr is the log, and the log says it
        note(shell, STOPPING)


def _tell_ready(shell: Shell, doors: Mapping[str, Any], all_pids: Sequence[int], **more: object) -> None:
    ready = {**doors, "pids": all_pids, **more}
    mllp = f"MLLP {doors['mllp']['host']}:{doors['mllp']['port']}"
    fhir = f"FHIR {doors['base']}"
    shown = [(fhir, fhir), (mllp, mllp), ("按 Ctrl+C 停止", "Ctrl+C stops it")]
    show(Answer("yiyang.serve.ready/1", ready, lines=shown), shell)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches ``host``."""
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def pids(database: int) -> list[int]:
    """Return the processes of this gateway: its own, and the embedded server's when there is one."""
    import os

    return [os.getpid(), *([database] if database else [])]


_PORT = click.IntRange(0, 65_535)
WORD = Word(
    "serve",
    run,
    ("启动网关，直到中断", "Start the gateway until it is interrupted"),
    [
        Option("--host", texts=("HTTP 监听地址", "address that HTTP listens on")),
        Option("--port", type=_PORT, texts=("HTTP 端口，0 = 任意空闲", "port of HTTP, 0 = any free one")),
        Option("--mllp-host", texts=("MLLP 监听地址", "address that MLLP listens on")),
        Option("--mllp-port", type=_PORT, texts=("MLLP 端口，0 = 任意空闲", "port of MLLP, 0 = any free one")),
        Option(
            "--workers",
            type=click.IntRange(1, MAX_WORKERS),
            default=1,
            texts=("工作进程数；每核一个为宜，缺省 1", "how many processes serve; one a core is right, 1 unless told"),
        ),
        Option(
            "--behind-proxy",
            is_flag=True,
            texts=(
                "前面有 TLS 代理，可监听非本机地址",
                "a TLS proxy stands in front of other addresses",
            ),
        ),
    ],
)
