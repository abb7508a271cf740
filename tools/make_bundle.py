"""Make the offline bundle: program, every locked wheel, `run`, `install`, SHA256SUMS; one archive for one architecture.

`.venv/bin/python tools/make_bundle.py [--arch x86_64|aarch64] [--out dist] [--wheels FOLDER]`. Wheels are fetched by
pip with the hashes of requirements.lock, or taken from a folder. The same input gives the same archive, byte by byte.
The bundle is checked and installed by its own `install` (deploy/install), without a network.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterator, Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
# What a running installation needs, and what its operator reads. No test, no example data.
PARTS = (
    *("gateway", "security", "mappings", "profiles/generated", "deploy", "docs"),
    *("run", "requirements.lock", "pyproject.toml", "README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE"),
)
LEFT_OUT = re.compile(r"(^|/)(__pycache__|secrets|cases)(/|$)|\.py[cod]$")
# glibc 2.28 and newer: openEuler 20.03, Kylin V10, Debian 10 (PEP 600).
PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
PYTHON = "3.11"
# Of every file in the archive, unless SOURCE_DATE_EPOCH says otherwise: 2026-01-01.
EPOCH = 1_767_225_600


def main(words: Sequence[str] | None = None) -> int:
    """Make the archive and print its name and hash."""
    asked = _parser().parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / f"yiyang-{version()}-{asked.arch}"
        bundle.mkdir()
        collect(ROOT, bundle)
        gather_wheels(bundle / "wheels", arch=asked.arch, given=asked.wheels)
        seal(bundle)
        archive = pack(bundle, asked.out)
    print(f"{archive}\n{installer().digest(archive)}")
    return 0


def collect(root: Path, bundle: Path) -> None:
    """Copy the program from ``root`` into ``bundle``, and `install` to its top."""
    for part in PARTS:
        source = root / part
        paths = [source] if source.is_file() else sorted(source.rglob("*"))
        for path in paths:
            name = path.relative_to(root)
            if path.is_file() and not LEFT_OUT.search(name.as_posix()):
                (bundle / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, bundle / name)
    shutil.copy2(root / "deploy" / "install", bundle / "install")


def gather_wheels(folder: Path, *, arch: str, given: Path | None) -> None:
    """Put every wheel of the lock into ``folder``: from ``given``, else by pip, hashes checked either way."""
    folder.mkdir()
    here = arch == platform.machine() and given is None
    platforms = [word for name in PLATFORMS for word in ("--platform", f"{name}_{arch}")]
    target = [] if here else [*platforms, "--python-version", PYTHON, "--implementation", "cp"]
    source = ["--no-index", "--find-links", str(given)] if given else []
    with tempfile.TemporaryDirectory() as tools:
        subprocess.run(  # noqa: S603 - pip, with names of ours
            [
                *(_python_with_pip(Path(tools)), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
                *("--require-hashes", "--only-binary=:all:", "--no-deps"),
                *("-r", str(ROOT / "requirements.lock"), "-d", str(folder)),
                *target,
                *source,
            ],
            check=True,
        )


def _python_with_pip(folder: Path) -> str:
    """Return this Python, or where it has no pip (a .venv that uv made) one in ``folder`` that has Python's own."""
    if find_spec("pip") is not None:
        return sys.executable
    venv.create(folder, with_pip=True)
    return str(folder / "bin" / "python")


def seal(bundle: Path) -> None:
    """Write SHA256SUMS over everything in ``bundle``; `sha256sum -c` reads it too."""
    digest, name = installer().digest, installer().SUMS
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path != bundle / name)
    text = "".join(f"{digest(path)}  {path.relative_to(bundle).as_posix()}\n" for path in files)
    (bundle / name).write_text(text, encoding="utf-8")


def pack(bundle: Path, out: Path) -> Path:
    """Return the archive of ``bundle`` in ``out``: order, times and owners do not depend on who made it."""
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{bundle.name}.tar.gz"
    when = int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH))
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=when) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for info, path in _members(bundle, tar, when):
            with path.open("rb") as content:
                tar.addfile(info, content)
    return archive


def _members(bundle: Path, tar: tarfile.TarFile, when: int) -> Iterator[tuple[tarfile.TarInfo, Path]]:
    for path in sorted(bundle.rglob("*")):
        if path.is_file():
            info = tar.gettarinfo(path, f"{bundle.name}/{path.relative_to(bundle).as_posix()}")
            info.mode = 0o755 if info.mode & 0o100 else 0o644
            info.uid = info.gid = 0
            info.uname = info.gname = "root"
            info.mtime = when
            yield info, path


def version() -> str:
    """Return the version of the program."""
    found = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise SystemExit("pyproject.toml names no version")
    return found[1]


def installer() -> ModuleType:
    """Return deploy/install as a module: one place says how a bundle is checked."""
    loader = SourceFileLoader("bundle_install", str(ROOT / "deploy" / "install"))
    spec = spec_from_loader(loader.name, loader)
    if spec is None:
        raise SystemExit("deploy/install cannot be read")
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default=platform.machine(), choices=("x86_64", "aarch64"))
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--wheels", type=Path, default=None, help="a folder that holds the wheels already")
    return parser


if __name__ == "__main__":
    sys.exit(main())
