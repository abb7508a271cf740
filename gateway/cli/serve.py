"""`yiyang serve`: the gateway of this installation, until it is told to stop."""

from __future__ import annotations

from dataclasses import replace

import click

from gateway.cli.answer import Answer, note, show
from gateway.cli.serving import serve, stopping
from gateway.cli.shell import Shell
from gateway.cli.word import Option, Word
from gateway.fhir.problem import Problem


async def run(shell: Shell, *, behind_proxy: bool, **doors: str | int | None) -> None:
    """Serve until interrupted. Refuses to listen beyond this machine in the clear."""
    asked = {name: value for name, value in doors.items() if value is not None}
    settings = replace(shell.settings(), **asked)  # type: ignore[arg-type]
    for door in (settings.host, settings.mllp_host):
        if not is_loopback(door) and not behind_proxy:
            raise Problem("CLI-012", host=door)
    async with serve(settings) as serving:
        with stopping() as stop:
            ready = {**serving.doors, "pids": pids(serving.app.rooms.database_pid)}
            mllp = f"MLLP {settings.mllp_host}:{serving.app.mllp_port}"
            fhir = f"FHIR {ready['base']}"
            lines = [(fhir, fhir), (mllp, mllp), ("按 Ctrl+C 停止", "Ctrl+C stops it")]
            show(Answer("yiyang.serve.ready/1", ready, lines=lines), shell)
            await stop.wait()
            note(shell, ("正在停止……", "stopping ..."))


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
            "--behind-proxy",
            is_flag=True,
            texts=(
                "前面有 TLS 代理，可监听非本机地址",
                "a TLS proxy stands in front of other addresses",
            ),
        ),
    ],
)
