"""Find ways around the gate and the hub that the import contract cannot see. Prints `path:line: rule: why`, exits 1.

In: the source trees `gateway/` and `security/`, read as syntax trees, nothing imported. Each rule names who may do
what; everybody else who does it is a finding. A new door needs a line here before it can decide anything by itself.

What would leak without each rule:

- actor, caller: a door that makes up its own caller acts with rights that nobody was granted, under no client's name
- asker: a hub verb that is called for no caller answers for whoever wrote that line
- store, sql: a row read beside the hub leaves undecided, unmasked, and without an entry in the journal
- gate, rules: a second place that decides or masks grows apart from the first, and shows what that one hides
- raw: rows meant for inner actors are whole: they would go out unmasked
- opened: whoever reaches into a held hub has its store and its gate, and all of the above
- renamed, import: a name that this lint cannot follow hides any of these

A line that must break a rule says why, at its end: `# access: <reason>`. One that excuses nothing is a finding too.
Run by tests/tools/test_lint_access.py, which plants each violation. It reads names, not types: it finds slips and
shortcuts, not an author who means to hide one.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

TREES = ("gateway", "security")

DECIDERS = frozenset({"decide", "narrow", "label", "mask", "restore", "forbidden_param", "learn", "security_codes"})
"""Verbs of the gate; `consents`, `version` and `explain` tell a fact, and release nothing."""
RAW_VERBS = frozenset({"current", "find", "changes", "ingest", "ingest_all", "follow", "move", "cursor_of", "warm"})
"""Verbs of the hub for inner actors: unmasked rows, no entry of their own."""
HUB_VERBS = RAW_VERBS - {"warm"} | {
    "read", "vread", "history", "search", "create", "update", "delete", "transaction", "validate",
}  # fmt: skip
STORE_VERBS = frozenset({"read", "read_many", "vread", "search", "history", "commit", "changes"})
STORE_CLASSES = frozenset({"PostgresStore", "HapiStore", "FhirStore"})
GUARDED = STORE_CLASSES | {"Caller", "Gate", "Hub", "demand_inner"}
"""Names that this lint looks for, so they must not be called otherwise."""
INSIDE = frozenset({"_store", "_gate", "_tools", "_decide", "_consents", "_relations"})
"""Attributes by which a held hub or gate would be opened."""
TABLES = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+(?:ONLY\s+)?(?:res|hist|ident|dat|idmap)\b", re.IGNORECASE)

STORE_IMPORTERS = (
    "gateway.store",
    "gateway.hub",
    "gateway.app",
    "gateway.identity",
    "gateway.terminology",
    "gateway.intake.inbox",
    "gateway.delivery.outbox",
    # Words about the database itself: upgrade it, look whether it answers, prove the journal. They read no resource.
    "gateway.cli.db",
    "gateway.cli.checks_database",
    "gateway.cli.audit",
)
ACTORS = ("gateway.intake.pipeline", "gateway.workflow", "gateway.app", "gateway.cli", "security.caller")
CALLERS = ("security.caller", "security.oauth.tokens", "gateway.app.intake_side")
"""Who may make a Caller: from a token, or from a registered sender."""
GATE_IMPORTERS = ("security.gate", "gateway.hub", "gateway.app")
EXCUSE = re.compile(r"#\s*access:\s*\S")
RULE_ROOMS = ("security.access", "security.consent", "security.labels")


class Finding(NamedTuple):
    """One way around: where, which rule, and why it is one."""

    path: Path
    line: int
    rule: str
    why: str

    def __str__(self) -> str:
        """Return the line that is printed."""
        return f"{self.path}:{self.line}: {self.rule}: {self.why}"


def find(root: Path) -> list[Finding]:
    """Return what is found under ``root``, which holds the trees."""
    found: list[Finding] = []
    for tree in TREES:
        for path in sorted((root / tree).rglob("*.py")):
            module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            text = path.read_text("utf-8")
            found += (Finding(path.relative_to(root), *what) for what in _look(module, text, str(path)))
    return found


def _look(module: str, text: str, path: str) -> Iterator[tuple[int, str, str]]:
    excused = {number for number, line in enumerate(text.splitlines(), 1) if EXCUSE.search(line)}
    used = set[int]()
    for node in ast.walk(ast.parse(text, path)):
        line, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        for rule, why in _judge(module, node):
            if here := excused & {line, last}:
                used |= here
            else:
                yield line, rule, why
    for line in sorted(excused - used):
        yield line, "excuse", "this line breaks no rule: take the excuse away"


def _judge(module: str, node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Import(names=names):
            for name in names:
                yield from _imported(module, name.name, "")
        case ast.ImportFrom(module=str(source), names=names):
            for name in names:
                yield from _imported(module, source, name.name)
                if name.name in GUARDED and name.asname not in (None, name.name):
                    yield "renamed", f"{name.name} keeps its name, or its uses are not seen"
        case ast.Call(func=ast.Attribute() as function, args=args):
            yield from _called(module, function)
            yield from _asked(function, args)
        case ast.Call(func=ast.Name(id=name), args=args):
            yield from _made(module, name, args)
        case ast.Attribute(attr=attribute, value=value) if attribute in INSIDE and not _is_self(value):
            yield "opened", f"{attribute} belongs to the hub or the gate"
        case ast.Constant(value=str(text)) if TABLES.search(text) and not _within(module, ("gateway.store",)):
            yield "sql", "the tables of resources are reached through the store alone"


def _imported(module: str, source: str, name: str) -> Iterator[tuple[str, str]]:
    full = f"{source}.{name}" if name else source
    if _within(full, ("gateway.store",)) and not _within(module, STORE_IMPORTERS):
        yield "store", "resources are read and written through the hub"
    if _within(full, ("security.gate",)) and not _within(module, GATE_IMPORTERS):
        yield "gate", "only the hub asks the gate"
    if _within(full, RULE_ROOMS) and not _within(module, ("security.gate", *RULE_ROOMS)):
        yield "rules", "policy, consent and labels are reached through the gate alone"
    if name == "demand_inner" and not _within(module, ("gateway.hub",)):
        yield "raw", "unmasked rows stay with inner actors"


def _called(module: str, function: ast.Attribute) -> Iterator[tuple[str, str]]:
    receiver, verb = _last(function.value), function.attr
    if receiver == "Caller" and verb == "system" and not _within(module, ACTORS):
        yield "actor", "only pipeline, workflow, app and cli act for the gateway itself"
    if receiver.endswith("gate") and verb in DECIDERS and not _within(module, ("gateway.hub", "security.gate")):
        yield "gate", f"{verb}: only the hub asks the gate"
    if receiver.endswith("hub") and verb in RAW_VERBS and not _within(module, _INNER):
        yield "raw", f"{verb} gives unmasked rows to inner actors only"
    if receiver.endswith("store") and verb in STORE_VERBS and not _within(module, _STORE_CALLERS):
        yield "store", f"{verb}: resources are read and written through the hub"
    if verb == "import_module":
        yield "import", "an import that the contract cannot see"


def _asked(function: ast.Attribute, args: list[ast.expr]) -> Iterator[tuple[str, str]]:
    if not _last(function.value).endswith("hub") or function.attr not in HUB_VERBS:
        return
    if not args or not _is_caller(args[0]):
        yield "asker", f"{function.attr} takes the caller first"


def _is_caller(node: ast.expr) -> bool:
    """Tell whether ``node`` is a name that ends in caller, or the making of an inner actor."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr="system")):
            return _last(value) == "Caller"
        case _:
            return _last(node).endswith("caller")


def _made(module: str, name: str, args: list[ast.expr]) -> Iterator[tuple[str, str]]:
    if name == "Caller" and not _within(module, CALLERS):
        yield "caller", "a caller comes from a token or a registered sender"
    if name in STORE_CLASSES and not _within(module, ("gateway.app",)):
        yield "store", "only app builds a store"
    if name == "__import__":
        yield "import", "an import that the contract cannot see"
    if name == "getattr" and len(args) > 1 and isinstance(args[1], ast.Constant) and args[1].value in INSIDE:
        yield "opened", f"{args[1].value} belongs to the hub or the gate"


_INNER = ("gateway.hub", "gateway.app")
_STORE_CALLERS = ("gateway.store", "gateway.hub", "gateway.identity", "gateway.terminology")


def _within(module: str, rooms: Iterable[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def _last(node: ast.expr) -> str:
    """Return the last name of ``self._tools.gate``; "" where it is no name."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def main() -> int:
    """Print the findings of this checkout; return 1 when there is one."""
    findings = find(Path(__file__).resolve().parent.parent)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
