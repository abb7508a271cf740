"""The search guard: which search parameters would tell of an element that a role, or this reader of it, does not see.

Source: security.md AZN-07; OWASP API3. The parameters of an element stand in its row of the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.fhir.definitions import search_parameters
from gateway.fhir.query import Clause, Query, StringTerm, Term, TokenTerm
from security.labels.catalogue import Catalogue, Element

_META: Final = frozenset({"_tag", "_profile", "_security", "_source"})
"""Parameters of `meta`."""


class Guard:
    """Answer for one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._hidden: dict[tuple[str, str, str], bool] = {}

    def forbids(self, role: str, kind: str, param: str, terms: Sequence[Term]) -> bool:
        """Tell whether ``role`` may not search, sort or chain ``kind`` by ``param``.

        ``param`` may carry its modifier. The one exception is an exact, full `identifier` token, which tells its holder
        nothing new. A text with digits would find personal numbers, which a partial view blanks out of every text.
        """
        row = self._catalogue.kinds.get(kind)
        if role not in self._catalogue.roles or row is None or row.own_only:
            return False
        if kind not in self._catalogue.shown[role]:
            return True
        name, _, modifier = param.partition(":")
        if self._hides(role, kind, name):
            return not (param == "identifier" and _full(terms))
        if modifier == "identifier":
            # A partial view shows of a reference only where it points.
            return self._partial(role, kind) or not _full(terms)
        return modifier != "exact" and _has_digits(terms) and self._partial(role, kind)

    def _partial(self, role: str, kind: str) -> bool:
        """Tell whether ``role`` sees less than all of resources of ``kind``."""
        column = self._catalogue.roles.index(role)
        return any(element.see[column] != "F" for element in self._catalogue.kinds[kind].elements.values())

    def _hides(self, role: str, kind: str, name: str) -> bool:
        """Tell whether ``role`` sees less than all of an element that the parameter ``name`` asks; found out once."""
        key = (role, kind, name)
        hidden = self._hidden.get(key)
        if hidden is None:
            column, asked = self._catalogue.roles.index(role), self._asked(kind, name)
            hidden = any(element.see[column] != "F" for element in asked)
            # A parameter that no element has may be anything a client wrote: it is not kept.
            if asked:
                self._hidden[key] = hidden
        return hidden

    def _asked(self, kind: str, name: str) -> list[Element]:
        """Return the elements that the parameter ``name`` asks."""
        elements = self._catalogue.kinds[kind].elements
        if name == "_content":
            return list(elements.values())
        whole = "text" if name == "_text" else "meta" if name in _META else ""
        if whole:
            return [elements[whole]]
        parameter = search_parameters(kind).get(name)
        names = {name, *(component.name for component in (parameter.components if parameter else ()))}
        return [element for element in elements.values() if not names.isdisjoint(element.params)]

    def beyond_basis(self, kind: str, query: Query) -> bool:
        """Tell whether ``query`` asks ``kind`` for an element that a controller without a basis does not see."""
        row = self._catalogue.kinds.get(kind)
        if row is None or not row.basis:
            return False
        asked = {each.param for each in query.clauses if not (_is_identifier(each) and _full(each.terms))}
        asked.update(key.param for key in query.sort)
        if not asked.isdisjoint({"_text", "_content"}):
            return True
        # Of the identifiers it sees only those that it sent.
        outside = (element for name, element in row.elements.items() if name not in row.basis or name == "identifier")
        return any(not asked.isdisjoint(element.params) for element in outside)


def _is_identifier(clause: Clause) -> bool:
    return clause.param == "identifier" and not clause.modifier


def _has_digits(terms: Sequence[Term]) -> bool:
    return any(isinstance(term, StringTerm) and any(char.isdigit() for char in term.text) for term in terms)


def _full(terms: Sequence[Term]) -> bool:
    """Tell whether every term is a whole identifier value."""
    return bool(terms) and all(isinstance(term, TokenTerm) and bool(term.code) for term in terms)
