"""`yiyang map`: do the maps compile, what does one make of a record, do their cases still hold. No database needed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from gateway.cli.answer import Answer, Table, as_row
from gateway.cli.exits import Exit
from gateway.cli.shell import Both, Shell
from gateway.cli.word import Option, Word, Words, argument
from gateway.fhir.codec import dump_exact
from gateway.fhir.problem import Problem, Problems
from gateway.formats import read
from gateway.mapping import load_feed
from gateway.mapping.cases import Case, case_context, test_cases

HEADS: Sequence[Both] = [("", ""), ("映射", "map"), ("位置", "place"), ("说明", "text")]


def check(shell: Shell, feed: str, root: Path | None) -> Answer:
    """Compile one map or all; every mistake is told at once, with line and column."""
    rows = [_checked(folder) for folder in _folders(shell, feed, root)]
    problems = [(row["feed"], one) for row in rows for one in row["problems"]]
    cells = [[_mark(one), name, one.get("source", ""), shell.say((one["zh"], one["en"]))] for name, one in problems]
    bad = sum(not row["compiles"] for row in rows)
    line = (f"{len(rows)} 个映射，{bad} 个有误", f"{len(rows)} maps, {bad} with errors")
    return Answer(
        "yiyang.map.check/1",
        {"maps": rows},
        table=Table(HEADS, cells),
        after=[line],
        findings=[row for row in rows if not row["compiles"]],
        exit=Exit.FINDINGS if bad else Exit.OK,
    )


def preview(shell: Shell, feed: str, file: Path, org: str, root: Path | None) -> Answer:
    """Run a map on one record and show what would be stored, and every issue; nothing is stored."""
    loaded = load_feed(_folders(shell, feed, root)[0])
    raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    record = read(loaded.map.format, raw)
    now = datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251 - nothing of a preview is kept
    settings = {"received": now} | ({"organisation": org} if org else {})
    result = loaded.map.run(record, context=case_context(loaded.map, record, settings))
    issues = [as_row(problem) for problem in result.issues]
    failed = any(_mark(one) == "fail" for one in issues)
    kinds = Counter(str(resource["resourceType"]) for resource in result.resources)
    made = "  ".join(f"{kind} {number}" for kind, number in sorted(kinds.items()))
    cells = [
        [_mark(one), one["code"], one.get("where") or one.get("source", ""), shell.say((one["zh"], one["en"]))]
        for one in issues
    ]
    return Answer(
        "yiyang.map.preview/1",
        # Numbers keep their digits: the codec writes them, not orjson.
        {"feed": feed, "resources": orjson.Fragment(dump_exact(result.resources)), "issues": issues},
        lines=[(made, made)],
        table=Table([("", ""), ("代码", "code"), ("位置", "place"), ("说明", "text")], cells),
        after=[("完整结果：加 --json", "everything: add --json")],
        findings=issues if failed else [],
        exit=Exit.FINDINGS if failed else Exit.OK,
    )


def test(shell: Shell, feed: str, root: Path | None, *, record: bool) -> Answer:
    """Run the cases of one map or all and show where one no longer holds; with ``record`` take what came out."""
    cases = [(folder.name, case) for folder in _folders(shell, feed, root) for case in test_cases(folder, record)]
    broken = [_case_row(name, case) for name, case in cases if not case.holds]
    counted = (f"{len(cases)} 个用例，{len(broken)} 个不符", f"{len(cases)} cases, {len(broken)} do not hold")
    written = ("；已记录", "; recorded") if record and broken else ("", "")
    lines = [(line, line) for row in broken for line in (f"✗ {row['feed']}/{row['case']}", *row["diff"])]
    return Answer(
        "yiyang.map.test/1",
        {"cases": len(cases), "broken": len(broken), "recorded": record},
        lines=[*lines, (counted[0] + written[0], counted[1] + written[1])],
        findings=broken,
        exit=Exit.FINDINGS if broken and not record else Exit.OK,
    )


def _mark(problem: dict[str, str]) -> str:
    return "fail" if problem["severity"] in ("error", "fatal") else "warn"


def _case_row(feed: str, case: Case) -> dict[str, Any]:
    return {"feed": feed, "case": case.name, "diff": list(case.diff)}


def _checked(folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"feed": folder.name, "tier": folder.parent.name}
    try:
        loaded = load_feed(folder)
    except Problems as found:
        return row | {"compiles": False, "problems": [as_row(one) for one in found.problems]}
    except Problem as one:
        return row | {"compiles": False, "problems": [as_row(one)]}
    return row | {"compiles": True, "problems": [as_row(one) for one in loaded.warnings]}


def _folders(shell: Shell, feed: str, root: Path | None) -> list[Path]:
    """Return the folders of the maps, or the one of ``feed``. Raises Problem("CLI-014")."""
    folders = [path.parent for path in sorted((root or shell.settings().mappings).glob("*/*/map.yaml"))]
    chosen = [folder for folder in folders if feed in ("", folder.name, f"{folder.parent.name}/{folder.name}")]
    if not chosen:
        raise Problem("CLI-014", feed=feed or "*", known=", ".join(folder.name for folder in folders) or "-")
    return chosen


_FEED = argument("feed", required=False, default="")
_ROOT = Option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    texts=("映射目录，默认随安装", "folder of the maps; default: the installed ones"),
)
WORDS = {
    "check": Word("check", check, ("编译映射，报出全部错误", "Compile maps, tell every mistake"), [_FEED, _ROOT]),
    "preview": Word(
        "preview",
        preview,
        ("对一条记录试运行映射，FILE 可为 -", "Run a map on one record; FILE may be -"),
        [
            argument("feed"),
            argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)),
            Option("--org", default="", texts=("发送机构代码", "code of the sender's organisation")),
            _ROOT,
        ],
    ),
    "test": Word(
        "test",
        test,
        ("运行映射的用例", "Run the cases of maps"),
        [_FEED, Option("--record", is_flag=True, texts=("把现结果记为应有", "take what came out as right")), _ROOT],
    ),
}
WORD = Words(
    "map",
    {
        "check": ("maps", "编译检查", "do they compile"),
        "preview": ("maps", "试运行一条记录", "run one on a record"),
        "test": ("maps", "运行用例", "do their cases hold"),
    },
    ("检查、预览、测试映射", "Check, preview, test maps"),
)
