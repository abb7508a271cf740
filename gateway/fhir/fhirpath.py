"""Reads FHIRPath expressions into a tree; what uses the tree compiles it (`invariants`, `paths`).

Only the grammar that R4's invariants and search parameters use. Source: FHIRPath 2.0 (N1), annex grammar.
Raises ValueError for anything else: an expression half understood would let bad data pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*|`[^`]+`)"
    r"|(?P<date>@[\dT:.+Z-]+)|(?P<variable>[%$][A-Za-z_][\w-]*)|(?P<sign><=|>=|!=|!~|[-+*/|&=~<>.,()\[\]{}]))"
)
# Binary operators from the loosest to the tightest; `is` and `as` are here because they stand between operands.
_LEVELS = (
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "!=", "~", "!~"),
    ("<", ">", "<=", ">="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; None is the empty collection ``{}``."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Variable:
    """``$this`` or ``%resource``, with its sign."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """The children named ``name`` of ``of`` (None: of the focus)."""

    of: Node | None
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function ``name`` applied to ``of`` (None: to the focus)."""

    of: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """One value of ``of``, counted from 0."""

    of: Node
    at: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``; for ``is`` and ``as`` the right side is a `Member` naming the type."""

    operator: str
    left: Node
    right: Node


Node = Literal | Variable | Member | Call | Index | Binary


@cache
def parse(expression: str) -> Node:
    """Return the tree of ``expression``, one of ours; ValueError when it is not understood to its end."""
    return read_tree(expression)


def read_tree(expression: str) -> Node:
    """Return the tree of ``expression``, which nobody keeps; ValueError when it is not understood to its end."""
    reader = _Reader(_tokens(expression), expression)
    tree = reader.operation(0)
    reader.expect("", "the end")
    return tree


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise ValueError(f"FHIRPath not understood at {at}: {expression}")
        tokens.append((found.lastgroup, found.group(found.lastgroup)))
        at = found.end()
    return [*tokens, ("end", "")]


class _Reader:
    """A recursive descent over the tokens, one method per rule."""

    def __init__(self, tokens: list[tuple[str, str]], expression: str) -> None:
        self.tokens, self.at, self.expression = tokens, 0, expression

    def expect(self, text: str, what: str) -> None:
        if self.tokens[self.at][1] != text:
            raise ValueError(f"FHIRPath expects {what}, found {self.tokens[self.at][1]!r}: {self.expression}")
        self.at += 1

    def taken(self, text: str) -> bool:
        kind, found = self.tokens[self.at]
        if found != text or kind not in ("sign", "name"):
            return False
        self.at += 1
        return True

    def operation(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.path()
        left = self.operation(level + 1)
        while (operator := self.tokens[self.at][1]) in _LEVELS[level] and self.tokens[self.at][0] != "string":
            self.at += 1
            left = Binary(operator, left, self.operation(level + 1))
        return left

    def path(self) -> Node:
        found = self.term()
        while True:
            if self.taken("."):
                found = self.invocation(found)
            elif self.taken("["):
                found = Index(found, self.operation(0))
                self.expect("]", "]")
            else:
                return found

    def term(self) -> Node:
        kind, text = self.tokens[self.at]
        if self.taken("("):
            inner = self.operation(0)
            self.expect(")", ")")
            return inner
        if self.taken("{"):
            self.expect("}", "}")
            return Literal(None)
        if kind == "name" and text not in ("true", "false"):
            return self.invocation(None)
        self.at += 1
        return self.constant(kind, text)

    def constant(self, kind: str, text: str) -> Node:
        if kind == "string":
            return Literal(re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), text[1:-1]))
        if kind == "number":
            return Literal(float(text) if "." in text else int(text))
        if kind == "variable":
            return Variable(text)
        if kind == "name":
            return Literal(text == "true")
        raise ValueError(f"FHIRPath not understood at {text!r}: {self.expression}")

    def invocation(self, of: Node | None) -> Node:
        kind, text = self.tokens[self.at]
        if kind not in ("name", "variable"):
            raise ValueError(f"FHIRPath expects a name, found {text!r}: {self.expression}")
        self.at += 1
        if kind == "variable":
            return Variable(text)
        if not self.taken("("):
            return Member(of, text.strip("`"))
        arguments: list[Node] = []
        while not self.taken(")"):
            arguments.append(self.operation(0))
            self.taken(",")
        return Call(of, text, tuple(arguments))
