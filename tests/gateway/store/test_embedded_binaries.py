"""Which PostgreSQL is found and taken, and who may reach it. The programs are scripts that say a version."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from gateway.store.postgres import embedded_binaries as room
from gateway.store.postgres.embedded_binaries import (
    Binaries,
    EmbeddedError,
    copied_for,
    find_binaries,
    inspect,
    installations,
    reachable_by,
)

_NOBODY = 65534


def _installed(folder: Path, version: str, *, options: str = "") -> Path:
    """Make a `bin` folder whose programs say that they are ``version``, configured with ``options``."""
    bin_dir = folder / "bin"
    bin_dir.mkdir(parents=True)
    for name, said in (("initdb", ""), ("postgres", f"postgres (PostgreSQL) {version}"), ("pg_config", options)):
        (bin_dir / name).write_text(f"#!/bin/sh\necho '{said}'\n")
        (bin_dir / name).chmod(0o755)
    return bin_dir


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, bool]]:
    """Give the list of places that are looked at, empty."""
    looked_at: list[tuple[Path, bool]] = []
    monkeypatch.setattr(room, "_places", lambda: iter(looked_at))
    return looked_at


def test_an_installation_tells_its_version_and_its_compression(tmp_path: Path) -> None:
    plain = inspect(_installed(tmp_path / "a", "16.3"))
    packed = inspect(_installed(tmp_path / "b", "18.1", options="--with-lz4"), from_wheel=True)

    assert plain == Binaries(tmp_path / "a/bin", 16, has_lz4=False, from_wheel=False)
    assert packed == Binaries(tmp_path / "b/bin", 18, has_lz4=True, from_wheel=True)


def test_one_that_is_too_old_is_none(tmp_path: Path) -> None:
    assert inspect(_installed(tmp_path, "14.9")) is None


def test_one_that_lacks_a_program_is_none(tmp_path: Path) -> None:
    bin_dir = _installed(tmp_path, "16.3")
    (bin_dir / "initdb").unlink()

    assert inspect(bin_dir) is None


def test_one_whose_program_does_not_run_here_is_none(tmp_path: Path) -> None:
    bin_dir = _installed(tmp_path, "16.3")
    (bin_dir / "postgres").write_bytes(b"\x7fELF of another machine")

    assert inspect(bin_dir) is None


def test_the_first_place_is_taken_and_each_is_asked_once(tmp_path: Path, places: list[tuple[Path, bool]]) -> None:
    first, second = _installed(tmp_path / "a", "16.3"), _installed(tmp_path / "b", "17.1")
    (tmp_path / "link").symlink_to(first)
    places += [(first, True), (tmp_path / "link", False), (tmp_path / "nothing", False), (second, False)]

    assert [found.major for found in installations()] == [16, 17]
    assert find_binaries().bin_dir == first


def test_data_of_a_version_takes_the_installation_of_that_version(
    tmp_path: Path, places: list[tuple[Path, bool]]
) -> None:
    places += [(_installed(tmp_path / "a", "16.3"), True), (_installed(tmp_path / "b", "17.1"), False)]

    assert find_binaries(17).major == 17


def test_data_of_a_version_that_is_not_here_names_what_is(tmp_path: Path, places: list[tuple[Path, bool]]) -> None:
    places += [(_installed(tmp_path / "a", "16.3"), True)]

    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 15, here are: 16\. .*postgresql-15"):
        find_binaries(15)


def test_the_systems_newest_comes_after_the_wheel_and_before_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path.relative_to("/")
    for version in ("9", "15", "16"):
        (tmp_path / version / "bin").mkdir(parents=True)
    (tmp_path / "plain").mkdir()
    monkeypatch.setattr(room, "_SYSTEM_PLACES", (f"/{system}/*/bin", f"/{system}/plain"))
    monkeypatch.setattr(room.shutil, "which", lambda _: str(tmp_path / "path/postgres"))

    found = [place for place, from_wheel in room._places() if not from_wheel]

    folders = [tmp_path / name for name in ("16/bin", "15/bin", "9/bin", "plain", "path")]
    assert found == folders


def test_without_the_wheel_only_the_system_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(room, "_SYSTEM_PLACES", ())
    monkeypatch.setattr(room.shutil, "which", lambda _: None)

    assert list(room._places()) == []


def test_on_windows_only_the_wheel_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.sys, "platform", "win32")

    assert all(from_wheel for _, from_wheel in room._places())


def test_a_place_without_a_number_sorts_last() -> None:
    assert room._number_in(Path("/opt/bin")) == 0


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "enters"),
    [
        (0o700, None, _NOBODY, True),
        (0o077, None, _NOBODY, False),
        (0o710, _NOBODY, None, True),
        (0o701, _NOBODY, None, False),
        (0o701, _NOBODY, _NOBODY, True),
        (0o710, _NOBODY, _NOBODY, False),
    ],
    ids=["owner", "owner shut out", "group", "group shut out", "others", "others shut out"],
)
def test_the_mode_bits_of_a_folder_decide_who_enters(
    tmp_path: Path, mode: int, uid: int | None, gid: int | None, *, enters: bool
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(mode)
    stat = (tmp_path / "folder").stat()

    got = room._may_enter(stat, stat.st_uid if uid is None else uid, stat.st_gid if gid is None else gid)

    (tmp_path / "folder").chmod(0o700)
    assert got is enters


def test_what_the_account_can_reach_is_not_copied(tmp_path: Path) -> None:
    found = inspect(_installed(tmp_path, "16.3"))
    assert found is not None
    owner = tmp_path.stat()

    assert reachable_by(tmp_path / "bin/postgres", owner.st_uid, owner.st_gid)
    assert copied_for(found, owner.st_uid, owner.st_gid) is found


@pytest.mark.needs("root")
def test_what_it_cannot_reach_is_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, copies = _behind_a_closed_door(tmp_path, monkeypatch)

    copied = copied_for(found, _NOBODY, _NOBODY)
    shutil.rmtree(found.bin_dir.parent / "include", ignore_errors=True)
    again = copied_for(found, _NOBODY, _NOBODY)

    assert copied == again
    assert copied.bin_dir.parents[2].parent == copies
    assert (copied.bin_dir / "postgres").stat().st_mode & 0o001
    assert not (copied.bin_dir.parent / "include").exists()
    assert inspect(copied.bin_dir) == copied


@pytest.mark.needs("root")
@pytest.mark.needs("wheel")
def test_the_copy_of_a_wheels_programs_finds_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    open_to_all = Path(tempfile.mkdtemp())
    open_to_all.chmod(0o755)
    monkeypatch.setattr(room, "COPIES", open_to_all / "copies")
    monkeypatch.setattr(room, "reachable_by", lambda *_: False)
    wheel = next(found for found in installations() if found.from_wheel)

    copied = copied_for(wheel, _NOBODY, _NOBODY)

    said = {
        name: subprocess.run(
            [copied.program(name), "--version"],
            user=_NOBODY,
            group=_NOBODY,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        for name in ("postgres", "initdb", "pg_ctl")
    }
    shutil.rmtree(open_to_all)
    assert [name for name, text in said.items() if f") {wheel.major}." not in text] == []


@pytest.mark.needs("root")
def test_a_copy_that_is_not_roots_own_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = _behind_a_closed_door(tmp_path, monkeypatch)
    os.chown(copied_for(found, _NOBODY, _NOBODY).bin_dir.parents[2], _NOBODY, _NOBODY)

    with pytest.raises(EmbeddedError, match="does not belong to root"):
        copied_for(found, _NOBODY, _NOBODY)


def _behind_a_closed_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Binaries, Path]:
    """Return an installation that only its owner reaches, and the place for copies."""
    found = inspect(_installed(tmp_path / "closed", "16.3"))
    assert found is not None
    (tmp_path / "closed/include").mkdir()
    (tmp_path / "closed").chmod(0o700)
    monkeypatch.setattr(room, "COPIES", tmp_path / "copies")
    return found, tmp_path / "copies"
