"""Reads the value of one search parameter: comma is OR, backslash escapes, prefixes before dates.

In: the type of a clause and the decoded text. Out: `query.Term`s. Raises `Problem` FHIR-042 naming the parameter,
never its value. Source: R4 search.html#escaping, #token, #reference, #date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.fhir.problem import Problem
from gateway.fhir.query import DateTerm, IdTerm, ReferenceTerm, Term, TokenTerm
from gateway.fhir.spans import span

CANONICAL = "canonical"
"""Among the targets of a reference parameter: its values may be addresses that are not ours (R4 references.html)."""
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFERENCE = re.compile(r"(?:([A-Z][A-Za-z]{1,63})/)?([A-Za-z0-9\-.]{1,64})")
_ADDRESS = re.compile(r"(?:https?://|urn:)[^\s]{1,1000}")
_DATE = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.+)", re.DOTALL)
_SPLIT = {mark: re.compile(rf"((?:[^\\{mark}]|\\.)*)(?:{mark}|\Z)", re.DOTALL) for mark in (",", r"\|", r"\$")}


def terms_of(type_: str, name: str, value: str, *, targets: tuple[str, ...] = (), base: str = "") -> tuple[Term, ...]:
    """Return the OR-ed terms of ``value`` for a clause of ``type_``; ``targets`` as of the reference parameter."""
    return tuple(_term(type_, name, part, targets, base) for part in parts(value, ",", name))


def _term(type_: str, name: str, part: str, targets: tuple[str, ...], base: str) -> Term:
    if part == "":
        raise bad(name, "empty")
    match type_:
        case "date":
            return _date(name, part)
        case "reference":
            return _reference(name, plain(part, name), targets, base)
        case "id":
            return _id(name, plain(part, name))
        case _:
            return _token(name, part)


def _token(name: str, part: str) -> TokenTerm:
    pieces = [plain(piece, name) for piece in parts(part, r"\|", name)]
    match pieces:
        case [code]:
            return TokenTerm(None, code)
        case ["", ""]:
            raise bad(name, "system|code")
        case [system, code]:
            return TokenTerm(system, code or None)
        case _:
            raise bad(name, "system|code")


def _reference(name: str, text: str, targets: tuple[str, ...], base: str) -> ReferenceTerm:
    if base and text.startswith(base.rstrip("/") + "/"):
        text = text[len(base.rstrip("/")) + 1 :]
    if CANONICAL in targets and _ADDRESS.fullmatch(text):
        return ReferenceTerm("", text)
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise bad(name, "Type/id | id")
    kinds = tuple(kind for kind in targets if kind != CANONICAL)
    kind = found[1] or (kinds[0] if len(kinds) == 1 and kinds == targets else "")
    if kind and kinds and kind not in kinds:
        raise bad(name, "type")
    return ReferenceTerm(kind, found[2])


def _id(name: str, text: str) -> IdTerm:
    if _ID.fullmatch(text) is None:
        raise bad(name, "id")
    return IdTerm(text)


def _date(name: str, part: str) -> DateTerm:
    found = _DATE.fullmatch(part)
    covered = span(found[2]) if found else None
    if found is None or covered is None:
        raise bad(name, "YYYY[-MM[-DD[Thh:mm[:ss][Z|+hh:mm]]]]")
    if found[1] == "ap":
        raise Problem("FHIR-041", where=f"http.{name}", name=f"{name}=ap")
    return DateTerm(found[1] or "eq", *covered)  # type: ignore[arg-type]  # one of the prefixes


def parts(text: str, mark: str, name: str) -> list[str]:
    """Return ``text`` cut at each ``mark`` that no backslash escapes, the escapes still in."""
    return list(_cut(text, _SPLIT[mark], name))


def _cut(text: str, split: re.Pattern[str], name: str) -> Iterator[str]:
    at = 0
    while True:
        found = split.match(text, at)
        if found is None:
            raise bad(name, "\\")
        yield found[1]
        if found.end() == found.end(1):
            return
        at = found.end()


def plain(text: str, name: str) -> str:
    r"""Return ``text`` without its escapes; only ``\,`` ``\|`` ``\$`` and ``\\`` are known."""
    if re.search(r"\\(?![,|$\\])", re.sub(r"\\[,|$\\]", "", text)):
        raise bad(name, "\\")
    return re.sub(r"\\([,|$\\])", r"\1", text)


def bad(name: str, reason: str) -> Problem:
    """Return the problem of a value that is not right; ``reason`` says what would be."""
    shown = name[:64] if name.isascii() and name.isprintable() else "?"
    return Problem("FHIR-042", where=f"http.{shown}", name=shown, reason=reason)
