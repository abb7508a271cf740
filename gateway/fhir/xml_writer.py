"""A resource as XML, by the definitions: elements in their order, primitives as attributes, narrative as it is.

In: a checked document, numbers as written. Out: UTF-8 bytes. `xml_reader` goes the other way; both together lose
nothing but the order of JSON members. Source: FHIR R4 xml.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from gateway.fhir import definitions
from gateway.fhir.codec import Json, dump_exact

FHIR: Final = "http://hl7.org/fhir"
XHTML: Final = "http://www.w3.org/1999/xhtml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
# A blank that is not a space would come back as one (XML 1.0 §3.3.3); the last three are no characters of XML.
_ESCAPES: Final = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
    "\ufffe": "\ufffd",
    "\uffff": "\ufffd",
}
_ESCAPED: Final = re.compile(f"[{''.join(_ESCAPES)}]")


def attributes_of(path: str) -> frozenset[str]:
    """Return the members of the type ``path`` that XML writes as attributes (R4 xml.html: `id`, `Extension.url`)."""
    if path in definitions.kinds():
        return frozenset()
    return frozenset({"id", "url"} if path == "Extension" else {"id"})


@cache
def children_of(path: str) -> dict[str, tuple[int, definitions.Element, str]]:
    """Return (place, element, type) of each form that the type ``path`` writes as a child, by its name."""
    left_out = attributes_of(path)
    return {
        name: (place, element, kind)
        for place, element in enumerate(definitions.elements(path).values())
        for name, kind in element.json_names()
        if name not in left_out
    }


def write(doc: Json, *, pretty: bool = False) -> bytes:
    """Return the resource ``doc`` as XML; ``pretty`` indents everything but the narrative.

    The two code points that XML cannot hold, U+FFFE and U+FFFF, become U+FFFD.
    """
    lines: Iterator[str] = _resource(doc, "\n" if pretty else "", root=True)
    return (_HEAD + "".join(lines)).encode()


def _resource(doc: Json, line: str, *, root: bool = False) -> Iterator[str]:
    kind = str(doc["resourceType"])
    yield f'{line}<{kind} xmlns="{FHIR}">' if root else f"{line}<{kind}>"
    yield from _children(doc, kind, _deeper(line))
    yield f"{line}</{kind}>"


def _children(node: Json, path: str, line: str) -> Iterator[str]:
    for name, (_, element, kind) in children_of(path).items():
        value, beside = node.get(name), node.get(f"_{name}")
        if value is None and beside is None:
            continue
        if not element.many:
            yield from _element(name, kind, value, beside, line)
            continue
        values, besides = value or (), beside or ()
        for at in range(max(len(values), len(besides))):
            yield from _element(name, kind, _at(values, at), _at(besides, at), line)


def _at(items: Any, at: int) -> Any:
    return items[at] if at < len(items) else None


def _element(name: str, kind: str, value: Any, beside: Json | None, line: str) -> Iterator[str]:
    if kind == "xhtml":
        yield f"{line}{value or ''}"
    elif kind == "Resource":
        yield f"{line}<{name}>"
        yield from _resource(value, _deeper(line))
        yield f"{line}</{name}>"
    elif definitions.is_primitive(kind):
        given = "" if value is None else f' value="{_escaped(_literal(value))}"'
        yield from _tagged(name, "Element", beside or {}, line, given)
    else:
        yield from _tagged(name, kind, value, line, "")


def _tagged(name: str, path: str, node: Json, line: str, given: str) -> Iterator[str]:
    written = "".join(f' {each}="{_escaped(str(node[each]))}"' for each in sorted(attributes_of(path)) if each in node)
    inner = "".join(_children(node, path, _deeper(line)))
    yield f"{line}<{name}{written}{given}>{inner}{line}</{name}>" if inner else f"{line}<{name}{written}{given}/>"


def _deeper(line: str) -> str:
    return f"{line}  " if line else ""


def _literal(value: Any) -> str:
    return value if isinstance(value, str) else dump_exact(value).decode()


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)
