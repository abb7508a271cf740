"""What request headers ask for: content types, preferences, versions, language. Pure; refuses what it cannot read.

Source: FHIR R4 http.html#general, #concurrency, #cread; RFC 9110 §8.8.3, §12.5, §13; RFC 7240 (Prefer).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Literal

from starlette.datastructures import Headers

from gateway.fhir.problem import Lang, Problem
from gateway.hub import ANY_VERSION, Demand

FHIR_JSON = "application/fhir+json"
FHIR_XML = "application/fhir+xml"
MEDIA_TYPE = f"{FHIR_JSON}; charset=utf-8"
Format = Literal["json", "xml"]
MEDIA_TYPES: Mapping[Format, str] = {"json": MEDIA_TYPE, "xml": f"{FHIR_XML}; charset=utf-8"}
GZIP = "gzip"
FORM = "application/x-www-form-urlencoded"
JSON_PATCH = "application/json-patch+json"
NO_SUCH_VERSION = 0
"""For an entity tag that is none of ours: it is well formed and matches nothing."""
_NAMES: Mapping[Format, frozenset[str]] = {
    "json": frozenset({FHIR_JSON, "application/json", "text/json"}),
    "xml": frozenset({FHIR_XML, "application/xml", "text/xml"}),
}
_ANY = {"*/*": 0, "application/*": 1, "text/*": 1}
"""Ranges and how closely they name a type; a name itself is closest (RFC 9110 §12.5.1)."""
_CLOSEST = 2
_FORMATS: Mapping[str, Format] = {
    **{f"{prefix}{form}": form for form in _NAMES for prefix in ("", "application/fhir ")},
    **{name: form for form, names in _NAMES.items() for name in names},
}
"""`application/fhir json` is what a plus sign becomes that a client forgot to encode."""
_VERSIONS = frozenset({"", "4.0"})
_UTF_8 = frozenset({"utf-8", "utf8"})
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

Return = Literal["minimal", "representation", "OperationOutcome"]
_RETURNS: Mapping[str, Return] = {
    "minimal": "minimal",
    "representation": "representation",
    "OperationOutcome": "OperationOutcome",
}


@dataclass(frozen=True, slots=True)
class Prefer:
    """What a client prefers: ``strict`` handling of parameters, and what a write returns ("" = not said)."""

    strict: bool = False
    returns: Return | Literal[""] = ""


def prefer(values: Sequence[str]) -> Prefer:
    """Return the preferences of all `Prefer` headers; unknown ones are ignored, as RFC 7240 §2 asks."""
    said: dict[str, str] = {}
    for part in re.split(r"[,;]", ",".join(values)):
        name, _, value = part.strip().partition("=")
        said.setdefault(name.strip().lower(), value.strip().strip('"'))
    return Prefer(said.get("handling") == "strict", _RETURNS.get(said.get("return", ""), ""))


def demand_accepted(accept: str, formats: Sequence[str]) -> Format:
    """Return the form to answer in; ``formats`` (`_format`) go before ``accept``. Raises Problem("API-004").

    Of two that are wanted equally JSON is taken: it is what is stored.
    """
    if formats:
        named = {_format_named(value) for value in formats}
        found = named.pop()
        if named or found is None:
            raise Problem("API-004")
        return found
    if not accept:
        return "json"
    weights = _weights(accept)
    if not any(weights.values()):
        raise Problem("API-004")
    return "xml" if weights["xml"] > weights["json"] else "json"


def demand_content(content_type: str, content_encoding: str, *, form: bool = False) -> Format:
    """Return the form of the body: FHIR JSON or XML, or with ``form`` a form (told as JSON), in UTF-8.

    Raises Problem("API-005") for any other, and for any coding but gzip.
    """
    expected = FORM if form else f"{FHIR_JSON}, {FHIR_XML}"
    kind, params = next(_media(content_type), ("", {}))
    charset = params.get("charset", "utf-8").lower()
    found = next((form_ for form_, names in _NAMES.items() if kind in names), None)
    known = kind == FORM if form else found is not None and params.get("fhirversion", "") in _VERSIONS
    if not known or charset not in _UTF_8 or content_encoding.lower() not in ("", "identity", GZIP):
        raise Problem("API-005", expected=expected)
    return found or "json"


@lru_cache(maxsize=128)
def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether a client takes an answer packed by gzip; one that does not say is sent it plain."""
    if not accept_encoding:
        return False
    weights = {coding: _quality(params) for coding, params in _media(accept_encoding)}
    return weights.get(GZIP, weights.get("*", 0.0)) > 0


def is_json_patch(content_type: str, content_encoding: str) -> bool:
    """Tell a JSON Patch from a FHIRPath Patch; in UTF-8, not compressed. Raises Problem("API-005")."""
    kind, params = next(_media(content_type), ("", {}))
    plain = content_encoding.lower() in ("", "identity") and params.get("charset", "utf-8").lower() in _UTF_8
    # `application/json` may be either, and is not guessed at.
    if kind not in (JSON_PATCH, FHIR_JSON) or params.get("fhirversion", "") not in _VERSIONS or not plain:
        raise Problem("API-005", expected=f"{JSON_PATCH}, {FHIR_JSON}")
    return kind == JSON_PATCH


def demand(found: Headers) -> Demand:
    """Return what a write demands of the version that it meets. Raises Problem("API-001").

    `If-Unmodified-Since` counts only without `If-Match` (RFC 9110 §13.1.4). Of `If-None-Match` a write takes `*` alone.
    """
    match, none_match = found.getlist("if-match"), found.getlist("if-none-match")
    if none_match and none_match != ["*"]:
        raise Problem("API-001", name="If-None-Match", reason="* is expected")
    since = _moment(found.getlist("if-unmodified-since")) if not match else None
    return Demand(_version(match), since, absent=bool(none_match), there=match == ["*"])


def _moment(values: Sequence[str]) -> datetime | None:
    if not values:
        return None
    try:
        return _aware(parsedate_to_datetime(values[0] if len(values) == 1 else ""))
    except ValueError:
        raise Problem("API-001", name="If-Unmodified-Since", reason="one HTTP date is expected") from None


def _version(values: Sequence[str]) -> int:
    """Return the version that `If-Match` demands, ANY_VERSION for none or `*`.

    A tag that is no version of ours gives NO_SUCH_VERSION: it is answered 412, not 400.
    """
    if not values or values == ["*"]:
        return ANY_VERSION
    tag = _TAG.fullmatch(values[0].strip()) if len(values) == 1 else None
    if tag is None:
        raise Problem("API-001", name="If-Match", reason='one W/"n" is expected')
    return int(tag[1]) if _NUMBER.fullmatch(tag[1]) else NO_SUCH_VERSION


def is_known(version: int, updated: datetime, *, none_match: str, modified_since: str) -> bool:
    """Tell whether the client has ``version`` already. `If-Modified-Since` counts only without `If-None-Match`."""
    if none_match:
        return none_match.strip() == "*" or str(version) in _TAG.findall(none_match)
    try:
        since = parsedate_to_datetime(modified_since) if modified_since else None
    except ValueError:
        return False
    return since is not None and updated.replace(microsecond=0) <= _aware(since)


def language(accept_language: str) -> Lang:
    """Return the language that a client prefers of Chinese and English; Chinese when it does not say."""
    best: Lang = "zh"
    weight = 0.0
    for tag, params in _media(accept_language):
        quality = _quality(params)
        main = tag.partition("-")[0]
        if quality > weight and main in ("zh", "en"):
            best, weight = "zh" if main == "zh" else "en", quality
    return best


def request_id(given: str) -> str:
    """Return the client's own request id when it is a plain word, else ""."""
    return given if _REQUEST_ID.fullmatch(given) else ""


def bearer(authorization: Sequence[str]) -> str:
    """Return the token of the one `Authorization: Bearer` header. Raises Problem("SEC-401")."""
    if len(authorization) != 1:
        raise Problem("SEC-401")
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("SEC-401")
    return token.strip()


def _format_named(value: str) -> Format | None:
    kind, params = next(_media(value), ("", {}))
    return _FORMATS.get(kind) if params.get("fhirversion", "") in _VERSIONS else None


def _weights(accept: str) -> dict[Format, float]:
    """Return how much each form is wanted: what names it most closely decides (RFC 9110 §12.5.1)."""
    found: dict[Format, tuple[int, float]] = dict.fromkeys(_NAMES, (-1, 0.0))
    for kind, params in _media(accept):
        if params.get("fhirversion", "") not in _VERSIONS:
            continue
        for form, names in _NAMES.items():
            close = _CLOSEST if kind in names else _ANY.get(kind, -1)
            if close >= 0:
                found[form] = max(found[form], (close, _quality(params)))
    return {form: weight for form, (_, weight) in found.items()}


def _media(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the items of a list header: value in lower case, parameters with lower-case names."""
    for item in text.split(","):
        kind, *params = (part.strip() for part in item.split(";"))
        pairs = (param.partition("=") for param in params)
        yield kind.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _quality(params: Mapping[str, str]) -> float:
    try:
        return float(params.get("q", "1"))
    except ValueError:
        return 0.0


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
