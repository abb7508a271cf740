"""What a word found, as a value, and how it is shown: one JSON object, or lines and a table for people.

In: an `Answer` or the problems. Out: bytes on stdout (results) and stderr (problems, progress).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.cli.exits import Exit
from gateway.cli.shell import Both, Shell
from gateway.fhir.problem import Problem

ERROR_SCHEMA = "yiyang.error/1"
# A pipe has no width; lines of a table are not broken there.
PIPE_WIDTH = 200
_MARKS = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people: the heads in both languages; cells that are `ok`, `warn` or `fail` are coloured."""

    heads: Sequence[Both]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One result: ``data`` under ``schema`` for scripts; ``lines`` and ``table`` for people.

    ``findings`` are what is not as it should be. ``plain`` is what to print where no terminal is and nobody asked for
    JSON, because a shell puts it into a variable.
    """

    schema: str
    data: Mapping[str, Any]
    lines: Sequence[Both] = ()
    table: Table | None = None
    findings: Sequence[Mapping[str, Any]] = ()
    exit: Exit = Exit.OK
    plain: str | bytes | None = None
    after: Sequence[Both] = field(default=())
    """Lines below the table."""


def show(answer: Answer, shell: Shell) -> None:
    """Print ``answer`` in the form that was asked for."""
    if answer.plain is not None and not shell.json:
        _write(answer.plain)
    elif shell.as_json:
        line: dict[str, Any] = {"ok": answer.exit is Exit.OK, "schema": answer.schema, "data": answer.data}
        if answer.findings:
            line["findings"] = answer.findings
        _write_json(line)
    elif not shell.quiet or answer.exit is not Exit.OK:
        _show_people(answer, shell)


def show_problems(problems: Iterable[Problem], shell: Shell) -> None:
    """Print ``problems``: a line each on stderr, and one object on stdout where a script reads it."""
    found = list(problems)
    if shell.as_json:
        _write_json({"ok": False, "schema": ERROR_SCHEMA, "problems": [as_row(problem) for problem in found]})
    if shell.json is not True:
        for problem in found:
            place = problem.where or problem.source
            sys.stderr.write(f"{problem.code} {problem.text(shell.lang)}{f' [{place}]' if place else ''}\n")


def as_row(problem: Problem) -> dict[str, str]:
    """Return ``problem`` for scripts: its code, both texts, its places."""
    row = {"code": problem.code, "severity": problem.severity, "zh": problem.text("zh"), "en": problem.text("en")}
    return row | {name: value for name, value in (("where", problem.where), ("source", problem.source)) if value}


def note(shell: Shell, text: Both) -> None:
    """Print one line of progress on stderr."""
    if not shell.quiet:
        sys.stderr.write(f"{shell.say(text)}\n")
        sys.stderr.flush()


def _show_people(answer: Answer, shell: Shell) -> None:
    from rich.console import Console
    from rich.table import Table as Drawn

    terminal = sys.stdout.isatty()
    console = Console(
        force_terminal={"always": True, "never": False}.get(shell.color),
        no_color=True if shell.color == "never" else None,
        width=None if terminal else PIPE_WIDTH,
        soft_wrap=True,
        highlight=False,
    )
    for line in answer.lines:
        console.print(shell.say(line), markup=False)
    if answer.table is not None and answer.table.rows:
        drawn = Drawn(*(shell.say(head) for head in answer.table.heads), box=None, pad_edge=False)
        for row in answer.table.rows:
            drawn.add_row(*(f"[{_MARKS[cell]}]{cell}[/]" if cell in _MARKS else _escaped(cell) for cell in row))
        console.print(drawn)
    for line in answer.after:
        console.print(shell.say(line), markup=False)


def _escaped(cell: str) -> str:
    return cell.replace("[", r"\[")


def _write_json(line: Mapping[str, Any]) -> None:
    import orjson

    _write(orjson.dumps(line))


def _write(text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    # A test's stdout has no buffer of bytes below.
    sys.stdout.flush()
    sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")
    sys.stdout.flush()
