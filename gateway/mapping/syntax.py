"""The small language inside a map's scalars: expressions, templates, pipes, conditions (docs/guides/maps.md §3, §5).

In: one scalar. Out: a tree of frozen values that says nothing yet about paths or types. Refused: `Slip`, with a
sentence for the map's author.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

ELDER: Final = "ref(Patient)"
"""The expression that stands for the elder."""


class Slip(Exception):  # noqa: N818 - a mistake of the map's author, not of the program
    """A scalar that is no expression; the text goes to the author."""


def near(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" for the known word closest to ``word``, "" when none is close."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""


@dataclass(frozen=True, slots=True)
class Literal:
    """`=text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A source path as written."""

    text: str


@dataclass(frozen=True, slots=True)
class FromContext:
    """`$name`, or the elder's placeholder (name `elder`)."""

    name: str


Operand = Literal | Source | FromContext


@dataclass(frozen=True, slots=True)
class Template:
    """Literals and values in order."""

    parts: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """One transform with its arguments as written."""

    name: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """The first filled of ``operands``, through ``pipes``; a template is the only operand it stands in."""

    operands: tuple[Operand | Template, ...]
    pipes: tuple[Pipe, ...] = ()


@dataclass(frozen=True, slots=True)
class Test:
    """One test: ``op`` is truth, exists, ==, !=, <, <=, >, >=, in, in-table or registered."""

    op: str
    left: Expression
    right: Expression | None = None
    choices: tuple[str, ...] = ()
    __test__ = False  # not a pytest class


@dataclass(frozen=True, slots=True)
class Combined:
    """``op`` is and, or, not."""

    op: str
    parts: tuple[Condition, ...]


Condition = Test | Combined

_BRACED = re.compile(r"\{([^{}]+)\}")
_PIPE = re.compile(r"([a-z_0-9]+)(?:\((.*)\))?", re.ASCII | re.DOTALL)
_CALL = re.compile(r"([\w.]+)\(([^()]*)\)")
_EACH = re.compile(r"(\S+)\s+as\s+([A-Za-z_]\w*)", re.ASCII)


def expression(text: str) -> Expression:
    """Return the expression in ``text``."""
    text = text.strip()
    if not text:
        raise Slip("an empty rule: leave the element out, or write =text")
    if not text.startswith("=") and _BRACED.search(text):
        return Expression((template(text),))
    head, *rest = text.split(" | ")
    operands = tuple(_operand(part.strip()) for part in head.split("??"))
    return Expression(operands, tuple(pipe(part.strip()) for part in rest))


def template(text: str) -> Template:
    """Return the template in ``text``."""
    pieces = _BRACED.split(text)
    if "{" in "".join(pieces[::2]) or "}" in "".join(pieces[::2]):
        raise Slip("a brace that nothing closes")
    parts: list[Operand] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            parts.append(_operand(piece.strip()))
        elif piece:
            parts.append(Literal(piece))
    return Template(tuple(parts))


def _operand(text: str) -> Operand:
    if text.startswith("="):
        return Literal(text[1:])
    if text == ELDER:
        return FromContext("elder")
    if text.startswith("$"):
        return FromContext(text[1:])
    if not text or (any(sign in text for sign in "|{} \t\n") and not text.endswith("{}")):
        raise Slip(f"{text!r} is no source path: a literal begins with =, a pipe has a space on both sides")
    return Source(text)


def operands(text: str) -> Expression:
    """Return an argument of a transform: paths, literals, `??`, without pipes."""
    return Expression(tuple(_operand(part.strip()) for part in text.split("??")))


def pipe(text: str) -> Pipe:
    """Return the transform in ``text``."""
    found = _PIPE.fullmatch(text)
    if found is None:
        raise Slip(f"{text!r} is no transform")
    name, inside = found.groups()
    if inside is None:
        return Pipe(name, ())
    return Pipe(name, tuple(part.strip() for part in inside.split(",")) if inside else ())


def call(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Return name and arguments of a fragment's use, None when ``text`` is none."""
    found = _CALL.fullmatch(text.strip())
    if found is None:
        return None
    return found[1], tuple(part.strip() for part in found[2].split(",") if part.strip())


def each(text: str) -> tuple[str, str]:
    """Return path and name of `path as name`."""
    found = _EACH.fullmatch(text.strip())
    if found is None:
        raise Slip("each reads: path as name")
    return found[1], found[2]


_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*')|(?P<op>==|!=|<=|>=|<|>)|(?P<sign>[(),|])"
    r"|(?P<word>(?:[^\s'()=<>!,|\[\]]|\[[^\]]*\])+)|(?P<end>$))"
)
_ORDER = frozenset({"==", "!=", "<", "<=", ">", ">="})
MAX_CONDITION = 2_000
"""Longest condition in characters (design default); the parser is recursive."""
MAX_NESTING = 20
"""Deepest parentheses of a condition (design default)."""


def condition(text: str) -> Condition:
    """Return the condition in ``text``."""
    if len(text) > MAX_CONDITION:
        raise Slip("the condition is too long")
    parser = _Parser(text)
    found = parser.either()
    if parser.peek() != "":
        raise Slip(f"{parser.peek()!r} is unexpected here")
    return found


class _Parser:
    """Recursive descent over the tokens of one condition."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise Slip(f"{wanted or 'something'} is missing in the condition")
        self.at += 1
        return token

    def either(self) -> Condition:
        return self._chain("or", self.both)

    def both(self) -> Condition:
        return self._chain("and", self.one)

    def _chain(self, word: str, inner: Callable[[], Condition]) -> Condition:
        parts = [inner()]
        while self.peek() == word:
            self.take()
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Combined(word, tuple(parts))

    def one(self) -> Condition:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise Slip("the condition is nested too deep")
        try:
            if self.peek() == "not":
                self.take()
                return Combined("not", (self.one(),))
            if self.peek() == "(":
                self.take()
                found = self.either()
                self.take(")")
                return found
            return self.test()
        finally:
            self.depth -= 1

    def test(self) -> Test:
        left = self.value()
        word = self.peek()
        if word in ("exists", "registered"):
            self.take()
            return Test(word, left)
        if word in _ORDER:
            self.take()
            return Test(word, left, self.value())
        if word == "in":
            self.take()
            return self._membership(left)
        return Test("truth", left)

    def _membership(self, left: Expression) -> Test:
        if self.peek() != "(":
            return Test("in-table", left, choices=(self.take(),))
        self.take("(")
        choices = [_unquoted(self.take())]
        while self.peek() == ",":
            self.take()
            choices.append(_unquoted(self.take()))
        self.take(")")
        return Test("in", left, choices=tuple(choices))

    def value(self) -> Expression:
        word = self.take()
        if word in {"(", ")", ",", "|"} or word in _ORDER:
            raise Slip(f"{word!r} is unexpected here")
        operand = Literal(_unquoted(word)) if word[0] == "'" or _is_number(word) else _operand(word)
        pipes = []
        while self.peek() == "|":
            self.take()
            pipes.append(self._pipe())
        return Expression((operand,), tuple(pipes))

    def _pipe(self) -> Pipe:
        name = self.take()
        args: list[str] = []
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                word = self.take()
                if word != ",":
                    args.append(_unquoted(word))
            self.take(")")
        return Pipe(name, tuple(args))


def _tokens(text: str) -> list[str]:
    tokens = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or (found.end() == at):
            raise Slip(f"{text[at : at + 10]!r} is unexpected in a condition")
        at = found.end()
        token = found[0].strip()
        if token:
            tokens.append(token)
    return tokens


def _unquoted(token: str) -> str:
    return token[1:-1] if token[:1] == "'" else token


def _is_number(token: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", token, re.ASCII) is not None
