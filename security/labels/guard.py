"""The search guard: which search parameters would tell of an element that a role, or this reader of it, does not see.

Source: security.md AZN-07; OWASP API3. The parameters of an element stand in its row of the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.fhir.query import Query, Term, TokenTerm
from security.labels.catalogue import Catalogue


class Guard:
    """Answer for one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._hidden: dict[tuple[str, str, str], bool] = {}

    def forbids(self, role: str, kind: str, param: str, terms: Sequence[Term]) -> bool:
        """Tell whether ``role`` may not search, sort or chain ``kind`` by ``param``.

        The one exception is an exact, full `identifier` token, which tells its holder nothing new.
        """
        row = self._catalogue.kinds.get(kind)
        if role not in self._catalogue.roles or row is None or row.own_only:
            return False
        if kind not in self._catalogue.shown[role]:
            return True
        name = param.partition(":")[0]
        return self._hides(role, kind, name) and not (name == "identifier" and _full(terms))

    def _hides(self, role: str, kind: str, name: str) -> bool:
        """Tell whether ``role`` sees less than all of an element that the parameter ``name`` asks; found out once."""
        key = (role, kind, name)
        hidden = self._hidden.get(key)
        if hidden is None:
            column, elements = self._catalogue.roles.index(role), self._catalogue.kinds[kind].elements.values()
            hidden = any(element.see[column] != "F" for element in elements if name in element.params)
            # A parameter that no element has may be anything a client wrote: it is not kept.
            if any(name in element.params for element in elements):
                self._hidden[key] = hidden
        return hidden

    def beyond_basis(self, kind: str, query: Query) -> bool:
        """Tell whether ``query`` asks ``kind`` for an element that a controller without a basis does not see."""
        row = self._catalogue.kinds.get(kind)
        if row is None or not row.basis:
            return False
        asked = {each.param for each in query.clauses if not (each.param == "identifier" and _full(each.terms))}
        asked.update(key.param for key in query.sort)
        # Of the identifiers it sees only those that it sent.
        outside = (element for name, element in row.elements.items() if name not in row.basis or name == "identifier")
        return any(not asked.isdisjoint(element.params) for element in outside)


def _full(terms: Sequence[Term]) -> bool:
    """Tell whether every term is a whole identifier value."""
    return bool(terms) and all(isinstance(term, TokenTerm) and bool(term.code) for term in terms)
