"""Resources of every R4 type that together hold every element and every form of a choice, made from the definitions.

In: a kind and a seed. Out: documents, the same ones for the same seed, at least three a kind. Values are good ones of
their primitive and of a required value set; the rules between elements (invariants) are not kept: they often exclude
what must appear. Datatypes are whole near the top and where one appears first, at their least further down.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from gateway.fhir import definitions
from gateway.fhir.codec import number

Json = dict[str, Any]
LEAST = 3
"""Documents of a kind, however few choices it has."""
WHOLE = 3
"""Levels on which datatypes are whole."""
DEEPEST = 12
"""Levels below which nothing is whole, wherever it appears first: a document may have 64 in all."""
DIV = (
    '<div xmlns="http://www.w3.org/1999/xhtml">出院 <b>小结</b> &amp; 医嘱&#160;<img src="#a" alt="&lt;图&gt;"/></div>'
)
_TEXTS = ("王示兰", "a & b < c > d", 'quoted "so"', "line\nbreak\tand\rtab", "𠮷田 ", " é")
_VALUES: dict[str, tuple[Any, ...]] = {
    "base64Binary": ("QUJD", "QQ=="),
    "boolean": (True, False),
    "canonical": ("http://x.example/a|1", "http://x.example/b?c=d&e=f"),
    "code": ("a-b", "one two"),
    "date": ("2026", "2026-03", "2026-03-04"),
    "dateTime": ("2026", "2026-03-04T08:15:30.120+08:00", "2026-03-04"),
    "decimal": tuple(number(text) for text in ("1.0", "72.50", "-0.0010", "1e2", "1.20E-3", "98765432109876543.21")),
    "id": ("a.b-C9", "x"),
    "instant": ("2026-03-04T08:15:30.120+08:00", "2026-03-04T00:15:30Z"),
    "integer": (-7, 0, 2**31 - 1),
    "markdown": _TEXTS,
    "oid": ("urn:oid:2.16.156.10011",),
    "positiveInt": (1, 2**31 - 1),
    "string": _TEXTS,
    "time": ("08:15:30", "23:59:59.999"),
    "unsignedInt": (0, 12),
    "uri": ("urn:x:y", "http://x.example/?a=b&c=d"),
    "url": ("http://x.example/z", "mailto:a@x.example"),
    "uuid": ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520",),
    "xhtml": (DIV,),
}


def resources(kind: str, *, seed: int = 0) -> Iterator[Json]:
    """Yield documents of ``kind`` that hold each of its elements, and of the datatypes near its top, in every form."""
    maker = _Maker(Random(f"{seed}/{kind}"))  # noqa: S311 - the same ones each time, no secret
    for turn in range(max(LEAST, _most_forms(kind, set()))):
        maker.turn, maker.done = turn, set()
        yield {"resourceType": kind, **maker.object(kind, 0, ())}


def _most_forms(path: str, seen: set[str]) -> int:
    """Return how many forms the widest choice has of the type ``path`` and of what is whole in it."""
    seen.add(path)
    found = 1
    for element in definitions.elements(path).values():
        found = max(found, len(element.types))
        for kind in element.types:
            if kind not in seen and kind not in ("Extension", "Resource") and definitions.is_type(kind):
                found = max(found, _most_forms(kind, seen))
    return found


class _Maker:
    """Makes one document after the other; ``turn`` says which form of a choice."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.turn = 0
        self.done: set[str] = set()
        self.extensions = random.randrange(100)

    def object(self, path: str, depth: int, trail: tuple[str, ...]) -> Json:
        """Return an object of the type ``path``; ``trail`` are the types around it."""
        made: Json = {}
        whole = depth < DEEPEST and (depth < WHOLE or "." in path or path not in self.done)
        self.done.add(path)
        for element in definitions.elements(path).values():
            if not self._wanted(element, path, trail, whole=whole):
                continue
            forms = [*element.json_names()]
            name, kind = forms[self.turn % len(forms)]
            self._put(made, element, name, kind, depth, (*trail, path))
        if not made or set(made) == {"id"}:
            self._least(made, path, depth, trail)
        return made

    def _wanted(self, element: definitions.Element, path: str, trail: tuple[str, ...], *, whole: bool) -> bool:
        if element.name in ("extension", "modifierExtension", "contained"):
            return self.turn == 0 and whole
        if element.min:
            return True
        # What holds its own kind does so once, what does so by a detour too.
        most = 2 if self.turn == 0 and "." in path else 1
        return whole and not all(trail.count(kind) >= most for kind in element.types)

    def _least(self, made: Json, path: str, depth: int, trail: tuple[str, ...]) -> None:
        """Add the first simple element: nothing may be empty."""
        for element in definitions.elements(path).values():
            for name, kind in element.json_names():
                if definitions.is_primitive(kind) and element.name != "id":
                    self._put(made, element, name, kind, depth, trail)
                    return
        for element in definitions.elements(path).values():
            name, kind = next(element.json_names())
            if element.name not in ("id", "extension", "modifierExtension") and kind not in trail:
                self._put(made, element, name, kind, depth, (*trail, path))
                return

    def _put(
        self, made: Json, element: definitions.Element, name: str, kind: str, depth: int, trail: tuple[str, ...]
    ) -> None:
        count = 1 + (self.turn + depth) % 2 if element.many else 1
        if not definitions.is_primitive(kind):
            items = [self._complex(kind, depth, trail) for _ in range(count)]
            made[name] = items if element.many else items[0]
            return
        values = [self._primitive(kind, element.binding) for _ in range(count)]
        attributes = name == "id" or (trail[-1:] == ("Extension",) and name == "url") or kind == "xhtml"
        beside = None if attributes or depth > WHOLE or self.random.random() < 0.7 else self._beside(depth + 1)
        if not element.many:
            made[name] = values[0]
            if beside:
                made[f"_{name}"] = beside
        elif beside:
            made[name], made[f"_{name}"] = [*values, None], [*([None] * count), beside]
        else:
            made[name] = values

    def _complex(self, kind: str, depth: int, trail: tuple[str, ...]) -> Json:
        if kind == "Resource":
            return {"resourceType": "Basic", "id": "c1", "code": {"text": self.random.choice(_TEXTS)}}
        if kind == "Extension":
            return self._extension(depth + 1)
        return self.object(kind, depth + 1, trail)

    def _beside(self, depth: int) -> Json:
        return {"id": "e1", "extension": [self._extension(depth)]}

    def _extension(self, depth: int) -> Json:
        forms = [*definitions.elements("Extension")["value"].json_names()]
        self.extensions += 1
        name, kind = forms[self.extensions % len(forms)]
        value = (
            self._primitive(kind, "")
            if definitions.is_primitive(kind)
            else self.object(kind, max(depth, WHOLE), ("Extension",))
        )
        made = {"id": "x1", "url": "http://x.example/extension?a=b&c"}
        return (
            {**made, "extension": [{"url": "part", name: value}]} if self.extensions % 7 == 0 else {**made, name: value}
        )

    def _primitive(self, kind: str, binding: str) -> Any:
        codes = definitions.codes(binding) if binding and kind == "code" else None
        return self.random.choice(sorted(codes) if codes else _VALUES[kind])
