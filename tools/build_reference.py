"""Write docs/reference from the code, so that no page of it can be wrong: words, problems, settings, metrics,
capabilities.

`.venv/bin/python tools/build_reference.py` writes the pages; `--check` writes nothing, names each page that differs
and ends with 1. tests/test_docs.py asks the same. A page is a function of `PAGES`; what it shows, it takes from the
objects that the gateway itself uses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from gateway import config
from gateway.api.capability import statement
from gateway.cli.exits import Exit
from gateway.cli.run import ROOT as WORDS
from gateway.cli.word import Option, Word, Words, common
from gateway.config import SETTINGS
from gateway.fhir import definitions
from gateway.fhir.problem_table import TABLE, care, core, doors, installation, records, security, terms
from gateway.watch.metrics import METRICS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
WARNING = "<!-- Generated from the code by tools/build_reference.py; do not edit. -->"
FILES = (core, security, doors, records, care, terms, installation)
DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""The date of the CapabilityStatement's page: the real one is dated when a process starts."""
EXITS = {
    Exit.OK: ("成功", "done"),
    Exit.FAILED: ("意外失败", "unexpected failure"),
    Exit.USAGE: ("用法或内容有误", "wrong usage or content"),
    Exit.FINDINGS: ("已完成，但有发现", "done, and something was found"),
    Exit.BROKEN: ("完整性遭破坏", "integrity is broken"),
    Exit.REFUSED: ("出于安全拒绝", "refused for safety"),
    Exit.DENIED: ("未认证或无权限", "not authenticated or not allowed"),
    Exit.UNAVAILABLE: ("依赖不可用，可重试", "a dependency does not answer; trying again may help"),
    Exit.NOT_FOUND: ("未找到", "not found"),
    Exit.CONFLICT: ("冲突", "conflict"),
    Exit.INTERRUPTED: ("被中断", "interrupted"),
}


def main(arguments: Sequence[str]) -> int:
    """Write every page, or with `--check` tell which differ."""
    differing = [name for name, text in pages().items() if _stored(name) != text]
    if "--check" in arguments:
        for name in differing:
            print(f"docs/reference/{name} is not what the code says: run tools/build_reference.py")
        return 1 if differing else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(pages())} pages, {len(differing)} changed")
    return 0


def pages() -> dict[str, str]:
    """Return every page: file name -> text."""
    return {name: f"{WARNING}\n{page()}" for name, page in PAGES.items()}


def _stored(name: str) -> str:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def words() -> str:
    """Return the page of the command line: each word with its arguments and options, then the exit codes."""
    lines = ["# Words of the command line 命令行", "", "Every word also takes the options of `yiyang` itself.", ""]
    lines += ["## `yiyang`", "", *_both(WORDS.texts), "", *_options(common()), ""]
    for path, word in _walk(WORDS, ("yiyang",)):
        arguments = "".join(f" {_argument(p)}" for p in word.params if isinstance(p, click.Argument))
        lines += [f"## `{' '.join(path)}{arguments}`", "", *_both(word.texts), "", *_options(_own(word)), ""]
    lines += ["## Exit codes 退出码", "", *_table(("Code", "中文", "Meaning"), _exits())]
    return _text(lines)


def _walk(group: Words, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Word]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, Words):
            yield from _walk(found, (*path, name))
        elif isinstance(found, Word) and not found.hidden:
            yield (*path, name), found


def _own(word: Word) -> list[click.Parameter]:
    shared = {param.name for param in common()}
    return [param for param in word.params if param.name not in shared]


def _argument(param: click.Argument) -> str:
    name = (param.name or "").upper()
    return name if param.required else f"[{name}]"


def _options(params: Iterable[click.Parameter]) -> list[str]:
    rows = []
    for param in params:
        if not isinstance(param, Option) or param.hidden:
            continue
        names = ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))
        values = " / ".join(param.type.choices) if isinstance(param.type, click.Choice) else ""
        rows.append((names, values, *param.texts))
    return _table(("Option", "Values", "中文", "English"), rows) if rows else []


def _exits() -> list[tuple[str, ...]]:
    return [(str(int(code)), *EXITS[code]) for code in Exit]


def problems() -> str:
    """Return the page of the problem codes, a section for each file of the table."""
    lines = ["# Problem codes 问题代码", ""]
    lines += [f"{len(TABLE)} codes, stable. `{{...}}` is filled in; no text ever quotes patient data.", ""]
    for file in FILES:
        lines += [f"## {file.__name__.rpartition('.')[2]}", "", (file.__doc__ or "").splitlines()[0], ""]
        rows = [(f"`{code}`", str(row.status), row.issue, row.zh, row.en) for code, row in file.ROWS.items()]
        lines += [*_table(("Code", "HTTP", "issue", "中文", "English"), rows), ""]
    return _text(lines)


def settings() -> str:
    """Return the page of the environment variables."""
    lines = ["# Settings 设置", "", f"{(config.__doc__ or '').splitlines()[0]}", ""]
    lines += ["An empty variable counts as absent; `NAME_FILE` names a file that holds the value of `NAME`.", ""]
    rows = [(f"`{each.name}`", f"`{each.default}`" if each.default else "", each.zh, each.en) for each in SETTINGS]
    return _text([*lines, *_table(("Name", "Default", "中文", "English"), rows)])


def metrics() -> str:
    """Return the page of the metrics."""
    lines = ["# Metrics 指标", "", "`/metrics` on the admin listener, OpenMetrics names, base units.", ""]
    rows = [(f"`{m.name}`", m.kind, ", ".join(m.labels), m.zh, m.en) for m in METRICS]
    return _text([*lines, *_table(("Name", "Kind", "Labels", "中文", "English"), rows)])


def capabilities() -> str:
    """Return the page of what the FHIR door does, from its own CapabilityStatement."""
    at = "https://{host}"
    found = orjson.loads(
        statement(sorted(definitions.kinds()), base=f"{at}/fhir", token=f"{at}/oauth/token", version="-", at=DAY)
    )
    rest = found["rest"][0]
    lines = ["# FHIR R4 capabilities 接口能力", "", f"FHIR {found['fhirVersion']}, {', '.join(found['format'])}.", ""]
    lines += [f"For the whole server: {', '.join(each['code'] for each in rest['interaction'])}.", ""]
    by_form: dict[str, list[str]] = {}
    for resource in rest["resource"]:
        by_form.setdefault(", ".join(each["code"] for each in resource["interaction"]), []).append(resource["type"])
    lines += ["## Interactions 交互", ""]
    lines += _table(("Interactions", "Kinds"), [(form, ", ".join(kinds)) for form, kinds in by_form.items()])
    lines += ["", "## Search parameters 检索参数", ""]
    named = {r["type"]: [f"{each['name']} ({each['type']})" for each in r["searchParam"]] for r in rest["resource"]}
    clinical = [set(params) for kind, params in named.items() if kind != "AuditEvent"]
    shared = set.intersection(*clinical)
    lines += ["", f"Every kind but AuditEvent: {', '.join(sorted(shared))}.", ""]
    own = [(kind, ", ".join(p for p in params if p not in shared)) for kind, params in named.items()]
    return _text([*lines, *_table(("Kind", "And"), [row for row in own if row[1]])])


def _both(texts: tuple[str, str]) -> list[str]:
    return [f"{texts[0]} · {texts[1]}"] if texts[0] else []


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *(_row([_cell(text) for text in row]) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _text(lines: Sequence[str]) -> str:
    """Join ``lines``, never two blank ones in a row, one newline at the end."""
    kept = [line for line, before in zip(lines, ("x", *lines), strict=False) if line or before]
    return "\n".join(kept).rstrip("\n") + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "words.md": words,
    "problems.md": problems,
    "settings.md": settings,
    "metrics.md": metrics,
    "capabilities.md": capabilities,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
