"""The invariants of R4, compiled once per type: each tells whether one object of the type keeps it.

Five rules are held by hand elsewhere, because they speak of the whole document or of XHTML (`_BY_HAND`); one is left
out (`_LEFT_OUT`). Every other rule of every R4 type is compiled. Source: R4 conformance-rules.html#constraints.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gateway.fhir import definitions
from gateway.fhir.definitions import Constraint
from gateway.fhir.evaluate import Run, Scope, compiled
from gateway.fhir.operators import holds
from gateway.fhir.problem import Severity

_BY_HAND = frozenset(
    (
        "dom-3",  # every contained resource is referred to: `references`
        "ref-1",  # a reference `#x` finds its contained resource: `references`
        "txt-1",  # only the XHTML subset of R4: `narrative`
        "txt-2",  # a narrative says something: `narrative`
    )
)
# dom-6 asks for a narrative in every resource; machine-made records have none, and nobody could act on the warning.
_LEFT_OUT = frozenset(("dom-6",))

# Rules about an optional element that forgot to say "if it is there".
_KEPT_WHEN_UNDECIDED = frozenset(("bdl-8", "md-1", "ras-2"))


class Rule(NamedTuple):
    """One invariant: ``run`` decides it on a focus, as ``expression`` says."""

    key: str
    severity: Severity
    human: str
    run: Run
    expression: str

    def broken(self, value: Any, type_: str, scope: Scope) -> bool:
        """Tell whether ``value`` breaks it.

        A rule without an answer is broken when it is an error (HAPI reads R4 so): `system = %ucum` without a system.
        """
        answer = holds(self.run([(value, type_)], scope))
        strict = self.severity == "error" and self.key not in _KEPT_WHEN_UNDECIDED
        return answer is False or (answer is None and strict)


def of_type(path: str) -> tuple[Rule, ...]:
    """Return the rules that an object of the type ``path`` must keep."""
    return _rules(definitions.constraints(path))


def of_element(element: definitions.Element) -> tuple[Rule, ...]:
    """Return the rules that ``element`` adds to those of its type."""
    return _rules(element.constraints)


def _rules(constraints: tuple[Constraint, ...]) -> tuple[Rule, ...]:
    kept = (c for c in constraints if c.key not in _BY_HAND and c.key not in _LEFT_OUT)
    return tuple(Rule(c.key, c.severity, c.human, compiled(c.expression), c.expression) for c in kept)
