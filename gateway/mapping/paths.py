"""Source paths of the two dialects: text to `JsonPath` or `V2Path`, each looked up in `source.fields`.

Refused (`Slip`): a path that is no path, one that no field declares (with the nearest ones that do).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.mapping import ir
from gateway.mapping.syntax import Slip

_KEY = re.compile(r"\.?(?P<word>\w+)|\['(?P<quoted>[^'\]]+)'\]|\[(?P<number>\d{1,4})\]|(?P<entries>\{\})")
_V2 = re.compile(
    r"(?:(?P<segment>[A-Z][A-Z0-9]{2})(?:\[(?P<picked>[^\]]+)\])?|(?P<loop>[a-z_]\w*))"
    r"(?:-(?P<index>\d{1,3})(?:\[(?P<repetition>[^\]]+)\])?)?(?:\.(?P<component>\d{1,3})(?:\.(?P<sub>\d{1,3}))?)?",
    re.ASCII,
)
_SELECTOR = re.compile(r"(?P<number>\d{1,4})|(?P<index>\d{1,3})(?:\.(?P<component>\d{1,3}))?=(?P<value>[^=\]]*)")
_HEAD = re.compile(r"[A-Za-z_]\w*")
MAX_ALIASES = 20
"""Most `let` names resolved in one path (design default): a circle is a mistake."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for the beginning of a path, or for a constant."""

    text: str
    is_constant: bool = False


@dataclass(frozen=True, slots=True)
class LoopVar:
    """What an `each` walks over: unique ``name``, the fields' pattern of one step, its place."""

    name: str
    kind: str
    pattern: str
    place: ir.Place


@dataclass(frozen=True, slots=True)
class ScoreVar:
    """The result of a scorer."""

    name: str
    fields: tuple[str, ...]


Name = Alias | LoopVar | ScoreVar
Scope = Mapping[str, Name]


class Paths:
    """Resolve paths of one map against its declared fields."""

    def __init__(self, dialect: Literal["json", "hl7v2"], fields: dict[str, ir.Field]) -> None:
        """Hold the dialect and the declared fields by pattern."""
        self.dialect = dialect
        self.fields = fields
        self.used: set[str] = set()

    def resolve(self, text: str, scope: Scope) -> ir.Access:
        """Return what ``text`` reads."""
        text = self.expand(text, scope)
        if text.startswith("="):
            return ir.Constant(text[1:])
        head = _HEAD.match(text)
        known = scope.get(head[0]) if head else None
        if isinstance(known, ScoreVar):
            return self._score(text, known)
        of_output = isinstance(known, LoopVar) and known.kind == "resources"
        if self.dialect == "json" or of_output:
            return self._json(text, known if isinstance(known, LoopVar) else None)
        return self._v2(text, known if isinstance(known, LoopVar) else None)

    def expand(self, text: str, scope: Scope) -> str:
        """Return ``text`` with the aliases at its beginning written out; a constant begins with `=`."""
        for _ in range(MAX_ALIASES):
            head = _HEAD.match(text)
            known = scope.get(head[0]) if head else None
            if not isinstance(known, Alias) or head is None:
                return text
            rest = text[head.end() :]
            if known.is_constant:
                if rest:
                    raise Slip(f"{head[0]} is a constant, {rest!r} cannot follow it")
                return "=" + known.text
            if known.text == text or (_HEAD.match(known.text) or [""])[0] == head[0]:
                return known.text + rest
            text = known.text + rest
        raise Slip(f"the names in {text!r} go round in a circle")

    def _score(self, text: str, known: ScoreVar) -> ir.JsonPath:
        name, _, member = text.partition(".")
        if member not in known.fields:
            raise Slip(f"{text!r}: a scorer gives {', '.join(known.fields)}")
        return ir.JsonPath(known.name, (member,), ir.Place(text), ir.Field(text, name, "none"))

    def _json(self, text: str, loop: LoopVar | None) -> ir.JsonPath:
        keys = _json_keys(text)
        if loop is None:
            root, pattern, above = "", "", ir.Place("")
        else:
            keys = keys[1:]
            root, pattern, above = loop.name, loop.pattern, loop.place
        place = above.pattern
        for key in keys:
            pattern = _extended(pattern, "[]" if isinstance(key, int) else key)
            if not (loop is not None and loop.kind == "entries"):
                place = _extended(place, f"[{key}]" if isinstance(key, int) else key.replace("%", "%%"))
        return ir.JsonPath(root, tuple(keys), ir.Place(place, above.spots), self._field(pattern))

    def _field(self, pattern: str) -> ir.Field:
        """Return the declared field of ``pattern``; a path above declared ones is a field without a name."""
        known = self.fields.get(pattern)
        if known is None:
            parent = re.sub(r"(\['[^']+'\]|\.\w+)$", "{}.value", pattern)
            known = self.fields.get(parent) if parent != pattern else None
        if known is not None:
            self.used.add(known.path)
            return known
        if f"{pattern}[]" in self.fields:
            self.used.add(f"{pattern}[]")
            return self.fields[f"{pattern}[]"]
        below = tuple(pattern + sign for sign in (".", "[", "{", "-"))
        if any(path.startswith(below) for path in self.fields):
            return ir.Field(pattern, pattern)
        near = difflib.get_close_matches(pattern, self.fields, 2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise Slip(f"{pattern!r} is not among source.fields{hint} (a literal begins with =)")

    def _v2(self, text: str, loop: LoopVar | None) -> ir.V2Path:
        found = _V2.fullmatch(text)
        if found is None or (found["loop"] and loop is None):
            raise Slip(f"{text!r} is no HL7 v2 path such as PID-5.1 or PID-3[5=NI].1 (a literal begins with =)")
        if loop is not None and loop.kind == "repetition" and found["index"]:
            raise Slip(f"{text!r}: {found['loop']} is a repetition, write {found['loop']}.1")
        index = int(found["index"] or 0)
        component, sub = int(found["component"] or 1), int(found["sub"] or 1)
        base = loop.pattern if loop else found["segment"]
        if loop is not None:
            place, spots = loop.place.pattern, loop.place.spots
        else:
            place, spots = found["segment"] + _bracketed(found["picked"]), ()
        end = (f".{component}" if found["component"] else "") + (f".{sub}" if found["sub"] else "")
        suffix = (f"-{index}" if index else "") + end
        place += (f"-{index}" if index else "") + _bracketed(found["repetition"]) + end
        return ir.V2Path(
            root=loop.name if loop else "",
            segment=found["segment"] or "",
            picked=selector(found["picked"]),
            index=index,
            repetition=selector(found["repetition"]),
            component=component,
            subcomponent=sub,
            place=ir.Place(place, spots),
            field=self._v2_field(text, base + suffix),
        )

    def _v2_field(self, text: str, pattern: str) -> ir.Field:
        """Return the declared field: as written with its selectors, as the plain path, or a level above it."""
        names = [text, pattern]
        while "." in pattern:
            pattern = pattern.rsplit(".", 1)[0]
            names.append(pattern)
        for name in names:
            if name in self.fields:
                self.used.add(name)
                return self.fields[name]
        return self._field(pattern)


def _json_keys(text: str) -> list[str | int]:
    keys: list[str | int] = []
    at = 0
    while at < len(text):
        found = _KEY.match(text, at)
        if found is None or (at == 0 and text[0] == ".") or found["entries"]:
            raise Slip(f"{text!r} is no source path (a literal begins with =)")
        number = found["number"]
        keys.append(int(number) if number is not None else found["word"] or found["quoted"])
        at = found.end()
        if at < len(text) and text[at] not in ".[{":
            raise Slip(f"{text!r} is no source path (a literal begins with =)")
    if not keys:
        raise Slip("an empty source path")
    return keys


def _extended(pattern: str, key: str) -> str:
    if key.startswith("["):
        return pattern + key
    if not re.fullmatch(r"\w+", key):
        return f"{pattern}['{key}']"
    return f"{pattern}.{key}" if pattern else key


def _bracketed(text: str | None) -> str:
    return f"[{text}]".replace("%", "%%") if text else ""


def selector(text: str | None) -> ir.Selector | None:
    """Return the selector between brackets; `Slip` when it is none."""
    if text is None:
        return None
    found = _SELECTOR.fullmatch(text)
    if found is None:
        raise Slip(f"[{text}] is no selector: [2] or [5=NI]")
    if found["number"]:
        return ir.Selector(number=int(found["number"]))
    return ir.Selector(index=int(found["index"]), component=int(found["component"] or 1), value=found["value"])
