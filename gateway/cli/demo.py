"""`yiyang demo`: a whole county on this machine: started, filled, the story told, and open until interrupted.

What it shows is real: the same doors, keys and database as `serve`; only the people are not. Started again it goes on
with its data. Refuses a home folder that holds anything but a demo.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gateway.app import install
from gateway.cli import demo_scene, running
from gateway.cli.answer import Answer, Table, note, show
from gateway.cli.demo_scene import Scene
from gateway.cli.demo_text import curl_lines
from gateway.cli.exits import Exit
from gateway.cli.ports import is_free
from gateway.cli.serve import pids
from gateway.cli.serving import Serving, serve
from gateway.cli.shell import Shell
from gateway.cli.stopping import stopping
from gateway.cli.word import Option, Word
from gateway.config import Settings
from gateway.demo.cast import OTHER_CENTRE
from gateway.demo.doors import StepFailed
from gateway.demo.story import Step
from gateway.fhir.problem import Problem
from gateway.watch import lines


async def demo(shell: Shell, port: int, mllp_port: int, elders: int, *, once: bool) -> Answer | None:
    """Start, fill, tell, serve; with ``once`` stop after the story."""
    if shell.json is None:
        shell.json = False  # people look at it, also through a pipe
    with _home(shell, once=once) as home:
        settings = _settings(home, port, mllp_port)
        # The story is what is to be read; every request's line beside it is for who asks.
        level = settings.log_level if os.environ.get("YIYANG_LOG_LEVEL") else "warning"
        lines.configure(form=settings.log, level=level)
        await install(settings)
        async with serve(settings) as serving:
            try:
                return await _run(shell, serving, elders, once=once)
            except StepFailed as failed:
                raise Problem("CLI-015", reason=str(failed)) from None


async def _run(shell: Shell, serving: Serving, elders: int, *, once: bool) -> Answer | None:
    async with demo_scene.open_scene(serving, elders=elders) as scene:
        await scene.fill(lambda done, of: _told_load(shell, done, of))
        steps: list[Step] = []
        if once or (not shell.json and not scene.was_told):
            await scene.tell(lambda step: _told(shell, steps, step))
        if once:
            return _played(steps)
        if shell.json:
            scene.leave_story()
        with stopping() as stop:
            show(await _ready(scene, shell), shell)
            await stop.wait()
    note(shell, ("已停止；数据保留，再次运行即可继续", "stopped; the data stays, start it again to go on"))
    return None


def _played(steps: list[Step]) -> Answer:
    rows = [{"zh": step.zh, "en": step.en, "seconds": round(step.seconds, 3)} for step in steps]
    total = sum(step.seconds for step in steps)
    line = (
        f"演示完成：{len(steps)} 步全部成立，{total:.1f} 秒",
        f"the story holds in all its {len(steps)} steps, {total:.1f} s",
    )
    return Answer("yiyang.demo.once/1", {"steps": rows, "seconds": round(total, 3)}, lines=[line], exit=Exit.OK)


async def _ready(scene: Scene, shell: Shell) -> Answer:
    doors = scene.serving.doors
    names = [party.client_id for party in scene.parties if party.client_id != OTHER_CENTRE]
    # A token is worth something for five minutes only: people get theirs when they need it.
    clients = {name: await _client(scene, name, with_token=bool(shell.json)) for name in names}
    data = {
        "base": doors["base"],
        "intake": doors["intake"],
        "tokenEndpoint": doors["tokenEndpoint"],
        "mllp": doors["mllp"],
        "pids": pids(scene.serving.app.rooms.database_pid),
        "clients": clients,
    }
    settings = scene.serving.settings
    return Answer(
        "yiyang.demo.ready/1",
        data,
        lines=[
            (f"FHIR    {data['base']}", f"FHIR    {data['base']}"),
            (f"接收    {data['intake']}/<数据源>", f"intake  {data['intake']}/<feed>"),
            (f"令牌    {data['tokenEndpoint']}", f"tokens  {data['tokenEndpoint']}"),
            (f"MLLP    {settings.mllp_host}:{doors['mllp']['port']}",) * 2,
        ],
        table=Table(
            [("客户端", "client"), ("私钥文件", "key file")], [[name, row["keyFile"]] for name, row in clients.items()]
        ),
        after=[
            ("", ""),
            *curl_lines(doors, scene.elder, settings.home),
            ("", ""),
            (f"数据在 {settings.home}；按 Ctrl+C 停止", f"data in {settings.home}; Ctrl+C stops it"),
        ],
    )


async def _client(scene: Scene, name: str, *, with_token: bool) -> Mapping[str, Any]:
    row = {"clientId": name, "keyFile": str(scene.key_file(name))}
    return row | ({"accessToken": await scene.token(name)} if with_token else {})


def _told(shell: Shell, steps: list[Step], step: Step) -> None:
    steps.append(step)
    note(shell, (f"  ✓ {step.zh}（{step.seconds:.2f} 秒）", f"  ✓ {step.en} ({step.seconds:.2f} s)"))


def _told_load(shell: Shell, done: int, of: int) -> None:
    if done == of or done % 25 == 1:
        note(shell, (f"载入县域一年的记录 {done}/{of}", f"loading the county's year {done}/{of}"))


@contextmanager
def _home(shell: Shell, *, once: bool) -> Iterator[Path]:
    """Give the demo's folder: `--home`, else YIYANG_HOME, else one beside the default; `--once` needs none to stay."""
    chosen = shell.home or (Path(os.environ["YIYANG_HOME"]) if os.environ.get("YIYANG_HOME") else None)
    if chosen is None and once and not os.environ.get("YIYANG_DATABASE_URL"):
        with tempfile.TemporaryDirectory(prefix="yiyang-demo-", ignore_cleanup_errors=True) as folder:
            yield Path(folder) / "home"
        return
    default = Settings.load().home
    yield chosen or default.with_name(f"{default.name}-demo")


def _settings(home: Path, port: int, mllp_port: int) -> Settings:
    """Return loopback settings; without ports those of the last start, if they are free, so that URLs stay good."""
    settings = replace(
        Settings.load(home=home), host="127.0.0.1", mllp_host="127.0.0.1", public_url="", port=port, mllp_port=mllp_port
    )
    last = running.read(settings)
    kept = {"port": last.get("port"), "mllp_port": last.get("mllp", {}).get("port")}
    for name, value in kept.items():
        if not getattr(settings, name) and isinstance(value, int) and is_free(settings.host, value):
            settings = replace(settings, **{name: value})  # type: ignore[arg-type]
    return settings


_PORT = click.IntRange(0, 65_535)
WORD = Word(
    "demo",
    demo,
    (
        "在本机演示一个虚构的县：医院、中心、社区站",
        "Show a fictional county on this machine",
    ),
    [
        Option("--once", is_flag=True, texts=("演示一遍即退出", "tell the story and exit")),
        Option("--port", type=_PORT, default=0, texts=("HTTP 端口，默认任意空闲", "port of HTTP, 0 = any")),
        Option("--mllp-port", type=_PORT, default=0, texts=("MLLP 端口", "port of MLLP")),
        Option("--elders", type=click.IntRange(3, 5_000), default=30, show_default=True, texts=("老人数", "elders")),
    ],
)
