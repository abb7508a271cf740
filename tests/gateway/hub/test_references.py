"""Which Patients a resource points at: told by its bytes, and the same as its document tells."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.hub import references

BASE = "http://hub/fhir"
TEXTS = st.sampled_from(
    [
        "Patient/a",
        "Patient/b/_history/2",
        "Patient/",
        "Patient/甲",
        f"{BASE}/Patient/c",
        "http://other/Patient/d",
        "#Patient/e",
        "reference",
        '"reference":"Patient/f"',
        "\\",
        "Organization/g",
    ]
)
NODES = st.recursive(
    TEXTS | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["reference", "subject", "x", 'y"']), inner, max_size=3)
    ),
)
SEPARATORS = st.sampled_from([(",", ":"), (" , ", " :\n ")])


@given(NODES, SEPARATORS, st.sets(st.sampled_from(["a", "b", "c"])), st.sampled_from([False, True]))
def test_the_bytes_tell_the_patients_that_the_document_names(
    node: Any, separators: tuple[str, str], own: set[str], escaped: object
) -> None:
    doc = {"resourceType": "Basic", "part": node}
    body = json.dumps(doc, separators=separators, ensure_ascii=bool(escaped)).encode()

    assert references.newly_named(doc, body, BASE, own=own) == references.patients(doc, BASE) - own
