"""Entries: compact, canonical, and without anybody's name or number."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.audit import Entry, blind_query, entry, stranger
from security.audit.chain import Head, Place, Tree
from tests.security.audit.conftest import CALLER, NOON

SAFE = st.text(string.ascii_letters + " /-.:{}", max_size=30)
ENTRIES = st.builds(
    Entry,
    event=SAFE,
    at=st.integers(0, 2**52),
    action=SAFE,
    interface=SAFE,
    kind=SAFE,
    id=SAFE,
    version=st.integers(0, 10**6),
    elder=SAFE,
    outcome=st.sampled_from([0, 4, 8, 12]),
    reasons=st.lists(SAFE, max_size=3).map(tuple),
    query=SAFE,
)
ID = "410101195003070011"


@given(made=ENTRIES)
def test_what_is_packed_is_unpacked(made: Entry) -> None:
    packed = made.pack()

    assert Entry.unpack(packed) == made
    assert Entry.unpack(packed).pack() == packed


def test_a_record_is_compact() -> None:
    packed = entry(
        CALLER, "read", at=NOON, interface="GET /CarePlan/{id}", kind="CarePlan", id="x" * 36, elder="y" * 36
    )

    assert len(packed) < 400


@pytest.mark.parametrize(
    "secret",
    [ID, "41010119500307001x", "410101500307001", "13800138000", "+8613800138000", "张三丰", "%E5%BC%A0%E4%B8%89"],
)
@pytest.mark.parametrize("where", ["id", "interface", "query", "elder", "rule", "consent"])
def test_no_number_or_name_enters_whatever_field_it_comes_in(secret: str, where: str) -> None:
    packed = entry(CALLER, "read", at=NOON, kind="Patient", **{where: f"/Patient/{secret}"})  # type: ignore[arg-type]

    assert secret.encode() not in packed
    assert b"[masked]" in packed


@pytest.mark.parametrize("where", ["request", "client", "token", "address"])
def test_nor_through_the_caller(where: str) -> None:
    packed = entry(replace(CALLER, **{where: f"x {ID}"}), "read", at=NOON, reasons=(f"about {ID}",))  # type: ignore[arg-type]

    assert ID.encode() not in packed


def test_an_organisation_keeps_its_credit_code_even_if_it_is_all_digits() -> None:
    packed = entry(CALLER, "read", at=NOON, kind="Organization", id="123301004700000008")

    assert Entry.unpack(packed).entity == "Organization/123301004700000008"


@given(st.uuids(version=4))
def test_a_random_id_is_never_taken_for_a_number(event: object) -> None:
    packed = entry(CALLER, "read", at=NOON, kind="Patient", id=str(event), elder=str(event))

    assert Entry.unpack(packed).id == str(event)


def test_an_overlong_text_is_cut() -> None:
    packed = stranger("refuse", at=NOON, address="10.0.0.1", interface="A" * 100_000)

    assert len(packed) < 1000


def test_a_query_keeps_what_says_nothing_and_blinds_the_rest() -> None:
    pairs = [
        ("identifier", f"urn:oid:1|{ID},urn:oid:2|{ID}"),
        ("name:exact", "张三"),
        ("_count", "20"),
        ("date", "ge2026"),
    ]

    shown = blind_query(pairs, lambda text: f"<{len(text)}>")

    assert shown == "identifier=urn:oid:1|<18>,urn:oid:2|<18>&name:exact=<2>&_count=20&date=ge2026"


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"[2]", b"[1,2,3]", b"\xff"])
def test_other_bytes_are_no_entry(junk: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - orjson's own too
        Entry.unpack(junk)


@given(st.lists(st.binary(max_size=8), max_size=40), st.integers(0, 40))
def test_a_tree_put_away_and_taken_up_has_the_same_root(leaves: list[bytes], at: int) -> None:
    whole, part = Tree(), Tree()
    for leaf in leaves:
        whole.append(leaf)
    for leaf in leaves[:at]:
        part.append(leaf)

    resumed = Tree.unpack(part.size, part.pack())
    for leaf in leaves[at:]:
        resumed.append(leaf)

    assert resumed.root() == whole.root()


def test_the_tree_is_that_of_rfc_6962() -> None:
    # The test vectors of certificate-transparency's merkletree tests.
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Tree()
    empty = tree.root().hex()
    for leaf in leaves:
        tree.append(bytes.fromhex(leaf))

    assert empty == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="frontier"):
        Tree.unpack(3, bytes(32))


@given(st.tuples(SAFE, SAFE), st.tuples(SAFE, SAFE))
def test_different_places_never_pack_alike(one: tuple[str, str], two: tuple[str, str]) -> None:
    packed = [Place(writer, 1, 2, action, 0, 3, 4, 5).pack() for writer, action in (one, two)]

    assert (packed[0] == packed[1]) == (one == two)


def test_a_copied_head_grows_alone() -> None:
    head = Head()
    copied = head.copy()

    copied.extend(b"place", b"body")

    assert (head.seq, copied.seq) == (0, 1)
    assert head.chain != copied.chain
