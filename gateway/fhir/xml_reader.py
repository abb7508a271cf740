"""A resource in XML read strictly, in one pass, into the JSON document that the gate checks.

Refused before anything is built of it: DOCTYPE and with it every entity, processing instructions, other encodings than
UTF-8, text beside elements, more than `MAX_DEPTH` levels; then what the definitions do not know, by its path. The
narrative is kept byte for byte: what it may hold is `narrative`'s matter. Nothing is fetched: expat cannot.
Source: FHIR R4 xml.html, XML 1.0; docs/decisions/0119-xml-by-the-definitions.md.
"""

from __future__ import annotations

import re
from decimal import InvalidOperation
from typing import Any
from xml.parsers import expat

from gateway.fhir import definitions
from gateway.fhir.codec import Json, dump_exact, number, whole
from gateway.fhir.problem import Problem
from gateway.fhir.shapes import MAX_ITEMS
from gateway.fhir.strict_json import MAX_DEPTH, MAX_DIGITS
from gateway.fhir.wire import shown
from gateway.fhir.xml_writer import FHIR, XHTML, attributes_of, children_of

_SCHEMA = "http://www.w3.org/2001/XMLSchema-instance schemaLocation"
"""Says where a schema is; allowed at the top, and ignored (R4 xml.html)."""
_WHOLE = frozenset({"integer", "unsignedInt", "positiveInt"})
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BOOLEAN = {"true": True, "false": False}


def to_json(body: bytes) -> bytes:
    """Return the resource in ``body`` as JSON, not yet checked against R4.

    Raises Problem FHIR-075 (not XML, or what XML may not hold here), FHIR-004 (depth), FHIR-006 (kind), FHIR-010
    (element), FHIR-076 (attribute), FHIR-077 (order), FHIR-023 (too long), FHIR-015 (empty), each with its FHIRPath.
    """
    return dump_exact(_Reader(body).read())


class _Frame:
    """An element that is open: its ``type``, where it is, what it became, and the place of its last child.

    ``name`` and ``many`` say how it stands in its parent; ``value`` is a primitive's, None where it has none;
    ``lists`` are the names of its lists of primitives.
    """

    __slots__ = ("last", "lists", "many", "name", "node", "place", "primitive", "type", "value", "where")

    def __init__(self, type_: str, where: str, *, name: str = "", many: bool = False, primitive: bool = False) -> None:
        self.type, self.where, self.name, self.many, self.primitive = type_, where, name, many, primitive
        self.node: Json = {}
        self.value: Any = None
        self.place, self.last = -1, ""
        self.lists: list[str] = []

    @property
    def path(self) -> str:
        """Return the type that its children are looked up in."""
        return "Element" if self.primitive else self.type


class _Reader:
    """Reads one document."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.open: list[_Frame] = []
        self.result: Json = {}
        self.inside, self.began = 0, 0
        parser = expat.ParserCreate("UTF-8", " ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler, parser.XmlDeclHandler = self.text, self.declared
        parser.StartDoctypeDeclHandler = lambda *_: self.refuse("a DOCTYPE is not allowed")
        parser.ProcessingInstructionHandler = lambda *_: self.refuse("a processing instruction is not allowed")
        self.parser = parser

    def read(self) -> Json:
        """Return the document."""
        try:
            self.parser.Parse(self.body, True)
        except expat.ExpatError as error:
            raise Problem("FHIR-075", reason=f"line {error.lineno} column {error.offset + 1}") from None
        return self.result

    def refuse(self, reason: str) -> None:
        raise Problem("FHIR-075", reason=reason, where=self.open[-1].where if self.open else "")

    def declared(self, version: str, encoding: str | None, _: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() not in ("utf-8", "utf8"):
            self.refuse("XML 1.0 in UTF-8 is expected")

    def text(self, data: str) -> None:
        if not self.inside and not data.isspace():
            self.refuse("there is text beside elements")

    def start(self, full: str, attributes: dict[str, str]) -> None:
        namespace, _, name = full.rpartition(" ")
        if len(self.open) + self.inside >= MAX_DEPTH:
            raise Problem("FHIR-004", limit=MAX_DEPTH)
        if self.inside:
            self.inside += 1
            return
        parent = self.open[-1] if self.open else None
        if namespace == FHIR and (parent is None or parent.type == "Resource"):
            frame = self.resource(name, parent)
        elif parent is not None and parent.type != "Resource":
            frame = self.child(parent, name, namespace)
        else:
            raise Problem("FHIR-075", reason=f"the namespace {FHIR} is expected", where=parent.where if parent else "")
        self.open.append(frame)
        if frame.type == "xhtml":
            self.inside, self.began = 1, self.parser.CurrentByteIndex
            return
        self.attributes(frame, attributes)

    def resource(self, name: str, parent: _Frame | None) -> _Frame:
        if name not in definitions.kinds():
            raise Problem("FHIR-006", kind=shown(name), where=parent.where if parent else "")
        if parent is not None and parent.node:
            raise Problem("FHIR-077", name=name, where=parent.where)
        frame = _Frame(name, parent.where if parent else name)
        frame.node["resourceType"] = name
        return frame

    def child(self, parent: _Frame, name: str, namespace: str) -> _Frame:
        found = children_of(parent.path).get(name)
        if found is None or namespace != (XHTML if found[2] == "xhtml" else FHIR):
            raise Problem("FHIR-010", type=parent.type, name=shown(name), where=parent.where)
        place, element, kind = found
        again = parent.last == name
        if place < parent.place or (again and not element.many):
            raise Problem("FHIR-077", name=name, where=parent.where)
        parent.place, parent.last = place, name
        many = len(parent.node.get(name, ())) if element.many else 0
        if many >= MAX_ITEMS:
            raise Problem("FHIR-023", where=parent.where, reason=f"a list has at most {MAX_ITEMS} items")
        at = f"[{many}]" if element.many else ""
        primitive = definitions.is_primitive(kind)
        return _Frame(kind, f"{parent.where}.{element.name}{at}", name=name, many=element.many, primitive=primitive)

    def attributes(self, frame: _Frame, given: dict[str, str]) -> None:
        allowed = attributes_of(frame.path) if frame.type != "Resource" else frozenset()
        for name, value in given.items():
            if name in allowed:
                frame.node[name] = value
            elif frame.primitive and name == "value":
                frame.value = _value(frame.type, value)
            elif name != _SCHEMA or len(self.open) > 1:
                raise Problem("FHIR-076", name=shown(name.rpartition(" ")[2]), where=frame.where)
            if not value:
                raise Problem("FHIR-015", where=frame.where)

    def end(self, _: str) -> None:
        if self.inside:
            self.inside -= 1
            if self.inside:
                return
            self.open[-1].value = self.kept()
        frame = self.open.pop()
        for name in frame.lists:
            for each in (name, f"_{name}"):
                if not any(item is not None for item in frame.node[each]):
                    del frame.node[each]
        if not frame.node and frame.value is None:
            raise Problem("FHIR-015", where=frame.where)
        if not self.open:
            self.result = frame.node
        elif self.open[-1].type == "Resource" and not frame.name:
            self.open[-1].node = frame.node
        else:
            _attach(self.open[-1], frame)

    def kept(self) -> str:
        """Return the narrative that ends here, as it was sent."""
        at = self.parser.CurrentByteIndex
        # The end of `<div/>` is told behind it, that of `<div></div>` before its last tag.
        stop = self.body.index(b">", at) + 1 if self.body.startswith(b"</", at) else at
        return self.body[self.began : stop].decode()


def _attach(parent: _Frame, frame: _Frame) -> None:
    """Put what ``frame`` became into ``parent``, a primitive's extensions beside its value (R4 json.html#primitive)."""
    name, node = frame.name, parent.node
    if not frame.primitive:
        if frame.many:
            node.setdefault(name, []).append(frame.node)
        else:
            node[name] = frame.node
    elif frame.many:
        if name not in parent.lists:
            parent.lists.append(name)
        node.setdefault(name, []).append(frame.value)
        node.setdefault(f"_{name}", []).append(frame.node or None)
    else:
        if frame.value is not None:
            node[name] = frame.value
        if frame.node:
            node[f"_{name}"] = frame.node


def _value(kind: str, text: str) -> Any:
    """Return ``text`` as JSON writes a value of ``kind``; as text where it is none: the gate will tell."""
    if kind == "boolean":
        return _BOOLEAN.get(text, text)
    if len(text) > MAX_DIGITS:
        return text
    if (kind in _WHOLE or kind == "decimal") and _INTEGER.fullmatch(text):
        return whole(text)
    if kind == "decimal" and _DECIMAL.fullmatch(text):
        try:
            return number(text)
        except InvalidOperation:  # an exponent of twenty digits
            return text
    return text
