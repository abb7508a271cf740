"""What one role sees of one kind: the catalogue's column turned into an action for every JSON member.

A view never changes the document: it builds another, or returns the same one when nothing had to go. Narrative,
contained resources and the display of references to what is withheld go with the rest. Source: security.md §3.14.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from security.labels import masks
from security.labels.catalogue import Catalogue, Kind

Doc = dict[str, Any]
Action = Callable[[Any], Any] | None
SUBSETTED: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
MASKED: Final = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]
}
_REFERENCE_KEYS: Final = frozenset({"reference", "type", "identifier", "display", "id", "extension"})
_TOLD: Final = frozenset({"display", "identifier"})
"""What a Reference tells of its target, beside where it is."""
_CODINGS: Final = frozenset({"coding", "valueCoding", "class"})
"""Members that hold Codings."""
_ESCAPE: Final = b"\\u"
"""JSON may write the letters of a member's name so."""
_STRUCTURE: Final = frozenset({"resourceType", "id", "meta"})


def _keep(value: Any) -> Any:
    return value


class View:
    """How documents of one kind are shown.

    ``withheld`` are the kinds of which not even a reference's display may be shown; ``sent``, where given, the only
    identifiers ("system|value") shown of a Patient whose reader has no basis; ``only`` the only elements.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        kind: str,
        role: str,
        *,
        withheld: frozenset[str] = frozenset(),
        sent: frozenset[str] | None = None,
        only: frozenset[str] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._kind: Kind = catalogue.kinds[kind]
        self._role = role
        self._column = catalogue.roles.index(role)
        self._withheld = withheld
        self._sent = sent
        self._only = only
        self._actions: dict[str, Action] = {}
        letters = {element.see[self._column] for element in self._kind.elements.values()}
        self.full = letters == {"F"} and only is None
        """Whether every listed element is shown, so that only displays of withheld kinds may go."""
        self.plain = self.full and not withheld
        """Whether only contained resources can change: each is shown through the row of its own kind."""
        self._strict = not self.full
        self._reached = catalogue.shown[role] - withheld

    @property
    def hidden(self) -> tuple[str, ...]:
        """Return the elements that this view masks or removes, for the record."""
        return tuple(name for name, element in self._kind.elements.items() if self._letter(name, element.see) != "F")

    def touches(self, body: bytes) -> bool:
        """Tell whether the resource in ``body`` may look otherwise through this view; quick, and sure only of a no."""
        return not self.plain or b"contained" in body or _ESCAPE in body

    def hides(self, key: str, value: Any) -> bool:
        """Tell whether the member ``key`` with ``value`` holds anything that this view would not show."""
        action = self._action(key)
        if action is None:
            return True
        element = self._kind.element(key)
        partial = element is not None and self._letter(key, element.see) == "P" and not element.mask
        return partial and action(value) != value

    def removes(self, key: str) -> bool:
        """Tell whether this view shows nothing at all of the member ``key``."""
        return not self.full and self._action(key) is None

    def show(self, doc: Doc) -> Doc:
        """Return ``doc`` as this view shows it."""
        if self.full:
            return self._scrubbed_only(doc)
        shown = {"resourceType": doc["resourceType"]}
        for key, value in doc.items():
            action = self._action(key)
            if action is not None and key != "resourceType":
                self._put(shown, key, action(value))
        shown["meta"] = _tagged(shown.get("meta", {}))
        return shown

    def _scrubbed_only(self, doc: Doc) -> Doc:
        if self.plain and "contained" not in doc:
            return doc
        shown = {key: value if key in _STRUCTURE else self._member(key, value) for key, value in doc.items()}
        if all(shown[key] is doc[key] for key in doc):
            return doc
        shown["meta"] = _tagged(shown.get("meta", {}))
        return {key: value for key, value in shown.items() if value != []}

    def _member(self, key: str, value: Any) -> Any:
        if key == "contained":
            return self._contained(value)
        return self._scrub_codings(value) if key in _CODINGS else self._scrub(value)

    def _put(self, shown: Doc, key: str, value: Any) -> None:
        # A number that its reader sent is no news to it.
        if key not in _STRUCTURE and not (key == "identifier" and self._sent is not None):
            value = self._member(key, value)
        if value or not (value is None or isinstance(value, list | dict)):
            shown[key] = value

    def _action(self, key: str) -> Action:
        if key not in self._actions:
            self._actions[key] = self._resolve(key)
        return self._actions[key]

    def _resolve(self, key: str) -> Action:
        """Return what happens to the member ``key``: None removes it, and whatever is not listed."""
        element = self._kind.element(key)
        if element is None:
            return None
        letter = self._letter(key, element.see)
        if key == "identifier" and self._sent is not None and letter in "FP":
            return self._only_sent
        if letter == "F":
            return _keep
        if letter != "P" or key.startswith("_"):
            return None
        if element.mask:
            return masks.advice(self._catalogue.advice) if element.mask == "advice" else masks.NAMED[element.mask]
        return masks.keeping(element.keep) if element.keep else masks.dropping(element.drop)

    def _letter(self, key: str, see: str) -> str:
        outside = self._only is not None and key.removeprefix("_") not in self._only and key not in _STRUCTURE
        return "X" if outside else see[self._column]

    def _only_sent(self, value: Any) -> Any:
        sent = self._sent or frozenset()
        return [item for item in value if f"{item.get('system', '')}|{item.get('value', '')}" in sent]

    def _contained(self, resources: list[Doc]) -> list[Doc]:
        """Return the contained resources that may be shown, each through the view of its own kind."""
        shown = []
        for resource in resources:
            kind = resource.get("resourceType", "")
            if kind in self._reached:
                view = View(self._catalogue, kind, self._role, withheld=self._withheld)
                shown.append(_untagged(view.show(resource), resource))
        return shown if shown != resources else resources

    def _scrub(self, node: Any) -> Any:
        """Return ``node`` without displays of withheld kinds (and personal numbers in a strict view).

        The same object when nothing had to go; most leaves are short and cost one look.
        """
        kind = node.__class__
        if kind is str:
            return masks.scrub_text(node) if self._strict and len(node) >= masks.LONG_NUMBER else node
        if kind is dict:
            return self._reference(node) if _is_reference(node) else self._scrub_members(node)
        return self._scrub_items(node) if kind is list else node

    def _scrub_members(self, node: Doc) -> Doc:
        shown, longest = node, masks.LONG_NUMBER if self._strict else sys.maxsize
        for key, value in node.items():
            kind = value.__class__
            # Short texts, numbers and truths are what most members are: they stay without a further call.
            if kind is str:
                if len(value) < longest:
                    continue
                new = masks.scrub_text(value)
            elif kind is dict or kind is list:
                new = self._scrub_codings(value) if key in _CODINGS else self._scrub(value)
            else:
                continue
            if new is not value:
                shown = dict(node) if shown is node else shown
                shown[key] = new
        return shown

    def _scrub_codings(self, node: Any) -> Any:
        """Return Codings scrubbed: one with a display alone looks like a Reference and is none."""
        if node.__class__ is list:
            return self._scrub_items(node, self._scrub_codings)
        return self._scrub_members(node) if node.__class__ is dict else node

    def _scrub_items(self, node: list[Any], scrub: Callable[[Any], Any] | None = None) -> list[Any]:
        shown, scrub = node, scrub or self._scrub
        for place, value in enumerate(node):
            new = scrub(value)
            if new is not value:
                shown = list(node) if shown is node else shown
                shown[place] = new
        return shown

    def _reference(self, node: Doc) -> Doc:
        """Return a Reference without what it tells of a resource that is withheld."""
        kind = _target(node)
        gone: frozenset[str] = frozenset()
        if kind in self._withheld or (self._strict and kind not in self._reached):
            gone = _TOLD
        elif self._strict:
            gone = frozenset({"identifier"})
        if gone.isdisjoint(node):
            return node
        return {key: value for key, value in node.items() if key not in gone} or dict(MASKED)


def _is_reference(node: Doc) -> bool:
    # A backbone element may have a member `reference` too (CarePlan.activity): there it is no text.
    if "reference" in node and node["reference"].__class__ is str:
        return True
    return ("display" in node or "identifier" in node) and node.keys() <= _REFERENCE_KEYS


def _target(reference: Mapping[str, Any]) -> str:
    """Return the kind that a Reference points to, "" where it does not say."""
    literal = reference.get("reference", "")
    if isinstance(literal, str) and "/" in literal:
        return literal.split("/")[-4 if "/_history/" in literal else -2]
    return str(reference.get("type", ""))


def _tagged(meta: Mapping[str, Any]) -> Doc:
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != SUBSETTED["code"]]
    return {**meta, "tag": [*tags, dict(SUBSETTED)]}


def _untagged(shown: Doc, original: Doc) -> Doc:
    """Return a contained resource as shown: R4 allows it no meta.tag of its own (dom-4 forbids versions only)."""
    if shown is original or "meta" in original:
        return shown
    return {key: value for key, value in shown.items() if key != "meta"}
