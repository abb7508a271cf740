"""Checks that need no database: Python, package, folder, keys, disk, ports, maps, the journal's outside copy."""

from __future__ import annotations

import importlib.util
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli import running
from gateway.cli.check import Check, failed, same
from gateway.cli.checks_running import is_running
from gateway.cli.ports import is_free
from gateway.config import Settings
from gateway.fhir.problem import Problem, Problems
from security.crypto import Keys
from security.oauth import TokenKeys

OLDEST = (3, 11)
# Below this a base backup, a log of a busy week or an upgrade may not fit (design default).
DISK_WARN_BYTES = 5 * 2**30
DISK_FAIL_BYTES = 2**29
# Of this project's first commit; a clock before it is wrong.
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
# A running journal signs within seconds when there is something to sign; a day without is a quiet day (design default).
ANCHOR_WARN_S = 36 * 3600.0


def all_of(settings: Settings) -> Iterator[Check]:
    """Yield every check of this machine."""
    yield _python()
    yield _package()
    yield _encoding()
    yield _clock()
    yield _home(settings)
    yield from _disk(settings)
    yield from _keys(settings)
    yield from _client_keys(settings)
    yield _anchor(settings)
    yield from _ports(settings)
    yield from _maps(settings)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        return Check("python", "fail", same(version), ("请安装 Python 3.11 或更新版本", "install Python 3.11 or newer"))
    return Check("python", "ok", same(version))


def _package() -> Check:
    """Both top packages must be ours: distributions of these names exist."""
    places = {}
    for name in ("gateway", "security"):
        spec = importlib.util.find_spec(name)
        places[name] = Path(spec.origin).parent.parent if spec is not None and spec.origin else None
    if len(set(places.values())) != 1:
        remedy = ("请装入独立的虚拟环境", "install into a virtual environment of its own")
        return Check("package", "fail", same(f"security: {places['security']}"), remedy)
    return Check("package", "ok", same(places["gateway"]))


def _encoding() -> Check:
    name = sys.getfilesystemencoding()
    if name.lower() != "utf-8":
        return Check("locale", "warn", same(name), ("请设置 LANG=C.UTF-8", "set LANG=C.UTF-8"))
    return Check("locale", "ok", same(name))


def _clock() -> Check:
    now = datetime.fromtimestamp(time.time(), UTC)
    if now < _EARLIEST:
        return Check("clock", "fail", same(now.isoformat()), ("请校准系统时间（NTP）", "set the system's clock (NTP)"))
    return Check("clock", "ok", same(now.isoformat(timespec="seconds")))


def _home(settings: Settings) -> Check:
    try:
        found = settings.home.stat()
    except FileNotFoundError:
        return failed("home", Problem("CFG-002"))
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        fix = f"chmod 700 {settings.home}"
        return Check("home", "fail", same(f"{settings.home} {mode:04o}"), (fix, fix))
    return Check("home", "ok", same(settings.home))


def _disk(settings: Settings) -> Iterator[Check]:
    if not settings.home.exists():
        return
    free = shutil.disk_usage(settings.home).free
    text = same(f"{free / 2**30:.1f} GiB")
    remedy = ("请腾出磁盘空间", "make room on the disk")
    if free < DISK_FAIL_BYTES:
        yield Check("disk", "fail", text, remedy)
    else:
        yield Check("disk", "warn", text, remedy) if free < DISK_WARN_BYTES else Check("disk", "ok", text)


def _keys(settings: Settings) -> Iterator[Check]:
    for name, path, load in (
        ("key-file", settings.key_file, Keys.load),
        ("token-key-file", settings.token_key_file, TokenKeys.load),
    ):
        try:
            load(path)
        except Problem as problem:
            yield failed(name, problem)
        else:
            yield Check(name, "ok", same(f"{path} 0600"))


def _client_keys(settings: Settings) -> Iterator[Check]:
    open_ones = [
        path for path in sorted(settings.client_keys.glob("*.json")) if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if open_ones:
        fix = f"chmod 600 {settings.client_keys}/*.json"
        names = ", ".join(path.stem for path in open_ones)
        yield Check("client-keys", "fail", (f"他人可读：{names}", f"others may read: {names}"), (fix, fix))
    elif settings.client_keys.exists():
        yield Check("client-keys", "ok", same("0600"))


def _anchor(settings: Settings) -> Check:
    """The copy of the signed checkpoints: without it a cut tail of the journal cannot be seen."""
    path = settings.anchor_file
    remedy = (
        "启动过网关后应有此文件；若曾有过，请从备份恢复并运行 yiyang audit verify",
        "it is there once the gateway ran; if it was, restore it and run yiyang audit verify",
    )
    if not path.exists():
        return Check("anchor", "warn", (f"没有 {path}", f"no {path}"), remedy)
    age = time.time() - path.stat().st_mtime
    state = "warn" if age > ANCHOR_WARN_S and running.read(settings).get("pid") else "ok"
    text = (f"{age / 3600:.1f} 小时前", f"{age / 3600:.1f} h ago")
    return Check("anchor", state, text, remedy if state == "warn" else ("", ""))  # type: ignore[arg-type]


def _ports(settings: Settings) -> Iterator[Check]:
    if is_running(settings):
        yield Check("ports", "ok", (f"网关运行中：{running.base_of(settings)}",
                                    f"the gateway runs: {running.base_of(settings)}"))  # fmt: skip
        return
    for name, host, port in (
        ("http-port", settings.host, settings.port),
        ("mllp-port", settings.mllp_host, settings.mllp_port),
        ("admin-port", settings.admin_host, settings.admin_port),
    ):
        if port is None:
            continue
        if is_free(host, port):
            yield Check(name, "ok", (f"{host}:{port} 空闲", f"{host}:{port} is free"))
        else:
            problem = Problem("CLI-011", host=host, port=port, option=f"--{name.replace('http-', '')}")
            yield Check(name, "warn", same(f"{host}:{port}"), (problem.text("zh"), problem.text("en")))


def _maps(settings: Settings) -> Iterator[Check]:
    from gateway.mapping import load_feed

    folders = [path.parent for path in sorted(settings.mappings.glob("*/*/map.yaml"))]
    if not folders:
        where = (f"{settings.mappings} 中没有映射", f"no map in {settings.mappings}")
        yield Check("maps", "fail", where, ("请重新安装", "install anew"))
    bad = 0
    for folder in folders:
        try:
            load_feed(folder)
        except (Problem, Problems) as found:
            bad += 1
            first = found.problems[0] if isinstance(found, Problems) else found
            yield Check(f"map-{folder.name}", "fail", (first.text("zh"), first.text("en")), same("yiyang map check"))
    if folders and not bad:
        yield Check("maps", "ok", (f"{len(folders)} 个映射均可编译", f"all {len(folders)} maps compile"))
