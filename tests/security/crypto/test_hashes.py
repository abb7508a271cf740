"""Keyed hashes, minted ids and signed notes."""

from __future__ import annotations

import hmac
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir.problem import Problem
from security.crypto import Keys, hashes, verify_note

KEY = bytes(32)
KEYS = st.sampled_from([KEY, b"k", b"k" * 64, b"k" * 65])
PARTS = st.tuples(st.text(max_size=4), st.text(max_size=4), st.text(max_size=4))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.create(tmp_path / "k")


@given(key=KEYS, kind=st.sampled_from(["Patient", "Encounter", ""]), parts=PARTS)
def test_an_id_is_the_keyed_hash_of_its_parts(key: bytes, kind: str, parts: tuple[str, ...]) -> None:
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in (kind, *parts))

    assert hashes.make_id(key, kind, parts).replace("-", "") == hmac.digest(key, message, "sha256").hex()[:32]


@given(one=PARTS, two=PARTS)
def test_ids_are_the_same_exactly_for_the_same_parts(one: tuple[str, ...], two: tuple[str, ...]) -> None:
    same = hashes.make_id(KEY, "Patient", one) == hashes.make_id(KEY, "Patient", two)

    assert same == (one == two)


def test_an_id_depends_on_kind_installation_and_number_of_parts(keys: Keys, tmp_path: Path) -> None:
    other = Keys.create(tmp_path / "other")

    ids = {
        keys.make_id("Patient", "a", "b"),
        keys.make_id("Patient", "a|b"),
        keys.make_id("Patienta", "b"),
        keys.make_id("Patient", "ab", ""),
        keys.make_id("Encounter", "a", "b"),
        other.make_id("Patient", "a", "b"),
    }

    assert len(ids) == 6
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", minted) for minted in ids)


def test_hashes_outlive_a_restart_and_differ_by_use(keys: Keys, tmp_path: Path) -> None:
    again = Keys.load(tmp_path / "k")

    assert keys.index_key("a") == again.index_key("a")
    assert keys.digest(b"a") == again.digest(b"a")
    assert keys.secret("token") == again.secret("token") != keys.secret("other")
    assert keys.digest(b"a")[:8] != keys.index_key("a").to_bytes(8, "big", signed=True)


@given(text=st.text())
def test_index_keys_fit_a_signed_bigint(text: str) -> None:
    hashed = hashes.index_key(KEY, text)

    assert -(2**63) <= hashed < 2**63


def test_a_blinded_word_says_nothing_and_forgives_width_and_case(keys: Keys) -> None:
    blinded = keys.blind("41010119500307001x")

    assert re.fullmatch(r"bx1:[0-9a-f]{32}", blinded)
    wide = "41010119500307001X".translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    assert blinded == keys.blind(f" {wide} ")


def test_a_signed_note_is_checked_with_the_public_key_alone(keys: Keys) -> None:
    note = keys.sign_note("line one\nline two\n")

    text = verify_note(note, name=keys.origin, public=keys.public_key)

    assert text == "line one\nline two\n"
    assert Ed25519PublicKey.from_public_bytes(keys.public_key)


@pytest.mark.parametrize("spoil", ["line one", "— ", "\n\n"])
def test_an_altered_note_is_refused(keys: Keys, spoil: str) -> None:
    note = keys.sign_note("line one\n").replace(spoil, "?", 1)

    with pytest.raises(Problem) as caught:
        keys.verify_note(note)

    assert caught.value.code == "SEC-902"


def test_a_note_of_another_installation_is_refused(keys: Keys, tmp_path: Path) -> None:
    note = Keys.create(tmp_path / "other").sign_note("line one\n")

    with pytest.raises(Problem) as caught:
        keys.verify_note(note)

    assert caught.value.code == "SEC-902"


def test_what_is_not_whole_lines_is_not_signed(keys: Keys) -> None:
    with pytest.raises(ValueError, match="newline"):
        keys.sign_note("no end")
