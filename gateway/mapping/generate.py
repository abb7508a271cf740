"""A checked `ir.Program` to compiled Python functions, one for each resource, check and scorer (mapping.md §3).

Python `ast` nodes whose line number is the map's line, compiled under the map's file name: a traceback shows the map.
Inside one function, beginnings of paths are read once. See `quote` for why nothing of a map is ever executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from gateway.mapping import ir, quote
from gateway.mapping.expressions import Expressions, Namespace, Slots
from gateway.mapping.fields import Fields
from gateway.mapping.runtime import Run

Step = Callable[[Any, Run], None]
_SOUND: Final[dict[str, tuple[str, ...]]] = {
    "elder": ("",),
    "original": ("base64Binary",),
    "sha1": ("base64Binary",),
    "sha256": ("string",),
    "size": ("unsignedInt",),
    "received": ("instant", "dateTime"),
}
"""Context values that are by their making what the checker of these types would ask for."""
_GUARD = "try: BODY\nexcept {} as bad: V = run.fail(R, bad, RAW, SPOTS, POSITIONS, C)"


def generate(program: ir.Program, *, file: str, trace: bool = False) -> list[Step]:
    """Return the steps of a run, each called with the record's body and the `Run`: scores, resources, checks."""
    slots: Slots = {}
    fields: dict[str, Fields] = {}

    def new(title: str, line: int) -> _Function:
        return _Function(program, file, title, line, slots, fields, trace=trace)

    steps = [new(f"score {score.name}", score.line).score(score) for score in program.scores]
    steps += [new(resource.kind, resource.line).resource(resource) for resource in program.resources]
    steps += [new(f"check {check.name}", check.line).check(check) for check in program.checks]
    return steps


class _Made(NamedTuple):
    """How a value is made: statements, then an expression, which counts only if the local ``gate`` is not None.

    A ``gate`` of None means that the value is always there.
    """

    body: list[ast.stmt]
    value: ast.expr
    gate: str | None


class _Function:
    """Build one function: statements in a list, values as trees, loops as nested scopes."""

    def __init__(  # noqa: PLR0913 - what a map's functions share
        self,
        program: ir.Program,
        file: str,
        title: str,
        line: int,
        slots: Slots,
        fields: dict[str, Fields],
        *,
        trace: bool,
    ) -> None:
        self.program = program
        self.file = file
        self.title = title
        self.line = line
        self.trace = trace
        self.space = Namespace()
        self.values = Expressions(program, self.space, fields)
        self.slots = slots
        self.positions: list[str] = []

    def resource(self, resource: ir.Resource) -> Step:
        """Compile one resource, perhaps repeated."""
        line = resource.line

        def one() -> list[ast.stmt]:
            made = self.object(resource.body, kind=resource.kind)
            if not (resource.can_drop or self.trace):
                return made.body + self._if_there(made, "run.resources.append(V)", line)
            begin = quote.statements("run.begin()", line)
            return begin + made.body + quote.statements("run.keep(V)", line, V=self._or_none(made, line))

        return self._compiled(self._repeated(resource.loop, resource.when, one, line))

    def check(self, check: ir.Check) -> Step:
        """Compile one cross-field check."""
        line = check.line

        def one() -> list[ast.stmt]:
            holds = self.values.condition(check.that, line, holds=True)
            spots = self.values.spots(check.at.spots, line)
            constant = self.space.bind("K", check)
            return quote.statements(
                "if not HOLDS: run.check_failed(K, SPOTS)", line, HOLDS=holds, K=constant, SPOTS=spots
            )

        return self._compiled(self._repeated(check.loop, check.when, one, line))

    def score(self, score: ir.Score) -> Step:
        """Compile one scorer's call."""
        line, read = score.line, self.values.read
        none = quote.constant(None, line)
        no = quote.constant(False, line)
        events = quote.constant(0, line)
        for access in score.risk_events:
            events = quote.expression("A + count(V)", line, A=events, V=read(access, line))
        coma, dementia = (
            self.values.condition(one, line) if one else no for one in (score.coma, score.dementia_or_mental)
        )
        args = [
            quote.name(self.space.bind("S", score), line),
            read(score.items, line),
            quote.row([coma, dementia, events], line),
            read(score.total, line) if score.total else none,
            read(score.level, line) if score.level else none,
        ]
        call = quote.call(quote.expression("run.score", line), args, line)
        return self._compiled(quote.statements("CALL", line, CALL=[_expr(call, line)]))

    def _repeated(
        self, loop: ir.Loop | None, when: ir.Condition | None, one: Callable[[], list[ast.stmt]], line: int
    ) -> list[ast.stmt]:
        """Return ``one`` under its condition, inside its loop."""

        def guarded() -> list[ast.stmt]:
            if when is None:
                return one()
            test = self.values.condition(when, line)
            return quote.statements("if TEST: BODY", line, TEST=test, BODY=one())

        return guarded() if loop is None else self.values.loop(loop, guarded)

    def _compiled(self, body: list[ast.stmt]) -> Step:
        """Return the function of ``body``, beginnings of paths first."""
        whole = quote.statements("memo = run.memo", self.line) + self.values.head() + body
        definition = quote.statements("def step(body, run): BODY", self.line, BODY=whole)
        definition[0].name = "step"  # type: ignore[attr-defined]
        module = ast.Module(definition, [])
        code = compile(module, self.file, "exec")
        namespace = self.space.names
        exec(code, namespace)  # noqa: S102 - trees that this room built; no text of a map becomes Python
        step: Step = namespace["step"]
        step.__qualname__ = step.__name__ = self.title
        return step

    def node(self, node: ir.Node) -> _Made:
        """Return how a value is made."""
        if isinstance(node, ir.Leaf):
            return self.leaf(node)
        if isinstance(node, ir.Items):
            return self.items(node)
        made = self.object(node)
        if node.when is None:
            return made
        out = self.space.local("o")
        line = node.line
        body = made.body + quote.statements("O = V", line, O=out, V=self._or_none(made, line))
        test = self.values.condition(node.when, line)
        guarded = quote.statements("O = None\nif TEST: BODY", line, O=out, TEST=test, BODY=body)
        return _Made(guarded, quote.name(out, line), out)

    def object(self, node: ir.Object, *, kind: str = "") -> _Made:
        """Return how an object is made; it is not there when all that is not constant is empty."""
        line = node.line
        body: list[ast.stmt] = []
        children: list[tuple[str, _Made]] = []
        for child in node.children:
            made = self.node(child.node)
            body += made.body
            children.append((child.name, made))
        moving = [(name, made) for name, made in children if made.gate is not None]
        gates = {made.gate for _, made in moving if made.gate is not None}
        lead = [("resourceType", quote.constant(kind, line))] if kind else []
        there = {name for name, made in children if made.gate is None or len(gates) == 1}
        if len(gates) <= 1 and all(there.intersection(group) for group in node.needed):
            # With one thing that decides, the object is written where it is used.
            whole = quote.record([*lead, *((name, made.value) for name, made in children)], line)
            return _Made(body, whole, gates.pop() if gates else None)
        out = self.space.local("o")
        build = self._assembled(children, lead, out, line) + self._complete(node, children)
        if not moving:
            return _Made(body + build, quote.name(out, line), None)
        body += quote.statements(
            "if EMPTY: O = None\nelse: BUILD", line, EMPTY=_all_none(sorted(gates), line), O=out, BUILD=build
        )
        return _Made(body, quote.name(out, line), out)

    def _assembled(
        self, children: Sequence[tuple[str, _Made]], lead: list[tuple[str, ast.expr]], out: str, line: int
    ) -> list[ast.stmt]:
        """Return the statements that put an object together in the map's order."""
        rest = list(children)
        while rest and rest[0][1].gate is None:
            name, made = rest.pop(0)
            lead.append((name, made.value))
        build = quote.statements("O = D", line, O=out, D=quote.record(lead, line))
        for name, made in rest:
            key = quote.constant(name, line)
            build += self._if_there(made, "O[K] = V", line, O=out, K=key)
        return build

    @staticmethod
    def _if_there(made: _Made, statement: str, line: int, **parts: quote.Part) -> list[ast.stmt]:
        """Return ``statement`` with the value V, done only when it is there."""
        then = quote.statements(statement, line, V=made.value, **parts)
        if made.gate is None:
            return then
        return quote.statements("if G is not None: THEN", line, G=made.gate, THEN=then)

    @staticmethod
    def _or_none(made: _Made, line: int) -> ast.expr:
        if made.gate is None or (isinstance(made.value, ast.Name) and made.value.id == made.gate):
            return made.value
        return quote.expression("None if G is None else V", line, G=made.gate, V=made.value)

    def _complete(self, node: ir.Object, children: Sequence[tuple[str, _Made]]) -> list[ast.stmt]:
        """Return the statements that ask for required children."""
        gates = {name: made.gate for name, made in children}
        asked: list[ast.stmt] = []
        for group in node.needed:
            wanted = [gates[name] for name in group if name in gates]
            open_ = [gate for gate in wanted if gate is not None]
            if len(open_) < len(wanted):
                continue
            asked += quote.statements(
                "if EMPTY: run.incomplete(TARGET, POSITIONS, NAMES, LINE)",
                node.line,
                EMPTY=_all_none(open_, node.line),
                TARGET=quote.constant(node.target, node.line),
                POSITIONS=self._places(node.target, node.line),
                NAMES=quote.constant(group, node.line),
                LINE=quote.constant(node.line, node.line),
            )
        return asked

    def items(self, node: ir.Items) -> _Made:
        """Return how a list is made; it is not there when it has no item."""
        line = node.line
        if len(node.items) == 1 and node.items[0].loop is None and node.items[0].when is None:
            one = self.node(node.items[0].node)
            return _Made(one.body, quote.expression("[V]", line, V=one.value), one.gate)
        if all(item.loop is None and item.when is None and _is_fixed(item.node) for item in node.items):
            made = [self.node(item.node) for item in node.items]
            if all(one.gate is None for one in made):
                body = [statement for one in made for statement in one.body]
                return _Made(body, quote.array([one.value for one in made], line), None)
        out = self.space.local("l")
        statements = quote.statements("L = []", line, L=out)
        fixed = True
        for item in node.items:
            body, always = self._item(item, out)
            statements += body
            fixed = fixed and always
        if not fixed:
            statements += quote.statements("if not L: L = None", line, L=out)
        return _Made(statements, quote.name(out, line), None if fixed and node.items else out)

    def _item(self, item: ir.Item, out: str) -> tuple[list[ast.stmt], bool]:
        line = item.node.line
        always = item.loop is None and item.when is None

        def one() -> list[ast.stmt]:
            nonlocal always
            made = self.node(item.node)
            always = always and made.gate is None
            return made.body + self._if_there(made, "L.append(V)", line, L=out)

        if item.moves:
            self.positions.append(out)
        statements = self._repeated(item.loop, item.when, one, line)
        if item.moves:
            self.positions.pop()
        return statements, always

    def leaf(self, leaf: ir.Leaf) -> _Made:
        """Return one rule: its value read, transformed and checked, each fault reported."""
        line = leaf.line
        lone = leaf.value.operands[0]
        if leaf.when is None and not leaf.value.calls and len(leaf.value.operands) == 1:
            if isinstance(lone, ir.Constant):
                return _Made([], quote.constant(lone.value, line), None)
            if isinstance(lone, ir.FromContext) and leaf.check in _SOUND.get(lone.name, ()):
                return _Made([], self._reference(self.values.read(lone, line), leaf), None)
        out = self.space.local("v")
        rule = self.program.rules[leaf.rule]
        spots = self.values.spots(rule.source.spots, line)
        positions = self._places(rule.target, line)
        fault: dict[str, quote.Part] = {"R": self.space.bind("R", rule), "SPOTS": spots, "POSITIONS": positions}
        told: dict[str, quote.Part] = {**fault, "RAW": self.values.raw(leaf.value, line)}
        check = self.space.bind("C", self.values.check_of(leaf)) if leaf.check else ""
        reading = self.values.chain(leaf, out, check, _GUARD.format("Unmapped"), told)
        slot = self.values.slot(leaf, self.slots)
        if slot is not None:
            reading += quote.statements("memo[K] = V", line, K=quote.constant(slot, line), V=out)
        statements = quote.statements(
            _GUARD.format("Bad"),
            line,
            V=out,
            BODY=reading,
            C=quote.name(check, line) if check else quote.constant(None, line),
            **told,
        )
        if slot is not None:
            again = "V = memo.get(K)\nif V is None: BODY"
            statements = quote.statements(again, line, V=out, K=quote.constant(slot, line), BODY=statements)
        if leaf.required:
            statements += quote.statements("if V is None: run.missing(R, SPOTS, POSITIONS)", line, V=out, **fault)
        if self.trace:
            statements += quote.statements("if V is not None: run.trace(R, SPOTS, POSITIONS)", line, V=out, **fault)
        if leaf.when is not None:
            test = self.values.condition(leaf.when, line)
            statements = quote.statements("V = None\nif TEST: BODY", line, V=out, TEST=test, BODY=statements)
        constant = leaf.value.is_constant and leaf.when is None and not leaf.value.calls
        return _Made(statements, self._reference(quote.name(out, line), leaf), None if constant else out)

    @staticmethod
    def _reference(value: ast.expr, leaf: ir.Leaf) -> ast.expr:
        return quote.record([("reference", value)], leaf.line) if leaf.as_reference else value

    def _places(self, target: str, line: int) -> ast.expr:
        """Return how many items the open lists of ``target`` hold now."""
        count = target.count("%d")
        names: Iterable[str] = self.positions[len(self.positions) - count :] if count else ()
        return quote.row([quote.expression("len(L)", line, L=name) for name in names], line)


def _is_fixed(node: ir.Node) -> bool:
    """Tell whether nothing of the record decides about ``node``."""
    if isinstance(node, ir.Leaf):
        return node.when is None and node.value.is_constant
    if isinstance(node, ir.Object):
        return node.when is None and all(_is_fixed(child.node) for child in node.children)
    return all(item.loop is None and item.when is None and _is_fixed(item.node) for item in node.items)


def _all_none(gates: Sequence[str], line: int) -> ast.expr:
    tests = [quote.expression("V is None", line, V=gate) for gate in gates]
    if len(tests) == 1:
        return tests[0]
    return ast.BoolOp(ast.And(), tests, lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)


def _expr(value: ast.expr, line: int) -> ast.stmt:
    return ast.Expr(value, lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)
