"""What an operation is asked: parameters of the address, or a Parameters resource, read by the operation's own list.

In: a request and the names that the operation knows. Out: `Asked`. Refuses what is not on the list, comes twice, or is
of another type, and names it (TRM-005 to TRM-007): whatever would change the answer is never ignored.
Source: FHIR R4 operations.html#executing, parameters.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from starlette.requests import Request

from gateway.api import bodies
from gateway.fhir import gate as fhir
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem
from gateway.fhir.wire import shown

Type = Literal["text", "texts", "boolean", "integer", "Coding", "CodeableConcept", "Meta", "resource"]
Known = Mapping[str, Type]
MAX_TEXT: Final = 2000
"""No code, word or canonical is longer (design default)."""
_TEXT = ("String", "Code", "Uri", "Url", "Canonical", "Id", "Date", "DateTime", "Instant", "Oid", "Uuid", "Markdown")
_VALUES: Mapping[Type, tuple[str, ...]] = {
    "text": tuple(f"value{name}" for name in _TEXT),
    "texts": tuple(f"value{name}" for name in _TEXT),
    "boolean": ("valueBoolean",),
    "integer": ("valueInteger", "valuePositiveInt", "valueUnsignedInt"),
    "Coding": ("valueCoding",),
    "CodeableConcept": ("valueCodeableConcept",),
    "Meta": ("valueMeta",),
    "resource": ("resource",),
}
_SIMPLE = ("text", "texts", "boolean", "integer")
_MOST = 2**31


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters by name, of the types that the operation's list says; "texts" may come several times."""

    values: Mapping[str, Any]

    def text(self, name: str, default: str = "") -> str:
        """Return a text, ``default`` where it was not given."""
        return str(self.values.get(name, default))

    def needed(self, name: str) -> str:
        """Return a text. Raises Problem TRM-005 where it was not given."""
        if not self.values.get(name):
            raise Problem("TRM-005", name=name)
        return str(self.values[name])

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        return bool(self.values.get(name, default))

    def number(self, name: str, default: int) -> int:
        """Return an integer that is not negative."""
        return int(self.values.get(name, default))

    def value(self, name: str) -> Any:
        """Return what was given, None where nothing was."""
        return self.values.get(name)

    def demand_one_of(self, *names: str) -> str:
        """Return which of ``names`` was given. Raises Problem TRM-005 (none), TRM-007 (several)."""
        given = [name for name in names if name in self.values]
        if not given:
            raise Problem("TRM-005", name=names[0])
        if len(given) > 1:
            raise wrong(given[1], f"不能与 {given[0]} 同时给出", f"it excludes {given[0]}")
        return given[0]


async def asked(request: Request, known: Known, *, limit: int) -> Asked:
    """Return what ``request`` asks of an operation that knows ``known``. Raises Problem TRM-006, TRM-007, API-."""
    if request.method == "POST":
        bodies.demand_none(bodies.asked(request))
        body = await bodies.resource(request, limit=limit)
        doc = await aside(len(body), lambda: fhir.accept(body, kind="Parameters"))
        return _by_name(_from_resource(doc, known), known)
    return _by_name(_from_query(bodies.asked(request), known), known)


def wrong(name: str, what: str, what_en: str) -> Problem:
    """Return the problem for a parameter that cannot be used."""
    return Problem("TRM-007", name=name, what=what, what_en=what_en)


def _by_name(pairs: Iterable[tuple[str, Any]], known: Known) -> Asked:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if known[name] == "texts":
            found[name] = (*found.get(name, ()), value)
            continue
        if name in found:
            raise wrong(name, "只能给出一次", "it may be given once")
        found[name] = value
    return Asked(found)


def _type(name: str, known: Known) -> Type:
    if name not in known:
        raise Problem("TRM-006", name=shown(name))
    return known[name]


def _from_query(pairs: bodies.Pairs, known: Known) -> Iterable[tuple[str, Any]]:
    for name, text in pairs:
        type_ = _type(name, known)
        if type_ not in _SIMPLE:
            raise wrong(name, "只能用 POST 提交", "it is sent by POST only")
        yield name, _read(name, type_, text)


def _read(name: str, type_: Type, text: str) -> object:
    if type_ == "boolean":
        if text not in ("true", "false"):
            raise wrong(name, "应为 true 或 false", "true or false is expected")
        return text == "true"
    if type_ == "integer":
        if not (text.isascii() and text.isdigit() and len(text) <= 10):
            raise wrong(name, "应为非负整数", "a number that is not negative is expected")
        return _number(name, int(text))
    return _text(name, text)


def _from_resource(doc: Mapping[str, Any], known: Known) -> Iterable[tuple[str, Any]]:
    for row in doc.get("parameter", ()):
        name = str(row["name"])
        type_ = _type(name, known)
        key = next((key for key in _VALUES[type_] if key in row), None)
        if key is None:
            raise wrong(name, f"应为 {type_}", f"{type_} is expected")
        value = row[key]
        if type_ in ("text", "texts"):
            value = _text(name, str(value))
        elif type_ == "integer":
            value = _number(name, int(value))
        yield name, value


def _number(name: str, value: int) -> int:
    if not 0 <= value < _MOST:
        raise wrong(name, "应为非负整数", "a number that is not negative is expected")
    return value


def _text(name: str, text: str) -> str:
    if not text or len(text) > MAX_TEXT or not text.isprintable():
        raise wrong(name, f"应为 1 至 {MAX_TEXT} 个可见字符", f"1 to {MAX_TEXT} printable characters are expected")
    return text


def answer(*parts: tuple[str, str, Any]) -> dict[str, Any]:
    """Return a Parameters resource of ``parts``: name, value[x] or "part", value; what is None or "" is left out."""
    rows = [{"name": name, key: value} for name, key, value in parts if value not in (None, "")]
    return {"resourceType": "Parameters", **({"parameter": rows} if rows else {})}
