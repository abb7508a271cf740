"""Values, conditions and loops of a map as Python expression trees; used by `generate`.

Beginnings of paths (`data`, `data.patient`) are read once a scope: the function's head, or the head of a loop's body.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.formats.record import DELETE
from gateway.mapping import ir, quote, reading
from gateway.mapping.fields import Fields, Position
from gateway.mapping.transforms import SIGNATURES
from gateway.mapping.values import CHECKS, Bad, Unmapped

_HELPERS: Final[dict[str, Any]] = {
    name: getattr(reading, name)
    for name in ("is_filled", "first", "fill", "items", "entries", "at", "repetitions",
                 "soft", "text_of", "is_true", "count", "orders")
}  # fmt: skip
_ORDER: Final = frozenset({"<", "<=", ">", ">="})


class Namespace:
    """Names of one generated function: its globals, and locals that nobody else uses."""

    def __init__(self) -> None:
        """Begin with the helpers."""
        self.names: dict[str, Any] = {
            **_HELPERS,
            "Bad": Bad,
            "Unmapped": Unmapped,
            "DELETE": DELETE,
            "__builtins__": _BUILTINS,
        }
        self._count = 0

    def local(self, prefix: str) -> str:
        """Return a new local."""
        self._count += 1
        return f"{prefix}{self._count}"

    def bind(self, prefix: str, value: Any) -> str:
        """Return a global that holds ``value``."""
        for known, other in self.names.items():
            if other is value:
                return known
        name = self.local(f"{prefix}_")
        self.names[name] = value
        return name


Slots = dict[tuple[ir.Value, str], int]
"""Values that do not depend on a loop, worked out once a run: value and checker to their number."""
_SHARED: Final = frozenset({"uuid", "ref", "date", "datetime", "instant"})
"""Transforms worth remembering: ids cost a keyed hash, dates a regular expression, and both come out as text.

So are texts that the context alone decides.
"""
_CHECK: Final = "if V is not None: V = C(V)"
_CHECK_TEXT: Final = """
if V is not None and not (V.__class__ is str and V.isprintable() and 0 < len(V) < 1000 and not V.isspace()):
    V = C(V)
"""
_CHECKED: Final = dict.fromkeys(("string", "markdown"), _CHECK_TEXT)
"""What asks the checker only for what is not plainly good: most leaves are short texts."""
_BUILTINS: Final = {"len": len, "enumerate": enumerate, "dict": dict, "list": list, "str": str}


@dataclass
class _Scope:
    """One level: statements at its head, and the beginnings read there."""

    head: list[ast.stmt] = field(default_factory=list)
    known: dict[tuple[str | int, ...], str] = field(default_factory=dict)


class Expressions:
    """Expressions of one function."""

    def __init__(self, program: ir.Program, space: Namespace, fields: dict[str, Fields]) -> None:
        """Hold the map, the function's names, and what the whole map reads of segments, by their name."""
        self.program = program
        self.space = space
        self.fields = fields
        self.scopes: dict[str, _Scope] = {"": _Scope()}
        self.kinds: dict[str, ir.Loop] = {}

    def head(self) -> list[ast.stmt]:
        """Return the statements at the function's head."""
        return self.scopes[""].head

    def loop(self, loop: ir.Loop, body: Callable[[], list[ast.stmt]]) -> list[ast.stmt]:
        """Return ``body`` for each item that ``loop`` walks over."""
        line, name = loop.line, loop.name
        scope = self.scopes[name] = _Scope()
        self.kinds[name] = loop
        over = self._over(loop)
        inside = body()
        return quote.statements(self._pattern(loop), line, I=f"i_{name}", X=name, OVER=over, BODY=scope.head + inside)

    @staticmethod
    def _pattern(loop: ir.Loop) -> str:
        if loop.kind == "json":
            return "for I, X in enumerate(OVER):\n    if X is None or X == '': continue\n    BODY"
        if loop.kind == "repetition":
            return "for I, X in enumerate(OVER, 1): BODY"
        if loop.kind == "segment":
            return "for X in OVER:\n    I = X.number\n    BODY"
        if loop.kind == "entries":
            return "for X in OVER:\n    I = X['key']\n    BODY"
        return "for I, X in enumerate(OVER): BODY"

    def _over(self, loop: ir.Loop) -> ast.expr:
        line, access = loop.line, loop.over
        if loop.kind == "resources":
            return quote.expression("run.references()", line)
        if isinstance(access, ir.V2Path):
            if loop.kind == "segment":
                return self._segments("run.segments(KEY, NAME, PICKED)", access, line)
            return quote.expression(
                "repetitions(SEGMENT, INDEX, PICKED)", line,
                SEGMENT=self._segment(access, line),
                INDEX=quote.constant(access.index, line),
                PICKED=self._bound(access.repetition, line),
            )  # fmt: skip
        return quote.expression(
            f"{loop.kind if loop.kind == 'entries' else 'items'}(V)", line, V=self.read(access, line)
        )

    def spots(self, names: Sequence[str], line: int) -> ast.expr:
        """Return the positions of the loops ``names``."""
        return quote.row([quote.name(f"i_{name}", line) for name in names], line)

    def read(self, access: ir.Access, line: int) -> ast.expr:
        """Return what one path reads."""
        if isinstance(access, ir.Constant):
            return quote.constant(access.value, line)
        if isinstance(access, ir.FromContext):
            return ast.Attribute(quote.name("run", line), access.name, ast.Load(), lineno=line, col_offset=0,
                                 end_lineno=line, end_col_offset=0)  # fmt: skip
        if isinstance(access, ir.JsonPath):
            return self._json(access, line)
        value = self._v2(access, line)
        return quote.expression(
            "run.gone(PLACE, SPOTS) if (V := READ) is DELETE else V", line,
            V=self.space.local("d"), READ=value,
            PLACE=self.space.bind("P", access.place), SPOTS=self.spots(access.place.spots, line),
        )  # fmt: skip

    def _json(self, access: ir.JsonPath, line: int) -> ast.expr:
        if not access.keys:
            return quote.name(access.root or "body", line)
        *before, last = access.keys
        if isinstance(last, int):
            inner = ir.JsonPath(access.root, tuple(before), access.place, access.field)
            return quote.expression("at(V, N)", line, V=self._json(inner, line), N=quote.constant(last, line))
        base = self._beginning(access, tuple(before), line)
        return quote.expression("BASE.get(KEY)", line, BASE=base, KEY=quote.constant(last, line))

    def _beginning(self, access: ir.JsonPath, keys: tuple[str | int, ...], line: int) -> str:
        """Return the local that holds the object at ``keys``, read once at the head of its root's scope."""
        root = access.root
        if not keys and not root:
            return "body"
        if root.startswith("s_"):
            return self._scored(root, line)
        scope = self.scopes[root]
        if keys in scope.known:
            return scope.known[keys]
        place = _cut(access, len(access.keys) - len(keys))
        inner = ir.JsonPath(root, keys, place, access.field)
        value = self._json(inner, line)
        name = scope.known[keys] = self.space.local("p")
        scope.head += quote.statements(
            "P = V\nif P.__class__ is not dict: P = run.shape(P, PLACE, SPOTS)", line,
            P=name, V=value, PLACE=self.space.bind("P", place), SPOTS=self.spots(place.spots, line),
        )  # fmt: skip
        return name

    def _scored(self, root: str, line: int) -> str:
        scope = self.scopes[""]
        key = (root,)
        if key not in scope.known:
            scope.known[key] = root
            scope.head += quote.statements("S = run.scores[K]", line, S=root, K=quote.constant(root, line))
        return root

    def _v2(self, access: ir.V2Path, line: int) -> ast.expr:
        number, sub = quote.constant(access.component, line), quote.constant(access.subcomponent, line)
        loop = self.kinds.get(access.root)
        if loop is not None and loop.kind == "repetition":
            return quote.expression("body.part(X, N, S)", line, X=access.root, N=number, S=sub)
        if not access.index:
            return self._segment(access, line)
        fields = self.fields.setdefault(access.segment, Fields())
        place = Position(access.index, access.repetition, access.component, access.subcomponent)
        row = self._row(access, fields, line)
        return quote.expression("ROW[N]", line, ROW=row, N=quote.constant(fields.number(place), line))

    def _row(self, access: ir.V2Path, fields: Fields, line: int) -> str:
        """Return the local that holds the values of a segment, read at the head of its root's scope."""
        scope = self.scopes[access.root]
        key = ("row", access.segment, str(access.picked) if not access.root else "")
        if key not in scope.known:
            scope.known[key] = self.space.local("r")
            scope.head += quote.statements(
                "R = F.of(SEGMENT)", line, R=scope.known[key], F=self.space.bind("F", fields),
                SEGMENT=self._segment(access, line),
            )  # fmt: skip
        return scope.known[key]

    def _segment(self, access: ir.V2Path, line: int) -> ast.expr:
        if access.root:
            return quote.name(access.root, line)
        return self._segments("run.segment(KEY, NAME, PICKED)", access, line)

    def _segments(self, pattern: str, access: ir.V2Path, line: int) -> ast.expr:
        """Return a call that finds segments once a run: ``KEY`` is the same for the same selector."""
        key = quote.constant(f"{access.segment} {access.picked}", line)
        name = quote.constant(access.segment, line)
        return quote.expression(pattern, line, KEY=key, NAME=name, PICKED=self._bound(access.picked, line))

    def _bound(self, value: object, line: int) -> ast.expr:
        return quote.constant(None, line) if value is None else quote.name(self.space.bind("G", value), line)

    def operands(self, value: ir.Value, line: int) -> ast.expr:
        """Return the first filled operand."""
        found = [self._operand(one, line) for one in value.operands]
        return found[0] if len(found) == 1 else quote.call("first", found, line)

    def _operand(self, operand: ir.Access | ir.Template, line: int) -> ast.expr:
        if not isinstance(operand, ir.Template):
            return self.read(operand, line)
        fixed = frozenset(n for n, part in enumerate(operand.parts) if isinstance(part, ir.FromContext))
        if len(fixed) == len(operand.parts):
            fixed = frozenset()
        return quote.expression(
            "fill(PATTERN, PARTS, FIXED)", line,
            PATTERN=quote.constant(operand.pattern, line),
            PARTS=quote.row([self.read(part, line) for part in operand.parts], line),
            FIXED=self._bound(fixed, line),
        )  # fmt: skip

    def raw(self, value: ir.Value, line: int) -> ast.expr:
        """Return the source value as an issue tells of it; None for a text of several."""
        if len(value.operands) != 1 or isinstance(value.operands[0], ir.Template):
            return quote.constant(None, line)
        return self.operands(value, line)

    def check_of(self, leaf: ir.Leaf) -> Callable[[Any], Any]:
        """Return the checker of a leaf's type."""
        one = CHECKS[leaf.check]
        return (lambda values: reading.checked_list(one, values)) if leaf.is_list else one

    def chain(self, leaf: ir.Leaf, out: str, check: str, unmapped: str, fault: dict[str, quote.Part]) -> list[ast.stmt]:
        """Return the statements that read a leaf's value into ``out``, through its transforms and its checker.

        ``unmapped`` is how a code that a table lacks is told where more transforms follow, with ``fault`` filled in.
        """
        line = leaf.line
        statements = quote.statements("V = E", line, V=out, E=self.operands(leaf.value, line))
        if not leaf.value.calls:
            if not check:
                return statements + quote.statements("if V == '': V = None", line, V=out)
            return statements + quote.statements(_CHECKED.get(leaf.check, _CHECK), line, V=out, C=check)
        for call in leaf.value.calls:
            step = quote.statements("V = E", line, V=out, E=self.call(call, quote.name(out, line), line))
            if call.table is not None and call is not leaf.value.calls[-1]:
                step = quote.statements(unmapped, line, V=out, BODY=step, C=quote.constant(None, line), **fault)
            if SIGNATURES[call.name].eats_empty:
                statements += step
            else:
                statements += quote.statements("if V is None or V == '': V = None\nelse: STEP", line, V=out, STEP=step)
        if check and not _is_sound(leaf):
            statements += quote.statements(_CHECK, line, V=out, C=check)
        return statements

    @staticmethod
    def slot(leaf: ir.Leaf, slots: Slots) -> int | None:
        """Return the number under which a leaf's value is remembered, None when it is not worth it."""
        calls = leaf.value.calls
        if calls:
            if calls[-1].name not in _SHARED or any(call.table for call in calls):
                return None
        elif not isinstance(leaf.value.operands[0], ir.Template) or not leaf.value.is_constant:
            return None
        if any(isinstance(one, (ir.JsonPath, ir.V2Path)) and one.root for one in leaf.value.accesses()):
            return None
        return slots.setdefault((leaf.value, leaf.check), len(slots))

    def call(self, call: ir.Call, value: ast.expr, line: int) -> ast.expr:
        """Return one transform applied to ``value``."""
        return quote.call(self._function(call, line), [value, *self._arguments(call, line)], line)

    def _function(self, call: ir.Call, line: int) -> ast.expr:
        function = SIGNATURES[call.name].call
        if function is None:
            return quote.expression(f"run.{'ref' if call.name == 'ref' else 'uuid'}", line)
        return quote.name(self.space.bind("T", function), line)

    def _arguments(self, call: ir.Call, line: int) -> list[ast.expr]:
        args = [quote.constant(text, line) for text in call.texts]
        if call.table is not None:
            args.append(quote.name(self.space.bind("TABLE", call.table), line))
        for alternatives in call.values:
            found = [self.read(one, line) for one in alternatives]
            args.append(found[0] if len(found) == 1 else quote.call("first", found, line))
        return args

    def condition(self, condition: ir.Condition, line: int, *, holds: bool = False) -> ast.expr:
        """Return a condition; ``holds`` is the answer of a comparison that cannot be made."""
        if isinstance(condition, ir.Test):
            return self._test(condition, line, holds=holds)
        if condition.op == "not":
            inner = self.condition(condition.parts[0], line, holds=not holds)
            return quote.expression("not V", line, V=inner)
        parts = [self.condition(part, line, holds=holds) for part in condition.parts]
        op = ast.And() if condition.op == "and" else ast.Or()
        return ast.BoolOp(op, parts, lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)

    def _test(self, test: ir.Test, line: int, *, holds: bool) -> ast.expr:
        left = self._side(test.left, line)
        if test.op in ("==", "!="):
            pattern = f"text_of(A) {test.op} B"
            return quote.expression(pattern, line, A=left, B=self._text(test.right, line))
        if test.op in _ORDER:
            return quote.expression(
                "orders(A, B, OP, HOLDS)", line, A=left, B=self._side(test.right, line),
                OP=quote.constant(test.op, line), HOLDS=quote.constant(holds, line),
            )  # fmt: skip
        if test.op in ("in", "in-table"):
            return quote.expression("text_of(A) in CHOICES", line, A=left, CHOICES=self._bound(test.choices, line))
        return quote.expression(_ALONE[test.op], line, A=left)

    def _text(self, value: ir.Value | None, line: int) -> ast.expr:
        """Return a side of a comparison as text, of a literal already worked out."""
        if value is not None and not value.calls and len(value.operands) == 1:
            only = value.operands[0]
            if isinstance(only, ir.Constant):
                return quote.constant(reading.text_of(only.value), line)
        return quote.expression("text_of(A)", line, A=self._side(value, line))

    def _side(self, value: ir.Value | None, line: int) -> ast.expr:
        if value is None:
            return quote.constant(None, line)
        found = self.operands(value, line)
        for call in value.calls:
            found = quote.call("soft", [self._function(call, line), found, *self._arguments(call, line)], line)
        return found


def _is_sound(leaf: ir.Leaf) -> bool:
    """Tell whether the last transform made what the checker would ask for: an id of ours, or the same check."""
    last = leaf.value.calls[-1].name
    if last == "uuid":
        return leaf.check in ("id", "string")
    return not leaf.is_list and SIGNATURES[last].call is CHECKS[leaf.check]


_ALONE: Final = {"truth": "is_true(A)", "exists": "is_filled(A)", "registered": "run.registered(A)"}


def _cut(access: ir.JsonPath, count: int) -> ir.Place:
    """Return the place of ``access`` without its last ``count`` keys."""
    pattern = access.place.pattern
    for key in reversed(access.keys[len(access.keys) - count :]):
        end = f"[{key}]" if isinstance(key, int) else str(key).replace("%", "%%")
        quoted = f"['{end}']"
        pattern = pattern.removesuffix(quoted) if pattern.endswith(quoted) else pattern.removesuffix(end)
        pattern = pattern.removesuffix(".")
    return ir.Place(pattern, access.place.spots)
