"""Python syntax trees from fixed patterns: `V is not None` with V filled in, every node on one line of the map.

The patterns are constants of the generator; what is filled in are trees, our own local names and constant nodes. Text
of a map never becomes Python text, so nothing in it can be executed.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from typing import Any

Part = ast.expr | str | Sequence[ast.stmt]
"""What fills a placeholder: a tree, the name of a local, or the statements of a block."""


@cache
def _parsed(pattern: str) -> list[ast.stmt]:
    return ast.parse(pattern).body


def statements(pattern: str, line: int, **parts: Part) -> list[ast.stmt]:
    """Return the statements of ``pattern`` with its placeholders filled, all on ``line``."""
    return _block(_parsed(pattern), line, parts)


def expression(pattern: str, line: int, **parts: Part) -> ast.expr:
    """Return the expression ``pattern`` with its placeholders filled, on ``line``."""
    statement = _parsed(pattern)[0]
    if not isinstance(statement, ast.Expr):
        raise TypeError(pattern)
    filled: ast.expr = _filled(statement.value, line, parts)
    return filled


def constant(value: Any, line: int) -> ast.expr:
    """Return a constant node."""
    return ast.Constant(value, lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)


def row(items: Sequence[ast.expr], line: int) -> ast.expr:
    """Return a tuple of ``items``."""
    return ast.Tuple(list(items), ast.Load(), lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)


def array(items: Sequence[ast.expr], line: int) -> ast.expr:
    """Return a list of ``items``."""
    return ast.List(list(items), ast.Load(), lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)


def name(text: str, line: int) -> ast.expr:
    """Return a local or global of the generated function, read."""
    return ast.Name(text, ast.Load(), lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)


def call(function: ast.expr | str, args: Sequence[ast.expr], line: int) -> ast.expr:
    """Return a call."""
    called = name(function, line) if isinstance(function, str) else function
    return ast.Call(called, list(args), [], lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)


def record(pairs: Sequence[tuple[str, ast.expr]], line: int) -> ast.expr:
    """Return a dict with constant keys."""
    keys: list[ast.expr | None] = [constant(key, line) for key, _ in pairs]
    values = [value for _, value in pairs]
    return ast.Dict(keys, values, lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)


def _block(block: Sequence[ast.stmt], line: int, parts: dict[str, Part]) -> list[ast.stmt]:
    out: list[ast.stmt] = []
    for statement in block:
        inner = parts.get(statement.value.id) if _is_hole(statement) else None  # type: ignore[attr-defined]
        if isinstance(inner, (list, tuple)):
            out += inner
        else:
            out.append(_filled(statement, line, parts))
    return out


def _is_hole(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name)


def _filled(node: Any, line: int, parts: dict[str, Part]) -> Any:
    if isinstance(node, ast.Name) and node.id in parts:
        part = parts[node.id]
        if isinstance(part, str):
            return ast.Name(part, node.ctx, lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)
        return part
    if isinstance(node, list):
        if node and isinstance(node[0], ast.stmt):
            return _block(node, line, parts) or [_pass(line)]
        return [_filled(item, line, parts) for item in node]
    if not isinstance(node, ast.AST):
        return node
    copy = type(node)(**{field: _filled(getattr(node, field), line, parts) for field in node._fields})
    if "lineno" in node._attributes:
        copy.lineno = copy.end_lineno = line  # type: ignore[attr-defined]
        copy.col_offset = copy.end_col_offset = 0  # type: ignore[attr-defined]
    return copy


def _pass(line: int) -> ast.stmt:
    return ast.Pass(lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)
