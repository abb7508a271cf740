"""A checked `ir.Program` to compiled Python functions, one for each resource, check and scorer (mapping.md §3).

Python `ast` nodes whose line number is the map's line, compiled under the map's file name: a traceback shows the map.
Inside one function, beginnings of paths are read once. See `quote` for why nothing of a map is ever executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from gateway.mapping import ir, quote
from gateway.mapping.expressions import Expressions, Namespace, Slots
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

    def new(title: str, line: int) -> _Function:
        return _Function(program, file, title, line, slots, trace=trace)

    steps = [new(f"score {score.name}", score.line).score(score) for score in program.scores]
    steps += [new(resource.kind, resource.line).resource(resource) for resource in program.resources]
    steps += [new(f"check {check.name}", check.line).check(check) for check in program.checks]
    return steps


class _Function:
    """Build one function: statements in a list, values as trees, loops as nested scopes."""

    def __init__(self, program: ir.Program, file: str, title: str, line: int, slots: Slots, *, trace: bool) -> None:
        self.program = program
        self.file = file
        self.title = title
        self.line = line
        self.trace = trace
        self.space = Namespace()
        self.values = Expressions(program, self.space)
        self.slots = slots
        self.positions: list[str] = []

    def resource(self, resource: ir.Resource) -> Step:
        """Compile one resource, perhaps repeated."""
        line = resource.line

        def one() -> list[ast.stmt]:
            body, value = self.object(resource.body, kind=resource.kind)
            if not (resource.can_drop or self.trace):
                body += quote.statements("if V is not None: run.resources.append(V)", line, V=value)
                return body
            begin = quote.statements("run.begin()", line)
            return begin + body + quote.statements("run.keep(V)", line, V=value)

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

    def node(self, node: ir.Node) -> tuple[list[ast.stmt], ast.expr, bool]:
        """Return the statements that make a value, the value, and whether it is always there."""
        if isinstance(node, ir.Leaf):
            return self.leaf(node)
        if isinstance(node, ir.Items):
            return self.items(node)
        if _is_fixed(node):
            return self._fixed(node)
        if node.when is None:
            body, value = self.object(node)
            return body, value, False
        body, value = self.object(node)
        test = self.values.condition(node.when, node.line)
        guarded = quote.statements("V = None\nif TEST: BODY", node.line, V=_id(value), TEST=test, BODY=body)
        return guarded, value, False

    def _fixed(self, node: ir.Object) -> tuple[list[ast.stmt], ast.expr, bool]:
        """Return an object about which the record decides nothing; a context value may still be refused."""
        statements: list[ast.stmt] = []
        made = []
        for child in node.children:
            body, value, there = self.node(child.node)
            statements += body
            made.append((child.name, value, there))
        if all(there for _, _, there in made):
            return statements, quote.record([(name, value) for name, value, _ in made], node.line), True
        body, value = self.object(node)
        return body, value, False

    def object(self, node: ir.Object, *, kind: str = "") -> tuple[list[ast.stmt], ast.expr]:
        """Return statements and local of an object: None when all that is not constant is empty."""
        line = node.line
        statements: list[ast.stmt] = []
        made: list[tuple[str, ast.expr, bool]] = []
        for child in node.children:
            body, value, always = self.node(child.node)
            statements += body
            made.append((child.name, value, always))
        out = self.space.local("o")
        moving = [value for _, value, always in made if not always]
        build = self._assembled(made, kind, out, line) + self._complete(node, made)
        if not moving:
            return statements + build, quote.name(out, line)
        empty = _all_none(moving, line)
        return statements + quote.statements(
            "if EMPTY: O = None\nelse: BUILD", line, EMPTY=empty, O=out, BUILD=build
        ), quote.name(out, line)

    def _assembled(self, made: Sequence[tuple[str, ast.expr, bool]], kind: str, out: str, line: int) -> list[ast.stmt]:
        """Return the statements that put an object together in the map's order."""
        lead = [("resourceType", quote.constant(kind, line))] if kind else []
        rest = list(made)
        while rest and rest[0][2]:
            lead.append((rest[0][0], rest[0][1]))
            rest.pop(0)
        build = quote.statements("O = D", line, O=out, D=quote.record(lead, line))
        for name, value, always in rest:
            key = quote.constant(name, line)
            pattern = "O[K] = V" if always else "if V is not None: O[K] = V"
            build += quote.statements(pattern, line, O=out, K=key, V=value)
        return build

    def _complete(self, node: ir.Object, made: Sequence[tuple[str, ast.expr, bool]]) -> list[ast.stmt]:
        """Return the statements that ask for required children."""
        always = {name for name, _, there in made if there}
        local = {name: value for name, value, _ in made}
        asked: list[ast.stmt] = []
        for group in node.needed:
            if always.intersection(group):
                continue
            asked += quote.statements(
                "if EMPTY: run.incomplete(TARGET, POSITIONS, NAMES, LINE)",
                node.line,
                EMPTY=_all_none([local[name] for name in group], node.line),
                TARGET=quote.constant(node.target, node.line),
                POSITIONS=self._places(node.target, node.line),
                NAMES=quote.constant(group, node.line),
                LINE=quote.constant(node.line, node.line),
            )
        return asked

    def items(self, node: ir.Items) -> tuple[list[ast.stmt], ast.expr, bool]:
        """Return a list element; None when it has no item."""
        line = node.line
        if len(node.items) == 1 and node.items[0].loop is None and node.items[0].when is None:
            body, value, always = self.node(node.items[0].node)
            one = quote.expression("[V]", line, V=value)
            if always:
                return body, one, True
            out = self.space.local("l")
            body += quote.statements("L = None if V is None else [V]", line, L=out, V=value)
            return body, quote.name(out, line), False
        out = self.space.local("l")
        statements = quote.statements("L = []", line, L=out)
        fixed = True
        for item in node.items:
            body, always = self._item(item, out)
            statements += body
            fixed = fixed and always
        if not fixed:
            statements += quote.statements("if not L: L = None", line, L=out)
        return statements, quote.name(out, line), fixed and bool(node.items)

    def _item(self, item: ir.Item, out: str) -> tuple[list[ast.stmt], bool]:
        line = item.node.line
        always = item.loop is None and item.when is None

        def one() -> list[ast.stmt]:
            nonlocal always
            body, value, there = self.node(item.node)
            always = always and there
            pattern = "L.append(V)" if there else "if V is not None: L.append(V)"
            return body + quote.statements(pattern, line, L=out, V=value)

        if item.moves:
            self.positions.append(out)
        statements = self._repeated(item.loop, item.when, one, line)
        if item.moves:
            self.positions.pop()
        return statements, always

    def leaf(self, leaf: ir.Leaf) -> tuple[list[ast.stmt], ast.expr, bool]:
        """Return one rule: its value read, transformed and checked, each fault reported."""
        line = leaf.line
        lone = leaf.value.operands[0]
        if leaf.when is None and not leaf.value.calls and len(leaf.value.operands) == 1:
            if isinstance(lone, ir.Constant):
                return [], quote.constant(lone.value, line), True
            if isinstance(lone, ir.FromContext) and leaf.check in _SOUND.get(lone.name, ()):
                return [], self._reference(self.values.read(lone, line), leaf), True
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
        if leaf.as_reference:
            wrapped = self._reference(quote.name(out, line), leaf)
            statements += quote.statements("if V is not None: V = W", line, V=out, W=wrapped)
        if self.trace:
            statements += quote.statements("if V is not None: run.trace(R, SPOTS, POSITIONS)", line, V=out, **fault)
        if leaf.when is not None:
            test = self.values.condition(leaf.when, line)
            statements = quote.statements("V = None\nif TEST: BODY", line, V=out, TEST=test, BODY=statements)
        constant = leaf.value.is_constant and leaf.when is None
        return statements, quote.name(out, line), constant and not leaf.value.calls

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


def _all_none(values: Sequence[ast.expr], line: int) -> ast.expr:
    tests = [quote.expression("V is None", line, V=value) for value in values]
    if len(tests) == 1:
        return tests[0]
    return ast.BoolOp(ast.And(), tests, lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)


def _id(value: ast.expr) -> str:
    if not isinstance(value, ast.Name):
        raise TypeError("an object ends in a local")
    return value.id


def _expr(value: ast.expr, line: int) -> ast.stmt:
    return ast.Expr(value, lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)
