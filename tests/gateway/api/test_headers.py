"""Reading request headers: what is asked for, what is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from gateway.api import headers
from gateway.fhir.problem import Problem
from gateway.store.protocol import ANY_VERSION


def _headers(*found: tuple[str, list[str]]) -> Headers:
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, values in found for value in values]
    return Headers(raw=raw)


MOMENT = datetime(2026, 3, 12, 4, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], headers.Prefer()),
        (["return=minimal"], headers.Prefer(returns="minimal")),
        (["handling=strict, return=representation"], headers.Prefer(strict=True, returns="representation")),
        (['return="OperationOutcome"; x=1', "handling=lenient"], headers.Prefer(returns="OperationOutcome")),
        (["return=everything", "respond-async"], headers.Prefer()),
    ],
)
def test_prefer(values: list[str], expected: headers.Prefer) -> None:
    assert headers.prefer(values) == expected


@pytest.mark.parametrize(
    ("accept", "formats"),
    [
        ("", []),
        ("*/*", []),
        ("text/html, application/xhtml+xml, */*;q=0.8", []),
        ("application/json", []),
        ("application/fhir+json; fhirVersion=4.0", []),
        ("text/html", ["json"]),
        ("application/fhir+xml", ["application/fhir json"]),
        ("application/fhir+xml, application/fhir+json", []),
        ("application/fhir+xml;q=0.1, */*;q=0.2", []),
    ],
)
def test_json_is_served_to(accept: str, formats: list[str]) -> None:
    assert headers.demand_accepted(accept, formats) == "json"


@pytest.mark.parametrize(
    ("accept", "formats"),
    [
        ("application/fhir+xml", []),
        ("*/*", ["xml"]),
        ("application/fhir+json", ["application/fhir xml"]),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", []),
        ("application/fhir+json;q=0, */*", []),
    ],
)
def test_xml_is_served_to(accept: str, formats: list[str]) -> None:
    assert headers.demand_accepted(accept, formats) == "xml"


@pytest.mark.parametrize(
    ("accept", "formats"),
    [
        ("text/html", []),
        ("application/fhir+json;q=0", []),
        ("application/fhir+json; fhirVersion=5.0", []),
        ("*/*", ["turtle"]),
        ("*/*", ["json", "xml"]),
    ],
)
def test_nothing_is_served_to(accept: str, formats: list[str]) -> None:
    with pytest.raises(Problem, match="API-004"):
        headers.demand_accepted(accept, formats)


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("", ""),
        ("application/fhir+turtle", ""),
        ("application/fhir+xml; charset=gb18030", ""),
        ("application/fhir+json; charset=gb18030", ""),
        ("application/fhir+json; fhirVersion=5.0", ""),
        ("application/fhir+json", "br"),
        (headers.FORM, ""),
    ],
)
def test_content_is_refused(content_type: str, encoding: str) -> None:
    with pytest.raises(Problem, match="API-005"):
        headers.demand_content(content_type, encoding)


@pytest.mark.parametrize(
    ("values", "version"),
    [([], ANY_VERSION), (["*"], ANY_VERSION), (['W/"3"'], 3), (['"12"'], 12), (['W/"abc"'], 0), (['W/"0"'], 0)],
)
def test_if_match(values: list[str], version: int) -> None:
    asked = headers.demand(_headers(("if-match", values)))

    assert (asked.version, asked.there) == (version, values == ["*"])


@pytest.mark.parametrize("values", [["3"], ['W/"1", W/"2"'], ['W/"1"', 'W/"2"'], ["W/1"], [""]])
def test_a_malformed_if_match_is_refused(values: list[str]) -> None:
    with pytest.raises(Problem, match="API-001"):
        headers.demand(_headers(("if-match", values)))


def test_a_write_takes_a_date_only_without_a_version() -> None:
    date = ["Thu, 12 Mar 2026 04:00:00 GMT"]

    assert headers.demand(_headers(("if-unmodified-since", date))).since == MOMENT.replace(microsecond=0)
    assert headers.demand(_headers(("if-unmodified-since", date), ("if-match", ['W/"1"']))).since is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("if-none-match", 'W/"1"'),
        ("if-none-match", ""),
        ("if-unmodified-since", "yesterday"),
        ("if-unmodified-since", ""),
    ],
)
def test_a_condition_of_a_write_that_cannot_be_read_is_refused(name: str, value: str) -> None:
    with pytest.raises(Problem, match="API-001"):
        headers.demand(_headers((name, [value])))


@pytest.mark.parametrize(
    ("none_match", "modified_since", "known"),
    [
        ("", "", False),
        ('W/"2"', "", True),
        ('W/"1", "2"', "", True),
        ('W/"3"', "Thu, 12 Mar 2026 04:00:00 GMT", False),
        ("*", "", True),
        ("", "Thu, 12 Mar 2026 04:00:00 GMT", True),
        ("", "Thu, 12 Mar 2026 03:59:59 GMT", False),
        ("", "yesterday", False),
    ],
)
def test_what_a_client_has_already(none_match: str, modified_since: str, *, known: bool) -> None:
    assert headers.is_known(2, MOMENT, none_match=none_match, modified_since=modified_since) is known


@pytest.mark.parametrize(
    ("accept", "lang"),
    [("", "zh"), ("en-GB,en;q=0.9", "en"), ("zh-CN,en;q=0.8", "zh"), ("fr, en;q=0.5, zh;q=0.4", "en"), ("fr", "zh")],
)
def test_language(accept: str, lang: str) -> None:
    assert headers.language(accept) == lang


@pytest.mark.parametrize("values", [[], ["Basic YTpi"], ["Bearer"], ["Bearer "], ["Bearer a", "Bearer b"]])
def test_no_bearer_token(values: list[str]) -> None:
    with pytest.raises(Problem, match="SEC-401"):
        headers.bearer(values)


@pytest.mark.parametrize(("sent", "kept"), [("a-1_b.C", "a-1_b.C"), ("", ""), ("a b", ""), ("x" * 65, ""), ("赵", "")])
def test_a_plain_request_id_is_kept(sent: str, kept: str) -> None:
    assert headers.request_id(sent) == kept


@pytest.mark.parametrize(
    ("accept", "taken"),
    [("gzip, deflate", True), ("*", True), ("", False), ("br", False), ("gzip;q=0, *", False), ("GZIP;q=0.1", True)],
)
def test_gzip_is_sent_to_who_takes_it(accept: str, taken: bool) -> None:  # noqa: FBT001 - a value of the table
    assert headers.takes_gzip(accept) is taken


@given(st.text(max_size=80))
def test_no_header_is_beyond_reading(text: str) -> None:
    headers.prefer([text])
    headers.language(text)
    headers.takes_gzip(text)
    headers.is_known(1, MOMENT, none_match=text, modified_since="")
    headers.is_known(1, MOMENT, none_match="", modified_since=text)
    for read in (
        lambda: headers.demand_accepted(text, []),
        lambda: headers.demand_accepted("", [text]),
        lambda: headers.demand_content(text, ""),
        lambda: headers.demand(_headers(("if-match", [text]))),
        lambda: headers.demand(_headers(("if-unmodified-since", [text]))),
        lambda: headers.bearer([text]),
    ):
        with suppress(Problem):
            read()
