"""The offline bundle: the same every time, and any change to it is found before anything is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _maker() -> ModuleType:
    spec = spec_from_file_location("make_bundle", ROOT / "tools/make_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = _maker()
INSTALLER = MAKER.installer()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A sealed bundle with the program and one file in the place of the wheels."""
    folder = tmp_path / "yiyang-0-x86_64"
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels/one-1.0-py3-none-any.whl").write_bytes(b"a wheel")
    MAKER.collect(ROOT, folder)
    MAKER.seal(folder)
    return folder


def _said(bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", str(bundle / "install"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_bundle_as_it_was_made_passes_its_own_check_and_sha256sums(bundle: Path) -> None:
    own = _said(bundle, "--check")
    other = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=bundle, check=False)

    assert (own.returncode, other.returncode) == (0, 0)
    assert int(own.stdout.split()[0]) > 200


def test_it_holds_the_program_its_maps_and_its_guides_and_no_test_no_key_no_cache(bundle: Path) -> None:
    names = [path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()]

    for wanted in ("run", "install", "requirements.lock", "gateway/cli/run.py", "docs/guides/operation.md"):
        assert wanted in names
    assert any(name.endswith("map.yaml") for name in names)
    assert [n for n in names if "secrets/" in n or "__pycache__" in n or n.startswith("tests/") or "/cases/" in n] == []


def _change(bundle: Path) -> None:
    path = bundle / "security/gate.py"
    path.write_bytes(path.read_bytes() + b"\n")


def _change_wheel(bundle: Path) -> None:
    (bundle / "wheels/one-1.0-py3-none-any.whl").write_bytes(b"a whee1")


def _remove(bundle: Path) -> None:
    (bundle / "requirements.lock").unlink()


def _add(bundle: Path) -> None:
    (bundle / "gateway/sitecustomize.py").write_text("", encoding="utf-8")


def _add_wheel(bundle: Path) -> None:
    (bundle / "wheels/other-1.0-py3-none-any.whl").write_bytes(b"")


def _link(bundle: Path) -> None:
    path = bundle / "run"
    copy = bundle.parent / "run"
    path.rename(copy)
    path.symlink_to(copy)


def _no_sums(bundle: Path) -> None:
    (bundle / "SHA256SUMS").unlink()


def _leads_out(bundle: Path) -> None:
    with (bundle / "SHA256SUMS").open("a", encoding="utf-8") as file:
        file.write(f"{'0' * 64}  ../outside\n")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_change, "changed  security/gate.py"),
        (_change_wheel, "changed  wheels/one-1.0-py3-none-any.whl"),
        (_remove, "missing  requirements.lock"),
        (_add, "added    gateway/sitecustomize.py"),
        (_add_wheel, "added    wheels/other-1.0-py3-none-any.whl"),
        (_link, "changed  run"),
        (_no_sums, "missing  SHA256SUMS"),
        (_leads_out, "unreadable line in SHA256SUMS"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_any_change_is_named_and_nothing_is_installed(
    bundle: Path, tmp_path: Path, harm: Callable[[Path], None], told: str
) -> None:
    harm(bundle)

    checked = _said(bundle, "--check")
    installed = _said(bundle, str(tmp_path / "opt"))

    assert (checked.returncode, installed.returncode) == (4, 4)
    assert told in checked.stderr
    assert not (tmp_path / "opt").exists()


def test_the_same_input_gives_the_same_archive(bundle: Path, tmp_path: Path) -> None:
    first = MAKER.pack(bundle, tmp_path / "one")
    for path in bundle.rglob("*"):
        os.utime(path, (1, 1))
    second = MAKER.pack(bundle, tmp_path / "two")

    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        owners = {(info.uid, info.gid, info.uname, info.mtime) for info in tar}
    assert owners == {(0, 0, "root", MAKER.EPOCH)}


def test_an_installation_that_fails_leaves_the_one_before_in_its_place(bundle: Path, tmp_path: Path) -> None:
    before = tmp_path / "opt"
    before.mkdir()
    (before / "mark").write_text("before", encoding="utf-8")

    said = _said(bundle, str(before))  # the one wheel is none: pip finds nothing that the lock asks for

    assert said.returncode == 1
    assert (before / "mark").read_text(encoding="utf-8") == "before"


def test_one_goes_back_to_what_was_installed_before_and_forth_again(bundle: Path, tmp_path: Path) -> None:
    now, previous = tmp_path / "opt", tmp_path / "opt.previous"
    for folder in (now, previous):
        folder.mkdir()
        (folder / "mark").write_text(folder.name, encoding="utf-8")

    once = _said(bundle, "--back", str(now))
    mark = (now / "mark").read_text(encoding="utf-8")
    twice = _said(bundle, "--back", str(now))

    assert (once.returncode, twice.returncode) == (0, 0)
    assert (mark, (now / "mark").read_text(encoding="utf-8")) == ("opt.previous", "opt")


def test_there_is_nothing_to_go_back_to_after_the_first_installation(bundle: Path, tmp_path: Path) -> None:
    assert _said(bundle, "--back", str(tmp_path / "opt")).returncode == 8


@pytest.mark.slow
def test_a_real_bundle_installs_and_runs_without_a_network(tmp_path: Path, tell: Callable[[str], None]) -> None:
    MAKER.main(["--out", str(tmp_path)])
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    (bundle,) = (path for path in tmp_path.iterdir() if path.is_dir())
    # No index, no proxy, no cache: what is not in the bundle cannot come from anywhere.
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    env["YIYANG_HOME"] = str(tmp_path / "home")

    installed = subprocess.run([sys.executable, bundle / "install", tmp_path / "opt"], env=env, check=False)
    yiyang = tmp_path / "opt/venv/bin/yiyang"
    helped = subprocess.run([yiyang, "--help"], env=env, capture_output=True, text=True, check=False)
    made = subprocess.run([yiyang, "init", "--json"], env=env, capture_output=True, text=True, check=False)

    assert installed.returncode == 0
    assert "serve" in helped.stdout
    assert made.returncode == 0, made.stdout + made.stderr
    tell(f"bundle: {len(list((bundle / 'wheels').iterdir()))} wheels, {archive.stat().st_size / 1e6:.0f} MB")
