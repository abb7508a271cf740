"""Edits of bytes: what is not edited keeps every byte."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir import codec, members

NOW = datetime(2026, 3, 4, 8, 15, 30, 123456, tzinfo=UTC)
KEYS = st.sampled_from(["id", "meta", "a", "versionId", "lastUpdated", 'q"', "\\", "meta:", "中文", "resourceType"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(['"meta":{', "\\", "}", ","])
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
META = st.dictionaries(st.sampled_from(["versionId", "lastUpdated", "tag", "security", "profile", "source"]), JSON)
RESOURCES = st.dictionaries(KEYS, JSON, max_size=6).flatmap(
    lambda doc: st.one_of(st.just(doc), META.map(lambda meta: {**doc, "meta": meta}))
)
Layout = dict[str, Any]
LAYOUTS = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 2]),
        "separators": st.sampled_from([(",", ":"), (" , ", " : ")]),
        "ensure_ascii": st.booleans(),
    }
)


def written(doc: dict[str, Any], layout: Layout) -> bytes:
    return json.dumps(doc, **layout).encode()


def with_object_meta(doc: dict[str, Any]) -> dict[str, Any]:
    return doc if isinstance(doc.get("meta", {}), dict) else {**doc, "meta": {}}


@given(RESOURCES, LAYOUTS)
def test_a_stamp_changes_version_and_time_and_nothing_else(doc: dict[str, Any], layout: Layout) -> None:
    doc = with_object_meta(doc)

    stamped = json.loads(codec.stamp(written(doc, layout), 7, NOW))

    meta = {**doc.get("meta", {}), "versionId": "7", "lastUpdated": "2026-03-04T08:15:30.123Z"}
    assert stamped == {**doc, "meta": meta}


@given(RESOURCES, LAYOUTS)
def test_taking_a_stamp_off_leaves_what_was_there_without_one(doc: dict[str, Any], layout: Layout) -> None:
    body = written(with_object_meta(doc), layout)

    plain = codec.unstamped(body)

    assert codec.unstamped(codec.stamp(body, 1, NOW)) == plain
    assert codec.unstamped(plain) == plain


@given(RESOURCES, LAYOUTS)
def test_a_patch_of_meta_equals_the_same_change_of_the_document(doc: dict[str, Any], layout: Layout) -> None:
    doc = with_object_meta(doc)
    security = [{"system": "s", "code": 'a"\\'}]

    patched = codec.patch_meta(written(doc, layout), id="new", security=security, profile=["p"], tag=[])

    meta = {key: value for key, value in doc.get("meta", {}).items() if key != "tag"}
    assert json.loads(patched) == {**doc, "id": "new", "meta": {**meta, "security": security, "profile": ["p"]}}


TEXTS = st.text(st.sampled_from('aé王":{}[],\\'), max_size=4)
CODINGS = st.dictionaries(st.sampled_from(["system", "code", "meta"]), TEXTS | st.booleans(), max_size=3)
USUAL_META = st.dictionaries(
    st.sampled_from(["versionId", "lastUpdated", "tag", "security", "profile", "source"]),
    TEXTS | st.lists(TEXTS, max_size=2) | st.lists(CODINGS, max_size=2) | st.integers(),
)
HEADS = st.dictionaries(st.sampled_from(["resourceType", "id", "status", "a"]), TEXTS | JSON, max_size=3)


@given(HEADS, st.none() | USUAL_META, RESOURCES, LAYOUTS, st.sampled_from(["first", "last"]))
def test_the_short_way_of_an_edit_gives_the_bytes_of_the_long_one(
    head: dict[str, Any], meta: dict[str, Any] | None, rest: dict[str, Any], layout: Layout, at: str
) -> None:
    more = {name: value for name, value in rest.items() if name != "meta"}
    edited = {} if meta is None else {"meta": meta}
    body = written({**edited, **head, **more} if at == "first" else {**head, **edited, **more}, layout)
    codings = [{"system": "s", "code": "R"}]
    security = json.dumps(codings, separators=(",", ":")).encode()
    version: members.Changes = {"versionId": b'"7"', "lastUpdated": b'"2026-03-04T08:15:30.123Z"'}

    assert codec.stamp(body, 7, NOW) == members.edit_meta(body, version)
    assert codec.unstamped(body) == members.edit_meta(body, dict.fromkeys(version))
    assert codec.patch_meta(body, security=codings, tag=[]) == members.edit_meta(
        body, {"security": security, "tag": None}
    )
    assert codec.patch_meta(body, id="new") == members.set_member(body, "id", b'"new"')


@given(HEADS, st.none() | USUAL_META, RESOURCES, LAYOUTS, st.sampled_from(["first", "last"]), st.sampled_from([0, 1]))
def test_a_settled_resource_is_the_patched_one_without_a_stamp_and_is_stamped_as_it(
    head: dict[str, Any], meta: dict[str, Any] | None, rest: dict[str, Any], layout: Layout, at: str, labels: int
) -> None:
    more = {name: value for name, value in rest.items() if name != "meta"}
    edited = {} if meta is None else {"meta": meta}
    body = written({**edited, **head, **more} if at == "first" else {**head, **edited, **more}, layout)
    security = [{"system": "s", "code": "R"}] * labels
    patched = codec.patch_meta(body, id="new", security=security)

    settled = codec.settle(body, id="new", security=security)

    assert settled == codec.unstamped(settled) == codec.unstamped(patched)
    assert codec.stamp(settled, 7, NOW) == codec.stamp(bytes(settled), 7, NOW)
    assert not labels or codec.stamp(settled, 7, NOW) == codec.stamp(patched, 7, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType":"Basic","id":"a","meta":{"profile":["p"]},"x":1}',
        b'{"resourceType":"Basic","id":"a","meta":{},"x":1}',
        b'{"id":"a","resourceType":"Basic","meta":{"versionId":"1","lastUpdated":"t","security":[{"code":"R"}]}}',
        b'{"id":"a","meta":{"versionId":"1","lastUpdated":"t","security":[{"code":"R"}],"profile":["p"]},"x":1}',
        b'{"id":"a","meta":{"security":[{"code":"R"}],"lastUpdated":"t","profile":["p"],"versionId":"1"},"x":1}',
        b'{"id":"a","meta":{"lastUpdated":"t","source":"versionId"},"x":{"versionId":1}}',
        b'{"resourceType":"Basic","x":1}',
        b" {\n }",
        b'{"resourceType":"Basic","x":{"id":"a"}}',
        b'{"resourceType":"Basic","x":{"meta":{}},"\\u0069d":"a"}',
    ],
)
def test_a_resource_is_settled_alike_wherever_its_meta_stands(body: bytes) -> None:
    security = [{"system": "s", "code": "N"}]
    patched = members.edit_meta(body, {"security": b'[{"system":"s","code":"N"}]'})
    patched = members.set_member(patched, "id", b'"new"')
    content = members.edit_meta(patched, {"versionId": None, "lastUpdated": None})
    version: members.Changes = {"versionId": b'"7"', "lastUpdated": b'"2026-03-04T08:15:30.123Z"'}

    settled = codec.settle(body, id="new", security=security)

    assert settled == content
    assert codec.stamp(settled, 7, NOW) == members.edit_meta(content, version)


def test_bytes_outside_the_edit_stay_as_sent() -> None:
    body = (
        b'{ "resourceType" : "Observation",\n "x":"\\u4e2d \\"meta\\":{", "meta": { "tag":[] } , "v":72.50,"w":1E3 }\n'
    )

    stamped = codec.stamp(body, 2, NOW)

    stamp = b'"versionId":"2","lastUpdated":"2026-03-04T08:15:30.123Z",'
    assert stamped == body.replace(b'{ "tag"', b"{ " + stamp + b'"tag"')


def test_a_key_spelled_with_escapes_is_still_found() -> None:
    body = b'{"\\u006deta":{"versionId":"1","source":"s"}}'

    assert codec.unstamped(body) == b'{"\\u006deta":{"source":"s"}}'


def test_a_meta_that_becomes_empty_is_removed() -> None:
    body = b'{"resourceType":"Patient","meta":{"versionId":"1"}}'

    assert codec.unstamped(body) == b'{"resourceType":"Patient"}'


def test_an_empty_object_can_be_stamped() -> None:
    assert json.loads(codec.stamp(b"{}", 1, NOW))["meta"]["versionId"] == "1"


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        codec.stamp(b"{}", 1, NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    "number",
    ["7.50", "1E3", "1e-7", "1e07", "-0", "-0.0", "0.0", "0e5", "100000000000000000001.5", "12345678901234567890123"],
)
def test_a_number_keeps_its_literal_when_a_document_is_dumped_again(number: str) -> None:
    raw = b'{"value":%b,"list":[%b]}' % (number.encode(), number.encode())

    assert codec.dump_exact(codec.parse_exact(raw)) == raw


@given(JSON, LAYOUTS)
def test_a_document_is_read_as_the_plain_reader_reads_it(value: Any, layout: Layout) -> None:
    body = written({"value": value, "text": '-0 "a":-0,', "zero": 0}, layout)

    assert codec.parse_exact(body) == json.loads(body) == codec.parse_exact(body.decode())


def test_minus_zero_keeps_its_sign_in_text_too() -> None:
    assert codec.dump_exact(codec.parse_exact('{"v":[-0,1]}')) == b'{"v":[-0,1]}'


def test_an_exact_number_can_be_calculated_with() -> None:
    assert codec.parse_exact(b'{"value":7.50}')["value"] + Decimal("0.25") == Decimal("7.75")


@pytest.mark.parametrize("raw", [b"[]", b'{"a":NaN}', b"{", b"1"])
def test_what_is_no_json_object_is_not_parsed(raw: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        codec.parse_exact(raw)
