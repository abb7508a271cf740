"""The key file: private or refused, never overwritten, never quietly half read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gateway.fhir.problem import Problem
from security.crypto import Keys, keyfile


def test_a_new_key_file_is_readable_by_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o177)
    try:
        Keys.create(tmp_path / "k")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_an_existing_key_file_is_never_overwritten(tmp_path: Path) -> None:
    Keys.create(tmp_path / "k")
    before = (tmp_path / "k").read_bytes()

    with pytest.raises(Problem) as caught:
        Keys.create(tmp_path / "k")

    assert caught.value.code == "SEC-910"
    assert (tmp_path / "k").read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o400, 0o700])
def test_a_key_file_of_another_mode_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    Keys.create(tmp_path / "k")
    (tmp_path / "k").chmod(mode)

    with pytest.raises(Problem) as caught:
        Keys.load(tmp_path / "k")

    assert caught.value.code == "SEC-912"
    assert f"chmod 600 {tmp_path / 'k'}" in caught.value.text("en")


def test_a_key_file_of_another_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Keys.create(tmp_path / "k")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(Problem) as caught:
        Keys.load(tmp_path / "k")

    assert caught.value.code == "SEC-912"


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        Keys.load(tmp_path / "none")

    assert caught.value.code == "SEC-911"
    assert str(tmp_path / "none") in caught.value.text("zh")


def test_a_damaged_key_file_is_refused_whatever_byte_is_hit(tmp_path: Path) -> None:
    path = tmp_path / "k"
    Keys.create(path)
    good = path.read_bytes()
    place = good.index(b'"key": "') + 12

    for bad in (
        b"",
        b"[]",
        b"{}",
        good[:-40],
        good[:place] + b"!" + good[place + 1 :],
        good.replace(b"keys/1", b"x/9"),
    ):
        path.write_bytes(bad)
        with pytest.raises(Problem) as caught:
            Keys.load(path)
        assert caught.value.code == "SEC-913"


def test_nothing_secret_shows_in_a_representation(tmp_path: Path) -> None:
    Keys.create(tmp_path / "k")

    shown = repr(keyfile.read(tmp_path / "k"))

    assert "data keys" in shown
    assert "b'" not in shown
    assert "\\x" not in shown


def test_no_half_written_file_stays_behind_a_change(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path / "k")

    keys.rotate()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["k", "k.lock"]
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_a_key_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        Keys.create(tmp_path / "no-such-folder" / "k")

    assert caught.value.code == "SEC-911"


def test_a_key_file_whose_current_key_is_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k"
    Keys.create(path)
    path.write_bytes(path.read_bytes().replace(b'"current": 1', b'"current": 7'))

    with pytest.raises(Problem) as caught:
        Keys.load(path)

    assert caught.value.code == "SEC-913"
