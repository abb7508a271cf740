"""Change the gate in one place at a time and see whether a test of security notices: `python tools/mutate_gate.py`.

Mutates security/gate.py, security/access and security/consent: comparisons, and/or, not, conditions made constant, true
and false, entries of tables, removed statements, returned nothing. pytest collects once; each mutant is put into a
forked process (no file is written) and stops at the first red test. Prints the survivors; exit 1 when one is not listed
in docs/decisions/0096-mutants-of-the-gate.md, which says why this is our own tool.
"""

from __future__ import annotations

import argparse
import ast
import copy
import enum
import functools
import gc
import importlib
import itertools
import os
import random  # noqa: TID251 - a sample that is the same again, no secret
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[1]
KNOWN = ROOT / "docs" / "decisions" / "0096-mutants-of-the-gate.md"
TARGETS = ("security/gate.py", "security/access", "security/consent")
TESTS = ROOT / "tests" / "security"
# The folder whose tests know most about a module comes first: most mutants die there within a second.
KILLERS = {"gate.py": ("gate", "access", "consent"), "access": ("access", "gate"), "consent": ("consent", "gate")}
FOLDERS = ("access", "consent", "gate")
LEFT_OUT = ("test_brute_force.py",)
"""Needs a database; the same agreement is asked of every mutant by test_forms_agree and test_narrow."""
FIRST = "test_plain_reading.py"
"""Thousands of decisions of a generated county in a fraction of a second: most mutants of any room die there."""
LONG = ("test_forms_agree.py", "test_narrow.py", "test_syntax.py", "test_fold.py")
"""Thousands of cases each: asked in a second round of what the others let live."""
CASES = "1500"
"""Cases of test_forms_agree a mutant, a quarter of its own: the least in which every policy decides some."""
CPU_S = 90
"""A mutant that never ends is noticed, too: of the processor, so that a busy machine kills none (ten unharmed runs)."""

_FLIPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
Edit = Callable[[Any], ast.AST | None]


class Mutant(NamedTuple):
    """One change: the file, the function it is in, what stood there and what stands there now."""

    path: str
    where: str
    before: str
    after: str
    line: int
    make: Callable[[], ast.Module]

    @property
    def key(self) -> str:
        """Return its name, which does not change when lines move."""
        return f"{self.path} {self.where}: {self.before} -> {self.after}"


def main(words: Sequence[str]) -> int:
    """Do what ``words`` say; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="run that many, drawn by --seed (0 = all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="only mutants whose name contains this")
    options = parser.parse_args(words)
    os.chdir(ROOT)
    os.environ["YIYANG_POLICY_CASES"] = CASES
    found = [mutant for mutant in mutants() if options.only in mutant.key]
    if options.sample:
        found = random.Random(options.seed).sample(found, min(options.sample, len(found)))  # noqa: S311 - as above
    began = time.monotonic()
    run = _Run(found, options.jobs)
    files = [str(file) for folder in FOLDERS for file in sorted((TESTS / folder).glob("test_*.py"))]
    pytest.main(["-qq", "-p", "no:cacheprovider", *(f for f in files if not f.endswith(LEFT_OUT))], plugins=[run])
    if run.survivors is None:
        print("mutants of the gate: the tests are red, or cannot be collected, without any change")
        return 2
    drawn = f", seed {options.seed}" if options.sample else ""
    return _told(found, run.survivors, f"{drawn}, {time.monotonic() - began:.0f} s")


def _told(found: list[Mutant], survivors: list[Mutant], how: str) -> int:
    known = KNOWN.read_text("utf-8") if KNOWN.exists() else ""
    new = [mutant for mutant in survivors if f"`{mutant.key}`" not in known]
    for mutant in survivors:
        print(f"{'new' if mutant in new else 'explained'} survivor: `{mutant.key}` (line {mutant.line})")
    killed, explained = len(found) - len(survivors), len(survivors) - len(new)
    print(f"mutants of the gate: {len(found)} run, {killed} killed, {explained} explained, {len(new)} new{how}")
    return 1 if new else 0


def mutants() -> list[Mutant]:
    """Return every mutant, in the order of the files."""
    paths = [path for target in TARGETS for path in sorted((ROOT / target).glob("*.py"))]
    paths = [ROOT / TARGETS[0], *paths]
    found: dict[str, Mutant] = {}
    for path in paths:
        for mutant in _of(path):
            found.setdefault(mutant.key, mutant)
    return list(found.values())


def _of(path: Path) -> Iterator[Mutant]:
    tree = ast.parse(path.read_text("utf-8"))
    name = path.relative_to(ROOT / "security").as_posix()
    for number, (node, where) in enumerate(_nodes(tree, "")):
        for edit in _edits(node):
            make = partial(_changed, path, number, edit)
            yield Mutant(name, where or "module", _shown(node), _shown(edit(node)), getattr(node, "lineno", 0), make)


def _changed(path: Path, number: int, edit: Edit) -> ast.Module:
    """Return the tree of ``path`` with ``edit`` done to the node of that ``number``."""
    tree = ast.parse(path.read_text("utf-8"))
    place, _ = next(itertools.islice(_nodes(tree, ""), number, None))
    changed: ast.Module = _Replace(place, edit(place)).visit(tree)
    return changed


def _nodes(tree: ast.AST, where: str) -> Iterator[tuple[ast.AST, str]]:
    """Yield what can be changed with the function it stands in; annotations and docstrings are no behaviour."""
    for child in ast.iter_child_nodes(tree):
        inside = f"{where}.{child.name}".strip(".") if isinstance(child, _NAMED) else where
        if isinstance(child, ast.ClassDef) and _is_protocol(child):
            continue
        yield child, inside
        yield from ((node, name) for node, name in _nodes(_bare(child), inside))


_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def _bare(node: ast.AST) -> ast.AST:
    """Return ``node`` as its children count: a view without annotations."""
    if isinstance(node, _NAMED):
        return ast.Module(body=node.body, type_ignores=[])
    if isinstance(node, ast.AnnAssign):
        return ast.Tuple(elts=[node.value] if node.value is not None else [], ctx=ast.Load())
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_log(node.func):
        return ast.Module(body=[], type_ignores=[])
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal":
        return ast.Module(body=[], type_ignores=[])
    return node


def _is_log(function: ast.Attribute) -> bool:
    return isinstance(function.value, ast.Name) and function.value.id == "log"


def _edits(node: ast.AST) -> list[Edit]:
    """Return the changes that can be made to ``node`` itself."""
    return [*_of_logic(node), *_of_values(node), *_of_statements(node)]


def _of_logic(node: ast.AST) -> list[Edit]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _FLIPS:
            return [_flip]
        case ast.BoolOp():
            return [_join]
        case ast.UnaryOp(op=ast.Not()):
            return [lambda place: place.operand]
        case ast.If() | ast.IfExp():
            return [_test(truth=True), _test(truth=False)]
        case _:
            return []


def _of_values(node: ast.AST) -> list[Edit]:
    match node:
        case ast.Constant(value=bool()):
            return [lambda place: ast.Constant(value=not place.value)]
        case ast.Set(elts=items) | ast.Tuple(elts=items) if len(items) > 1 and all(map(_is_text, items)):
            return [_without(at) for at in range(len(items))]
        case _:
            return []


def _of_statements(node: ast.AST) -> list[Edit]:
    match node:
        case ast.Return(value=value) if value is not None and not _is_empty(value):
            return [lambda _: ast.Return(value=ast.Constant(value=None))]
        case ast.Expr(value=ast.Call(func=function)) if isinstance(function, ast.Attribute) and _is_log(function):
            return []
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.AugAssign() | ast.Delete() | ast.Raise():
            return [lambda _: ast.Pass()]
        case ast.Continue() | ast.Break():
            return [lambda _: ast.Pass()]
        case _:
            return []


def _is_empty(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _is_text(item: ast.expr) -> bool:
    return isinstance(item, ast.Constant) and isinstance(item.value, str)


def _flip(place: ast.Compare) -> ast.AST:
    return ast.Compare(left=place.left, ops=[_FLIPS[type(place.ops[0])]()], comparators=place.comparators)


def _join(place: ast.BoolOp) -> ast.AST:
    return ast.BoolOp(op=ast.Or() if isinstance(place.op, ast.And) else ast.And(), values=place.values)


def _test(*, truth: bool) -> Edit:
    def edit(place: ast.If | ast.IfExp) -> ast.AST:
        changed = copy.copy(place)
        changed.test = ast.Constant(value=truth)
        return changed

    return edit


def _without(at: int) -> Edit:
    def edit(place: ast.Set | ast.Tuple) -> ast.AST:
        changed = copy.copy(place)
        changed.elts = [item for number, item in enumerate(place.elts) if number != at]
        return changed

    return edit


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST | None) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self._new if node is self._old else super().visit(node)


def _shown(node: ast.AST | None) -> str:
    """Return one line of source; of a condition the condition alone."""
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    text = " ".join(ast.unparse(node).split()) if node is not None else ""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 20]}...{text[-17:]}"


_SHOWN = 110
"""Signs of one side of a mutant's name."""


class _Run:
    """A plugin of pytest that runs the collected tests once for each mutant, in a process of its own.

    ``survivors`` is None when the tests are red by themselves.
    """

    def __init__(self, found: list[Mutant], jobs: int) -> None:
        self._found = found
        self._jobs = jobs
        self.survivors: list[Mutant] | None = None

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the mutants in place of the tests."""
        # Each test builds a gate, which reads the same two files of another room again and again.
        yaml.safe_load = functools.cache(yaml.safe_load)
        for module in {item.module for item in session.items if isinstance(item, pytest.Function)}:
            getattr(module, "prepared", lambda: None)()
        gc.freeze()  # a forked process then shares what was collected
        unharmed = [
            Mutant(name, "nothing", "", "", 0, lambda: ast.Module(body=[], type_ignores=[])) for name in KILLERS
        ]
        if session.testsfailed == 0 and len(self._survived(session, unharmed)) == len(unharmed):
            short = self._survived(session, self._found, rounds=(False,))
            self.survivors = self._survived(session, short, rounds=(True,))
        return True

    def _survived(
        self, session: pytest.Session, found: list[Mutant], rounds: tuple[bool, ...] = (False, True)
    ) -> list[Mutant]:
        running: dict[int, Mutant] = {}
        waiting, alive = list(reversed(found)), []
        while waiting or running:
            while waiting and len(running) < self._jobs:
                mutant = waiting.pop()
                running[_start(session, mutant, rounds)] = mutant
            pid, status = os.wait()
            mutant = running.pop(pid)
            if os.waitstatus_to_exitcode(status) == 0:
                alive.append(mutant)
                print(f"alive {rounds}: {mutant.key}", file=sys.stderr, flush=True)
        return sorted(alive, key=lambda each: (each.path, each.line, each.key))


def _start(session: pytest.Session, mutant: Mutant, rounds: tuple[bool, ...]) -> int:
    pid = os.fork()
    if pid:
        return pid
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        _put_in(mutant)
        code = _red(session, _ordered(session.items, mutant.path, rounds))
    finally:
        os._exit(code)


def _red(session: pytest.Session, items: list[pytest.Item]) -> int:
    """Run ``items`` to the first red one; return 1 if there is one."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return 0


def _ordered(items: list[pytest.Item], path: str, rounds: tuple[bool, ...]) -> list[pytest.Item]:
    """Return the tests of the folders that know ``path``; ``rounds`` says whether short ones, long ones or both."""
    folders = KILLERS[path.partition("/")[0]]
    own = f"test_{Path(path).stem}"
    chosen = [
        item
        for item in items
        if (item.path.name in LONG) in rounds and (item.path.name == FIRST or item.path.parent.name in folders)
    ]

    def place(item: pytest.Item) -> tuple[bool, bool, int]:
        return item.path.name != FIRST, item.path.stem != own, FOLDERS.index(item.path.parent.name)

    return sorted(chosen, key=place)


def _put_in(mutant: Mutant) -> None:
    """Give the loaded module the code of ``mutant``: whoever imported its functions and classes has it, too."""
    name = ".".join(("security", *Path(mutant.path).with_suffix("").parts)).removesuffix(".__init__")
    tree = mutant.make()
    if not tree.body:
        return
    module = importlib.import_module(name)
    fresh: dict[str, Any] = {"__name__": name, "__file__": module.__file__, "__package__": module.__package__}
    # The tree is our own file's, changed in one place.
    exec(compile(ast.fix_missing_locations(tree), str(module.__file__), "exec"), fresh)  # noqa: S102
    for key, value in fresh.items():
        if not key.startswith("__"):
            old = vars(module).get(key)
            _transplant(old, value, lambda new, at=key, was=old: _set_everywhere(at, was, new))


def _set_everywhere(name: str, old: object, new: object) -> None:
    """Set a module's value, and under the same name in every module of ours that has imported it."""
    for key, module in list(sys.modules.items()):
        if key.startswith("security") and name in vars(module) and vars(module)[name] is old:
            setattr(module, name, new)


def _transplant(old: Any, new: Any, put: Callable[[Any], None]) -> None:
    old, new = getattr(old, "__wrapped__", old), getattr(new, "__wrapped__", new)
    if isinstance(old, FunctionType) and isinstance(new, FunctionType):
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    elif isinstance(old, staticmethod | classmethod):
        _transplant(old.__func__, new.__func__, put)
    elif isinstance(old, property):
        _transplant(old.fget, new.fget, put)
    elif isinstance(old, type) and isinstance(new, type):
        if old.__module__ == new.__module__ and not issubclass(old, enum.Enum):
            _transplant_class(old, new)
    elif old != new:
        put(new)


def _transplant_class(old: type, new: type) -> None:
    for key, value in vars(new).items():
        if not key.startswith("__") or isinstance(value, FunctionType):
            _transplant(vars(old).get(key), value, lambda made, at=key: _set(old, at, made))


def _set(owner: type, name: str, value: object) -> None:
    """Set a class's constant; the descriptors of slots and fields are the class's own."""
    if not hasattr(value, "__get__") and not name.startswith("_abc"):
        setattr(owner, name, value)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
