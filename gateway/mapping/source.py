"""A map's text to YAML nodes: every scalar stays text, every node keeps its line (mapping.md §3, §7.2).

Refused: aliases (a small file could grow without bound), deep nesting, a key twice, anything YAML itself refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import yaml

from gateway.mapping.syntax import Slip

MAX_BYTES: Final = 1024 * 1024
"""Largest map in bytes (design default)."""
MAX_DEPTH: Final = 40
"""Deepest nesting of a map (design default; R4's deepest element has 8)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a map: line and column (1-based), a sentence, and whether it stops the map."""

    line: int
    column: int
    text: str
    is_error: bool = True


class BrokenMap(Exception):  # noqa: N818 - carries faults, not one error
    """Text that is no YAML of the accepted kind."""

    def __init__(self, fault: Fault) -> None:
        """Hold the fault."""
        super().__init__(fault.text)
        self.fault = fault


def compose(text: str) -> yaml.MappingNode:
    """Return the top mapping of ``text``; `BrokenMap` when there is none."""
    if len(text) > MAX_BYTES:
        raise BrokenMap(Fault(1, 1, f"a map has at most {MAX_BYTES} characters"))
    try:
        _refuse_shapes(text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise BrokenMap(_fault(error)) from None
    except yaml.YAMLError:
        raise BrokenMap(Fault(1, 1, "a character that YAML does not allow")) from None
    if not isinstance(node, yaml.MappingNode):
        raise BrokenMap(Fault(1, 1, "a map is a mapping: map, version, source, resources"))
    _refuse_keys(node)
    return node


def _refuse_keys(node: yaml.Node) -> None:
    """Refuse a key that is no plain text, such as the `{a}` of a template that nobody quoted."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise BrokenMap(_at(key.start_mark, "a key is plain text: quote a template"))
            _refuse_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_keys(item)


def _refuse_shapes(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise BrokenMap(_at(event.start_mark, "aliases (*name) are not allowed: use let or fragments"))
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > MAX_DEPTH:
                raise BrokenMap(_at(event.start_mark, f"nested deeper than {MAX_DEPTH}"))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


def _at(mark: object, text: str) -> Fault:
    return Fault(getattr(mark, "line", 0) + 1, getattr(mark, "column", 0) + 1, text)


def _fault(error: yaml.MarkedYAMLError) -> Fault:
    hint = " (quote a template, and anything with ': ' or a leading { [ @ ` )"
    return _at(error.problem_mark or error.context_mark, (error.problem or "not YAML") + hint)


def member(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    """Return the value under ``name``, None when there is none."""
    return next((value for key, value in node.value if key.value == name), None)


def scalar(node: yaml.Node | None) -> str:
    """Return the text of a scalar; `Slip` for any other node."""
    if not isinstance(node, yaml.ScalarNode):
        raise Slip("one line of text is expected here")
    return str(node.value)


def line_of(node: yaml.Node) -> int:
    """Return the line of ``node``, from 1."""
    return int(node.start_mark.line) + 1
