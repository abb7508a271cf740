"""JSON Patch: RFC 6902's own examples, any patch against a second implementation, digits, and work without bound."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import codec, json_patch
from gateway.fhir.problem import Problem
from tests.budget import examples

Doc = dict[str, Any]


def _apply(document: Doc, *operations: Doc) -> Any:
    return json_patch.apply(json_patch.read(json.dumps(operations).encode()), document)


@pytest.mark.parametrize(
    ("document", "operation", "expected"),
    [
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"baz": "qux", "foo": "bar"}),
        ({"foo": ["bar", "baz"]}, {"op": "add", "path": "/foo/1", "value": "qux"}, {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "remove", "path": "/baz"}, {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, {"op": "remove", "path": "/foo/1"}, {"foo": ["bar", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "replace", "path": "/baz", "value": "boo"}, {"baz": "boo", "foo": "bar"}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            {"op": "move", "from": "/foo/waldo", "path": "/qux/thud"},
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            {"op": "move", "from": "/foo/1", "path": "/foo/3"},
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        ({"foo": "bar"}, {"op": "add", "path": "/child", "value": {"a": {}}}, {"foo": "bar", "child": {"a": {}}}),
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux", "xyz": 123}, {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar"]}, {"op": "add", "path": "/foo/-", "value": ["abc"]}, {"foo": ["bar", ["abc"]]}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
        ({"a": 72.5}, {"op": "test", "path": "/a", "value": 72.50}, {"a": 72.5}),
        ({"a": 1}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": 1, "b": 1}),
        ({"a": 1}, {"op": "replace", "path": "", "value": {"b": 2}}, {"b": 2}),
    ],
)
def test_an_operation_does_what_the_rfc_says(document: Doc, operation: Doc, expected: Doc) -> None:
    assert _apply(document, operation) == expected


@pytest.mark.parametrize(
    ("document", "operation", "code"),
    [
        ({"baz": "qux"}, {"op": "test", "path": "/baz", "value": "bar"}, "FHIR-072"),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": "10"}, "FHIR-072"),
        ({"a": True}, {"op": "test", "path": "/a", "value": 1}, "FHIR-072"),
        ({"foo": "bar"}, {"op": "add", "path": "/baz/bat", "value": "qux"}, "FHIR-071"),
        ({"foo": ["a"]}, {"op": "add", "path": "/foo/2", "value": "x"}, "FHIR-071"),
        ({"foo": ["a"]}, {"op": "replace", "path": "/foo/00", "value": "x"}, "FHIR-071"),
        ({"foo": ["a"]}, {"op": "remove", "path": "/foo/-"}, "FHIR-071"),
        ({"foo": ["a"]}, {"op": "remove", "path": "/foo/\u0660"}, "FHIR-071"),
        ({"foo": "a"}, {"op": "remove", "path": "/foo/0"}, "FHIR-071"),
        ({"foo": {"a": 1}}, {"op": "move", "from": "/foo", "path": "/foo/b"}, "FHIR-071"),
        ({"foo": 1}, {"op": "remove", "path": ""}, "FHIR-070"),
        ({"foo": 1}, {"op": "replace", "path": "", "value": [1]}, "FHIR-070"),
    ],
)
def test_what_cannot_be_applied_is_refused(document: Doc, operation: Doc, code: str) -> None:
    with pytest.raises(Problem, match=code):
        _apply(document, operation)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"1",
        b'[],"more":1',
        b'["remove"]',
        b'[{"path":"/a"}]',
        b'[{"op":"spam","path":"/a"}]',
        b'[{"op":"Add","path":"/a","value":1}]',
        b'[{"op":"add","path":"/a"}]',
        b'[{"op":"add","path":"a","value":1}]',
        b'[{"op":"add","path":"/a~2","value":1}]',
        b'[{"op":"move","path":"/a"}]',
        b'[{"op":"move","path":"/a","from":7}]',
        b'[{"op":["add"],"path":"/a","value":1}]',
    ],
)
def test_what_is_no_patch_is_refused(body: bytes) -> None:
    with pytest.raises(Problem, match="FHIR-070"):
        json_patch.read(body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[", "FHIR-001"),
        (b'[{"op":"add","op":"test","path":"","value":1}]', "FHIR-002"),
        (b"[" * 99 + b"]" * 99, "FHIR-004"),
    ],
)
def test_a_patch_is_read_as_strictly_as_a_resource(body: bytes, code: str) -> None:
    with pytest.raises(Problem, match=code):
        json_patch.read(body)


def test_numbers_keep_their_digits() -> None:
    document = codec.parse_exact(b'{"a":72.50,"b":[1.0]}')
    patch = b'[{"op":"add","path":"/b/-","value":0.10},{"op":"copy","from":"/a","path":"/c"}]'

    made = json_patch.apply(json_patch.read(patch), document)

    assert codec.dump_exact(made) == b'{"a":72.50,"b":[1.0,0.10],"c":72.50}'


def test_the_document_that_was_given_is_left_alone() -> None:
    document = {"a": [{"b": 1}]}

    _apply(document, {"op": "copy", "from": "/a/0", "path": "/a/-"}, {"op": "replace", "path": "/a/0/b", "value": 2})

    assert document == {"a": [{"b": 1}]}


def test_what_was_copied_is_not_changed_with_its_source() -> None:
    made = _apply(
        {"a": {"b": 1}}, {"op": "copy", "from": "/a", "path": "/c"}, {"op": "add", "path": "/a/b", "value": 2}
    )

    assert made == {"a": {"b": 2}, "c": {"b": 1}}


def test_copies_that_double_come_to_an_end() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}, {"op": "copy", "from": "/a", "path": "/b"}]
    wide = [{"op": "copy", "from": "/a", "path": f"/a/{index}"} for index in range(60)]

    with pytest.raises(Problem, match=r"FHIR-004|FHIR-073"):
        _apply({"a": ["x"] * 100}, *(doubling * 60))
    with pytest.raises(Problem, match=r"FHIR-004|FHIR-073"):
        _apply({"a": ["x"] * 100}, *wide)


def test_a_patch_has_so_many_operations_and_no_more() -> None:
    with pytest.raises(Problem, match="FHIR-073"):
        _apply({"a": 1}, *[{"op": "test", "path": "/a", "value": 1}] * (json_patch.MAX_OPERATIONS + 1))


def test_every_member_that_is_named_counts_as_touched() -> None:
    test, copying = b'{"op":"test","path":"/a/0","value":1}', b'{"op":"copy","from":"/b","path":"/c"}'
    patch = b'[%b,%b,{"op":"test","path":"","value":1}]' % (test, copying)

    assert json_patch.touched(json_patch.read(patch)) == {"a", "b", "c"}


class _Refused(Exception):  # noqa: N818 - what it is
    """The patch cannot be applied."""


def _reference(document: Any, operation: Doc) -> Any:
    """Apply one operation as plainly as the RFC tells it, to values that are never changed."""
    path = operation["path"].split("/")[1:]
    match operation["op"]:
        case "add":
            return _edited(document, path, "add", operation["value"])
        case "remove":
            return _edited(document, path, "remove")
        case "replace":
            return _edited(document, path, "replace", operation["value"])
        case "test":
            if json.dumps(_at(document, path), sort_keys=True) != json.dumps(operation["value"], sort_keys=True):
                raise _Refused
            return document
    source = operation["from"].split("/")[1:]
    value = _at(document, source)
    if operation["op"] == "move":
        if path[: len(source)] == source and path != source:
            raise _Refused
        document = _edited(document, source, "remove")
    return _edited(document, path, "add", value)


def _at(node: Any, path: list[str]) -> Any:
    for token in path:
        if isinstance(node, dict) and token in node:
            node = node[token]
        elif isinstance(node, list) and token.isdigit() and str(int(token)) == token and int(token) < len(node):
            node = node[int(token)]
        else:
            raise _Refused
    return node


def _edited(node: Any, path: list[str], how: str, value: Any = None) -> Any:  # noqa: C901 - plainness first
    if not path:
        return None if how == "remove" else value
    head, *rest = path
    if isinstance(node, dict):
        if rest or how != "add":
            inner = _at(node, [head])
            if rest:
                return {**node, head: _edited(inner, rest, how, value)}
        if how == "remove":
            return {name: each for name, each in node.items() if name != head}
        return {**node, head: value}
    if not isinstance(node, list):
        raise _Refused
    at = len(node) if head == "-" and how == "add" and not rest else None
    if at is None:
        if not head.isdigit() or str(int(head)) != head or int(head) > len(node):
            raise _Refused
        at = int(head)
    if rest or how != "add":
        inner = _at(node, [head])
        if rest:
            return [*node[:at], _edited(inner, rest, how, value), *node[at + 1 :]]
    return [*node[:at], *([] if how == "remove" else [value]), *node[at + (how != "add") :]]


_names = st.sampled_from(["a", "b", "c"])
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["x", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
)
_paths = st.lists(st.sampled_from(["a", "b", "c", "0", "1", "2", "-"]), max_size=3).map(
    lambda tokens: "".join(f"/{token}" for token in tokens)
)
_operations = st.builds(
    lambda op, path, source, value: {"op": op, "path": path, "from": source, "value": value},
    st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
    _paths,
    _paths,
    _values,
)


@settings(max_examples=examples(400), deadline=None)
@given(st.dictionaries(_names, _values, max_size=3), st.lists(_operations, min_size=1, max_size=4))
def test_any_patch_makes_what_a_second_implementation_makes(document: Doc, operations: list[Doc]) -> None:
    before = copy.deepcopy(document)
    try:
        expected: Any = document
        for operation in operations:
            expected = _reference(expected, operation)
    except _Refused:
        expected = None

    try:
        made = _apply(document, *operations)
    except Problem:
        made = None

    assert json.dumps(made, sort_keys=True) == json.dumps(
        expected if isinstance(expected, dict) else None, sort_keys=True
    )
    assert document == before
