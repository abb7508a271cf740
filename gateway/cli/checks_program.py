"""Checks of the program itself: are the packages those of the lock, do policies, profiles and definitions load.

In: nothing but what is installed. Out: rows. What is found here would also stop a start; here it says what to do.
"""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.cli.check import Check, same
from gateway.config import data_root

REINSTALL: Final = ("请重新安装", "install anew")
ZONE: Final = "Asia/Shanghai"
MIN_FILES: Final = 1024
"""A connection takes one; MLLP senders keep theirs open (design default)."""
MIN_MEMORY_KB: Final = 512 * 1024
_LOCK: Final = Path(__file__).resolve().parents[2] / "requirements.lock"
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; (.+?))?(?: \\)?$")
_MEMORY: Final = Path("/proc/meminfo")
SHOWN: Final = 5


def all_of() -> Iterator[Check]:
    """Yield every check of the program."""
    yield from _packages()
    yield _zone()
    yield _files()
    yield from _memory()
    yield _account()
    yield _definitions()
    yield _profiles()
    yield _policies()


def _packages() -> Iterator[Check]:
    if not _LOCK.exists():
        return  # installed as a wheel: its own requirements were resolved by whoever installed it
    differing = list(_differing(_LOCK.read_text(encoding="utf-8")))
    if differing:
        text = same(", ".join(differing[:SHOWN]) + (" ..." if len(differing) > SHOWN else ""))
        remedy = ("请按锁定文件重新安装：./run --help", "install by the lock again: ./run --help")
        yield Check("packages", "warn", text, remedy)
    else:
        yield Check("packages", "ok", same("requirements.lock"))


def _differing(lock: str) -> Iterator[str]:
    for line in lock.splitlines():
        found = _PINNED.match(line)
        if found is None or (found[3] and not _applies(found[3])):
            continue
        try:
            installed = metadata.version(found[1])
        except metadata.PackageNotFoundError:
            installed = "-"
        if installed != found[2]:
            yield f"{found[1]} {installed} != {found[2]}"


def _applies(marker: str) -> bool:
    """Tell whether a line with ``marker`` is for this machine; one that cannot be told is taken as not."""
    return re.fullmatch(rf"sys_platform (!= '(?!{sys.platform})\w+'|== '{sys.platform}')", marker) is not None


def _zone() -> Check:
    try:
        ZoneInfo(ZONE)
    except ZoneInfoNotFoundError:
        return Check("time-zone", "fail", same(ZONE), ("请安装 tzdata", "install tzdata"))
    return Check("time-zone", "ok", same(ZONE))


def _files() -> Check:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < MIN_FILES and soft != resource.RLIM_INFINITY:
        remedy = ("请提高打开文件数上限（LimitNOFILE 或 ulimit -n）", "raise the limit (LimitNOFILE, or ulimit -n)")
        return Check("open-files", "warn", same(soft), remedy)
    return Check("open-files", "ok", same(soft))


def _memory() -> Iterator[Check]:
    if not _MEMORY.exists():
        return
    found = re.search(r"^MemAvailable: +(\d+) kB", _MEMORY.read_text(encoding="ascii"), re.MULTILINE)
    if found is None:
        return
    text = same(f"{int(found[1]) // 1024} MiB")
    if int(found[1]) < MIN_MEMORY_KB:
        yield Check("memory", "warn", text, ("请增加内存或减少工作进程", "add memory, or run fewer workers"))
    else:
        yield Check("memory", "ok", text)


def _account() -> Check:
    if os.geteuid() == 0:
        remedy = (
            "请用没有特权的账号运行（deploy/yiyang.service 中为 yiyang）",
            "run it by an account without rights (yiyang in deploy/yiyang.service)",
        )
        return Check("account", "warn", same("root"), remedy)
    return Check("account", "ok", same(os.geteuid()))


def _definitions() -> Check:
    from gateway.fhir import definitions

    try:
        count = len(definitions.kinds())
    except (OSError, ValueError) as error:
        return Check("fhir", "fail", same(type(error).__name__), REINSTALL)
    return Check("fhir", "ok", same(f"4.0.1, {count} kinds"))


def _profiles() -> Check:
    from gateway.fhir.profiles import Profiles

    folder = data_root("profiles")
    try:
        Profiles.load(folder)
    except (OSError, ValueError, KeyError) as error:
        return Check("profiles", "fail", same(type(error).__name__), REINSTALL)
    count = len(list(folder.glob("StructureDefinition-*.json")))
    return Check("profiles", "ok" if count else "fail", same(count), ("", "") if count else REINSTALL)


def _policies() -> Check:
    from gateway.app import utc_now
    from security.gate import Gate  # access: does it load; nothing is asked of it

    try:
        gate = Gate.load(now=utc_now)
    except (OSError, ValueError) as error:
        return Check("policies", "fail", same(type(error).__name__), REINSTALL)
    return Check("policies", "ok", same(gate.policies))
