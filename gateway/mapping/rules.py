"""Scalars of a map against its fields, tables and scopes: expressions to `ir.Value`, conditions to `ir.Condition`.

Refused (`Slip`): unknown transforms, tables and paths, each with the nearest known word; wrong arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.mapping import ir, syntax
from gateway.mapping.paths import Paths, Scope
from gateway.mapping.syntax import Slip, near
from gateway.mapping.tables import Table
from gateway.mapping.transforms import SIGNATURES

CONTEXT: Final = frozenset(
    {"organisation", "received", "message", "map", "sha256", "sha1", "size", "original", "contentType", "elder"}
)
"""Names that `$` reaches; `resources` only in `each`."""


class Rules:
    """Resolve the scalars of one map."""

    def __init__(self, paths: Paths, tables: dict[str, Table], is_kind: Callable[[str], bool]) -> None:
        """Hold the map's paths and tables, and who knows R4's resource types; remembers which tables were used."""
        self.paths = paths
        self.is_kind = is_kind
        self.tables = tables
        self.used_tables: set[str] = set()

    def value(self, text: str, scope: Scope) -> ir.Value:
        """Return the value of an expression."""
        return self._value(syntax.expression(text), scope)

    def condition(self, text: str, scope: Scope) -> ir.Condition:
        """Return a condition."""
        return self._condition(syntax.condition(text), scope)

    def access(self, text: str, scope: Scope) -> ir.Access:
        """Return what one path reads."""
        return self._operand(syntax.operands(text).operands[0], scope)

    def _value(self, found: syntax.Expression, scope: Scope) -> ir.Value:
        operands = tuple(self._any_operand(operand, scope) for operand in found.operands)
        return ir.Value(operands, tuple(self._call(pipe, scope) for pipe in found.pipes))

    def _any_operand(self, operand: syntax.Operand | syntax.Template, scope: Scope) -> ir.Access | ir.Template:
        if isinstance(operand, syntax.Template):
            return self._template(operand, scope)
        return self._operand(operand, scope)

    def _operand(self, operand: syntax.Operand | syntax.Template, scope: Scope) -> ir.Access:
        if isinstance(operand, syntax.Literal):
            return ir.Constant(operand.text)
        if isinstance(operand, syntax.FromContext):
            if operand.name not in CONTEXT:
                raise Slip(f"${operand.name} is unknown{near(operand.name, CONTEXT)}")
            return ir.FromContext(operand.name)
        if isinstance(operand, syntax.Template):
            raise Slip("a template cannot stand here")
        return self.paths.resolve(operand.text, scope)

    def _template(self, template: syntax.Template, scope: Scope) -> ir.Access | ir.Template:
        """Return the template; one whose parts are all literals is a literal."""
        pattern = ""
        parts = []
        for part in template.parts:
            access = self._operand(part, scope)
            if isinstance(access, ir.Constant):
                pattern += str(access.value).replace("%", "%%")
            else:
                pattern += "%s"
                parts.append(access)
        return ir.Template(pattern, tuple(parts)) if parts else ir.Constant(pattern.replace("%%", "%"))

    def _call(self, pipe: syntax.Pipe, scope: Scope) -> ir.Call:
        signature = SIGNATURES.get(pipe.name)
        if signature is None:
            raise Slip(f"unknown transform {pipe.name!r}{near(pipe.name, SIGNATURES)}")
        sorts = _sorts(pipe, signature.args)
        texts: list[str] = []
        values: list[tuple[ir.Access, ...]] = []
        table = None
        for sort, text in zip(sorts, pipe.args, strict=True):
            if sort == "table":
                table = self.table(text)
            elif sort == "value":
                values.append(tuple(self._operand(one, scope) for one in syntax.operands(text).operands))
            elif sort == "type" and not self.is_kind(text):
                raise Slip(f"{pipe.name}: {text!r} is no R4 resource")
            else:
                texts.append(text)
        return ir.Call(pipe.name, tuple(texts), table, tuple(values))

    def table(self, name: str) -> Table:
        """Return the table ``name``."""
        table = self.tables.get(name)
        if table is None:
            raise Slip(f"unknown table {name!r}; tables here: {', '.join(self.tables) or 'none'}")
        self.used_tables.add(name)
        return table

    def _condition(self, found: syntax.Condition, scope: Scope) -> ir.Condition:
        if isinstance(found, syntax.Combined):
            return ir.Combined(found.op, tuple(self._condition(part, scope) for part in found.parts))
        left = self._value(found.left, scope)
        right = self._value(found.right, scope) if found.right else None
        if found.op == "in-table":
            return ir.Test("in", left, None, frozenset(self.table(found.choices[0]).rows))
        return ir.Test(found.op, left, right, frozenset(found.choices))


def _sorts(pipe: syntax.Pipe, declared: tuple[str, ...]) -> list[str]:
    """Return the sort of each argument of ``pipe``; `Slip` when they are too few or too many."""
    sorts = [sort.rstrip("?*") for sort in declared]
    if declared and declared[-1].endswith("*"):
        sorts = sorts[:-1] + [sorts[-1]] * max(0, len(pipe.args) - len(sorts) + 1)
    least = sum(not sort.endswith(("?", "*")) for sort in declared)
    if not least <= len(pipe.args) <= len(sorts):
        wanted = ", ".join(declared) or "none"
        raise Slip(f"{pipe.name} takes other arguments ({wanted}); quote a rule with commas inside [ ] or {{ }}")
    return sorts[: len(pipe.args)]
