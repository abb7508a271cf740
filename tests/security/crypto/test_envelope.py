"""Sealing: what goes in comes out, and only from its own place, unaltered."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.problem import Problem
from security.crypto import Keys, envelope, keyfile, packing, suites
from tests.budget import examples

SUITES = (suites.AES_256_GCM, suites.SM4_GCM)


@pytest.fixture(scope="module", params=SUITES, ids=["aes-256-gcm", "sm4-gcm"])
def keys(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.create(tmp_path_factory.mktemp("keys") / "keys.json", suite=request.param)


@settings(max_examples=examples(60), deadline=None)
@given(plain=st.binary(max_size=5000), context=st.binary(max_size=60))
def test_every_sealed_body_opens_in_its_own_place(keys: Keys, plain: bytes, context: bytes) -> None:
    blob = keys.seal(plain, context)

    opened = keys.open(blob, context)

    assert opened == plain


@settings(max_examples=examples(60), deadline=None)
@given(plain=st.binary(max_size=200), data=st.data())
def test_a_blob_with_any_bit_changed_does_not_open(keys: Keys, plain: bytes, data: st.DataObject) -> None:
    blob = bytearray(keys.seal(plain, b"res|Patient|a|1"))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << (bit % 8)

    with pytest.raises(Problem) as caught:
        keys.open(bytes(blob), b"res|Patient|a|1")

    assert caught.value.code == "SEC-901"


@settings(max_examples=examples(60), deadline=None)
@given(junk=st.binary(max_size=80))
def test_bytes_that_were_never_sealed_do_not_open(keys: Keys, junk: bytes) -> None:
    with pytest.raises(Problem) as caught:
        keys.open(junk, b"")

    assert caught.value.code == "SEC-901"


@settings(max_examples=examples(60), deadline=None)
@given(plain=st.binary(max_size=200), places=st.lists(st.binary(max_size=30), min_size=2, max_size=2, unique=True))
def test_a_blob_does_not_open_in_any_place_but_its_own(keys: Keys, plain: bytes, places: list[bytes]) -> None:
    blob = keys.seal(plain, places[0])

    with pytest.raises(Problem) as caught:
        keys.open(blob, places[1])

    assert caught.value.code == "SEC-901"


@settings(max_examples=examples(60), deadline=None)
@given(plain=st.binary(max_size=200), data=st.data())
def test_a_blob_cut_lengthened_or_joined_does_not_open(keys: Keys, plain: bytes, data: st.DataObject) -> None:
    blob, other = keys.seal(plain, b"here"), keys.seal(b"other", b"here")
    at = data.draw(st.integers(0, len(blob) - 1))
    changed = data.draw(
        st.sampled_from([blob[:at], blob + b"\0", blob + other, blob[:at] + other[at:], blob[at + 1 :]])
    )
    if changed in (blob, other):
        return

    with pytest.raises(Problem) as caught:
        keys.open(changed, b"here")

    assert caught.value.code == "SEC-901"


def test_a_blob_moved_to_another_row_does_not_open(keys: Keys) -> None:
    blob = keys.seal(b"{}", b"res|Patient|a|1")

    with pytest.raises(Problem) as caught:
        keys.open(blob, b"res|Patient|b|1")

    assert caught.value.code == "SEC-901"


def test_the_blob_says_its_suite_and_key_and_the_same_bytes_never_look_the_same(keys: Keys) -> None:
    first, second = keys.seal(b"same", b"x"), keys.seal(b"same", b"x")

    assert first[0] in SUITES
    assert first[1:3] == b"\x00\x01"
    assert first != second


def test_the_content_is_not_found_in_the_blob(keys: Keys) -> None:
    name = "张三丰".encode()

    blob = keys.seal(name * 3, b"x")

    assert name not in blob


def test_a_body_that_claims_to_be_huge_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = packing.pack(bytes(1000))
    monkeypatch.setattr(packing, "MAX_PLAIN_BYTES", 999)

    with pytest.raises(ValueError, match="too large"):
        packing.unpack(bomb)


def test_a_new_data_key_seals_what_is_new_and_the_old_still_opens(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path / "k")
    old = keys.seal(b"old", b"x")

    number = keys.rotate(suite=suites.SM4_GCM)

    new = keys.seal(b"new", b"x")
    assert new[:3] == bytes((suites.SM4_GCM,)) + number.to_bytes(2, "big")
    assert (keys.open(old, b"x"), keys.open(new, b"x")) == (b"old", b"new")
    assert Keys.load(tmp_path / "k").open(old, b"x") == b"old"


def test_another_process_learns_a_new_data_key_when_it_meets_one(tmp_path: Path) -> None:
    writer = Keys.create(tmp_path / "k")
    reader = Keys.load(tmp_path / "k")
    writer.rotate()

    opened = reader.open(writer.seal(b"later", b"x"), b"x")

    assert opened == b"later"


def test_a_new_kek_changes_the_file_and_no_body(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path / "k")
    blob, kek = keys.seal(b"body", b"x"), keyfile.read(tmp_path / "k").kek

    keys.rewrap()

    assert keyfile.read(tmp_path / "k").kek != kek
    assert Keys.load(tmp_path / "k").open(blob, b"x") == b"body"


def test_a_used_up_data_key_gives_way_to_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "RESERVE", 2)
    monkeypatch.setattr(envelope, "MAX_MESSAGES", 4)
    keys = Keys.create(tmp_path / "k")

    numbers = [keys.seal(b"", b"")[2] for _ in range(9)]

    assert numbers == [1, 1, 1, 1, 2, 2, 2, 2, 3]


def test_two_processes_never_count_the_same_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "RESERVE", 2)
    one, two = Keys.create(tmp_path / "k"), Keys.load(tmp_path / "k")
    one.seal(b"", b"")

    two.seal(b"", b"")

    assert keyfile.read(tmp_path / "k").deks[1].reserved == 4


def test_nothing_is_sealed_when_the_key_file_cannot_be_updated(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path / "k")
    (tmp_path / "k.lock").mkdir()

    with pytest.raises(Problem) as caught:
        keys.seal(b"", b"")

    assert caught.value.code == "SEC-903"


def test_what_is_too_large_to_open_again_is_not_sealed(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_PLAIN_BYTES", 999)

    with pytest.raises(ValueError, match="too large to seal"):
        keys.seal(bytes(1000), b"x")


def test_a_sealed_body_that_is_no_frame_does_not_open(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "pack", lambda plain, **_: plain)
    blob = keys.seal(b"(\xb5/\xfd no frame", b"x")

    with pytest.raises(Problem) as caught:
        keys.open(blob, b"x")

    assert caught.value.code == "SEC-901"


REPEATED = (
    b'{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]}'
    b',"subject":{"reference":"Patient/3a1b2c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d"}}'
)


def test_a_dictionary_halves_what_every_resource_repeats() -> None:
    assert len(packing.pack(REPEATED, dictionary=packing.NEWEST)) * 2 < len(packing.pack(REPEATED))


@settings(max_examples=examples(60), deadline=None)
@given(parts=st.lists(st.one_of(st.binary(max_size=200), st.just(REPEATED)), max_size=20))
def test_what_was_packed_with_a_dictionary_or_without_opens(parts: list[bytes]) -> None:
    plain = b"".join(parts)

    for dictionary in (packing.PLAIN, packing.NEWEST):
        assert packing.unpack(packing.pack(plain, dictionary=dictionary)) == plain


def test_a_frame_of_an_unknown_dictionary_is_refused() -> None:
    other = zstandard.train_dictionary(
        2000, [REPEATED.replace(b"8867", b"%d" % number) for number in range(1000, 3000)], dict_id=packing.FIRST_ID + 99
    )
    frame = zstandard.ZstdCompressor(dict_data=other).compress(REPEATED)

    with pytest.raises(ValueError, match="not ours"):
        packing.unpack(frame)


def test_the_first_dictionary_never_changes() -> None:
    digest = hashlib.sha256(packing.file_of(1).read_bytes()).hexdigest()

    assert digest == "318da1da87691e7e2e2547606809fa642e52da9209e4726aa4594252c44d8ea7"


def test_a_data_key_made_before_there_were_dictionaries_seals_without(tmp_path: Path) -> None:
    Keys.create(tmp_path / "k")
    newer, plain = Keys.load(tmp_path / "k").seal(REPEATED, b"x"), packing.pack(REPEATED)
    shape = json.loads((tmp_path / "k").read_bytes())
    del shape["deks"][0]["dictionary"]
    (tmp_path / "k").write_text(json.dumps(shape))

    older = Keys.load(tmp_path / "k")

    assert older.authenticate(older.seal(REPEATED, b"x"), b"x") == plain
    assert older.open(newer, b"x") == REPEATED
    older.rotate()
    assert older.authenticate(older.seal(REPEATED, b"x"), b"x") == plain


def test_a_frame_whose_content_is_damaged_is_refused() -> None:
    frame = bytearray(packing.pack(b"".join(bytes([at % 251]) for at in range(2000))))
    frame[-1] ^= 0xFF
    del frame[-3:]

    with pytest.raises(ValueError, match="not a zstd frame"):
        packing.unpack(bytes(frame))


def test_an_installation_runs_out_of_data_keys_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys.create(tmp_path / "k")
    monkeypatch.setattr(envelope, "MAX_DEKS", 1)

    with pytest.raises(Problem) as caught:
        keys.rotate()

    assert caught.value.code == "SEC-903"
