"""Answers fast: has R4, and has each profile that a resource claims, surely nothing to say, not even a warning?

True means that `validate.faults_of` and `profiles.faults` find nothing; False means nothing: the long way must be
asked. For every set of members that objects of one place have (a layout) one function is generated on first sight
(`layouts`), which walks R4 and the profiles at once. What is rare is left to the long way: contained resources,
extensions of values in a list. Tests hold both against each other.
Source: docs/decisions/0015-one-function-a-layout.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.fhir import definitions, quick
from gateway.fhir.layouts import Layout, Place, function_of, is_known
from gateway.fhir.profile_node import Form, Node
from gateway.fhir.profile_quick import Element, Quick
from gateway.fhir.quick import Check, never
from gateway.fhir.shapes import Member

Json = dict[str, Any]

MAX_LAYOUTS: Final = 8192
"""Functions of one set of profiles (design default), about 40 MB; the maps of this program need some 300.

Objects of further layouts are checked by `quick` and `profile_quick`, three times as slow.
"""
MAX_CLAIMS: Final = 4
"""More profiles are not claimed at once (design default): what does is checked the long way."""


class Straight:
    """The short cut of R4 and a set of profiles; ``trees`` are their nodes by URL, ``kinds`` the kind of each."""

    def __init__(self, trees: Mapping[str, Node], kinds: Mapping[str, str], *, room: int = MAX_LAYOUTS) -> None:
        """Hold the profiles, and ``room`` for so many functions; without profiles no claim is looked at."""
        self.trees = trees
        self.kinds = kinds
        self.made = 0
        self._room = room
        self._quick = Quick(trees)
        self._places: dict[tuple[object, ...], Place] = {}
        self._roots: dict[Layout, Place] = {}

    def is_clean(self, doc: Json) -> bool:
        """Tell whether ``doc``, a resource of any kind, has surely no fault; never raises. About 20 µs for 1 kB."""
        try:
            return self.resource(doc, doc)
        except RecursionError:
            return False

    def resource(self, doc: Any, _: Json) -> bool:
        """Check a resource that stands by itself."""
        kind = doc.get("resourceType") if doc.__class__ is dict else None
        if kind.__class__ is not str:
            return False
        meta = doc.get("meta") if self.trees else None
        claims = meta.get("profile") if meta.__class__ is dict else None
        try:
            key = (kind, *claims) if claims.__class__ is list else (kind,)
            place = self._roots.get(key)
        except TypeError:  # a claim that is no text
            return False
        if place is None:
            place = self._root(key)
        return place is not None and place[(*doc,)](doc, doc)

    def _root(self, key: Layout) -> Place | None:
        """Return the place of resources of a kind with these claims, None when they are not for the short way."""
        kind, *claims = key
        if kind not in definitions.kinds() or len(claims) > MAX_CLAIMS or len(self._roots) > MAX_LAYOUTS:
            return None
        if any(self.kinds.get(claim) != kind for claim in claims):
            return None
        self._roots[key] = place = self.place(kind, None, tuple(self.trees[claim] for claim in claims))
        return place

    def place(self, kind: str, member: Member | None, nodes: tuple[Node, ...]) -> Place:
        """Return the place of objects of the type ``kind`` in ``member``, about which ``nodes`` say more."""
        if member is not None and not (member.rules or member.binding or member.absolute or kind == "Reference"):
            member = None
        said = () if member is None else (member.rules, id(member.binding), member.absolute, member.targets)
        key = (kind, said, *map(id, nodes))
        if key not in self._places:
            self._places[key] = Place(kind, member, nodes, self._check_of)
        return self._places[key]

    def _check_of(self, place: Place, layout: Layout) -> Check:
        """Return the check of objects of ``layout`` at ``place``, kept as long as there is room."""
        if self.made >= self._room:
            return self._general(place)
        made = function_of(self, place, layout)
        if made is not never or is_known(place.kind, layout):
            self.made += 1
            place[layout] = made
        return made

    def element(self, node: Node, forms: tuple[Form, ...]) -> Element:
        """Return the check of an element of a profile that is asked of the whole object."""
        return self._quick.element(node, forms)

    def _general(self, place: Place) -> Check:
        """Return the check of objects of any layout."""
        if place.general is None:
            kind, member = place.kind, place.member
            by_r4 = quick.object_of(kind) if member is None else quick.value_of(member)
            by_profile = [check for node in place.nodes if (check := self._quick.item(node, kind)) is not None]
            place.general = lambda node, resource: (
                by_r4(node, resource) and all(check(node, None, resource) for check in by_profile)
            )
        return place.general


R4: Final = Straight({}, {})
"""The short cut of R4 alone."""
