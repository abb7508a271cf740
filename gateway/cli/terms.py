"""`yiyang terms`: the code systems, value sets and maps that answer; an operator's own files among them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import click

from gateway.app.rooms import Rooms, open_rooms
from gateway.cli.answer import Answer, Table, note
from gateway.cli.change import record
from gateway.cli.shell import Shell
from gateway.cli.word import Option, Word, Words, argument
from gateway.fhir.problem import Problem
from gateway.terminology import CodeSystem, Head, Known, Terminology, concepts, loadables
from gateway.terminology.reading import MAX_BYTES
from gateway.terminology.values import Loadable

KINDS = ("CodeSystem", "ValueSet", "ConceptMap")


async def load(shell: Shell, file: Path, system: str, version: str, name: str) -> Answer:
    """Load a file of FHIR JSON, or a table of codes as the code system ``system``: all of it or nothing."""
    found = _read(shell, file, system, version, name)
    async with open_rooms(shell.settings()) as rooms:
        terms = Terminology(rooms.pool)
        await terms.load(found)
        for one in found:
            await _recorded(rooms, "load", type(one).__name__, one.head.url)
        loaded = {(one.kind, one.url, one.version): one for one in await terms.listed()}
    rows = [loaded[type(one).__name__, one.head.url, one.head.version] for one in found]
    lines = [(f"已载入 {_line(one)}：{one.entries} 条", f"loaded {_line(one)}: {one.entries} entries") for one in rows]
    return Answer("yiyang.terms.load/1", {"loaded": [_row(one) for one in rows]}, lines=lines)


async def list_(shell: Shell, kind: str) -> Answer:
    """List what is loaded; the version that counts when none is named comes first."""
    async with open_rooms(shell.settings()) as rooms:
        found = await Terminology(rooms.pool).listed(kind)
    heads = [
        ("种类", "kind"),
        ("规范地址", "url"),
        ("版本", "version"),
        ("条数", "entries"),
        ("随程序", "own"),
        ("名称", "title"),
    ]
    cells = [
        [one.kind, one.url, one.version, str(one.entries), "✓" if one.own else "", one.title or one.name]
        for one in found
    ]
    return Answer("yiyang.terms.list/1", {"terminology": [_row(one) for one in found]}, table=Table(heads, cells))


async def show(shell: Shell, url: str, version: str, text: str, count: int) -> Answer:
    """Show a code system or value set, and its codes in which every word of ``text`` is found."""
    async with open_rooms(shell.settings()) as rooms:
        terms = Terminology(rooms.pool)
        one = await _one(terms, url, version, several=True)
        page = None if one.kind == "ConceptMap" or one.problem else await terms.page(one, text=text, count=count)
    codes = [] if page is None else [{"code": each.code, "display": each.display} for each in page.members]
    total = one.entries if page is None else page.total
    return Answer(
        "yiyang.terms.show/1",
        {**_row(one), "total": total, "codes": codes},
        lines=[(f"{_line(one)}：{total} 条", f"{_line(one)}: {total} entries")],
        table=Table([("代码", "code"), ("名称", "display")], [[row["code"], row["display"]] for row in codes]),
    )


async def remove(shell: Shell, url: str, version: str, *, yes: bool) -> Answer:
    """Remove one version of what an operator loaded."""
    async with open_rooms(shell.settings()) as rooms:
        terms = Terminology(rooms.pool)
        one = await _one(terms, url, version)
        if one.own:
            raise Problem("TRM-012", url=one.url)
        if not yes:
            raise Problem("TRM-014", kind=one.kind, url=one.url, entries=one.entries)
        await terms.remove(one)
        await _recorded(rooms, "remove", one.kind, one.url)
    return Answer("yiyang.terms.remove/1", _row(one), lines=[(f"已删除 {_line(one)}", f"removed {_line(one)}")])


def _read(shell: Shell, file: Path, system: str, version: str, name: str) -> list[Loadable]:
    with file.open("rb") as opened:
        body = opened.read(MAX_BYTES + 1)
    if body.lstrip()[:1] == b"{":
        if system:
            raise Problem("CLI-001", reason="--system is for a table; a resource says itself what it is")
        return loadables(body)
    if not system:
        raise Problem("CLI-002", name="--system")
    if "|" in system or not system.isprintable() or not urlsplit(system).scheme:
        raise Problem("CLI-001", reason="--system is an absolute url or urn:oid:")

    def told(rows: int) -> None:
        note(shell, (f"已读取 {rows} 行", f"read {rows} rows"))

    head = Head(system, version, "", name or file.stem, name or file.stem, "zh-CN", "active")
    return [CodeSystem(head, concepts(body, told=told))]


async def _one(terms: Terminology, url: str, version: str, *, several: bool = False) -> Known:
    """Return the one at ``url``. Raises TRM-013 (none), TRM-019 (which of them?) unless the one that counts will do."""
    plain, _, named = url.partition("|")
    wanted = version or named
    found = [one for one in await terms.listed() if one.url == plain and wanted in ("", one.version)]
    if not found:
        raise Problem("TRM-013", url=plain)
    if len(found) > 1 and not several:
        raise Problem("TRM-019", url=plain)
    return found[0]


async def _recorded(rooms: Rooms, verb: str, kind: str, url: str) -> None:
    await record(rooms, "admin", interface=f"yiyang terms {verb}", kind=kind, id_=url)


def _line(one: Known) -> str:
    return f"{one.kind} {one.url}" + (f"|{one.version}" if one.version else "")


def _row(one: Known) -> dict[str, object]:
    return {
        "kind": one.kind,
        "url": one.url,
        "version": one.version or None,
        "name": one.name,
        "title": one.title,
        "content": one.content or None,
        "entries": one.entries,
        "own": one.own,
        "listed": not one.problem,
    }


_VERSION = Option("--version", default="", texts=("版本", "its version"))
WORDS = {
    "load": Word(
        "load",
        load,
        (
            "载入 FHIR JSON（CodeSystem、ValueSet、ConceptMap 或 Bundle）或 CSV（code,display[,parent,pinyin,en,…]）",
            "Load FHIR JSON (CodeSystem, ValueSet, ConceptMap, a Bundle of them) or CSV "
            "(code,display[,parent,pinyin,en,...])",
        ),
        [
            argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
            Option("--system", default="", texts=("CSV 的代码系统地址", "url of the code system that a CSV holds")),
            _VERSION,
            Option("--name", default="", texts=("CSV 的名称，默认为文件名", "its name; default: that of the file")),
        ],
    ),
    "list": Word(
        "list",
        list_,
        ("列出已载入的术语", "List what is loaded"),
        [Option("--kind", default="", type=click.Choice(["", *KINDS]), texts=("只列一种", "one kind only"))],
    ),
    "show": Word(
        "show",
        show,
        ("显示一个代码系统或值集，可按词查找", "Show a code system or value set, look for words in it"),
        [
            argument("url"),
            _VERSION,
            Option("--filter", "text", default="", texts=("要找的词", "words to look for")),
            Option("--count", default=20, type=click.IntRange(0, 1000), texts=("最多几条", "how many at most")),
        ],
    ),
    "remove": Word(
        "remove",
        remove,
        ("删除自行载入的一个版本", "Remove one version that was loaded here"),
        [argument("url"), _VERSION, Option("--yes", is_flag=True, texts=("确认删除", "confirm"))],
    ),
}
WORD = Words(
    "terms",
    {
        "load": ("terms", "载入文件", "load a file"),
        "list": ("terms", "列出术语", "list them"),
        "show": ("terms", "显示、查找代码", "show one, look for codes"),
        "remove": ("terms", "删除一个版本", "remove a version"),
    },
    ("代码系统、值集与概念映射", "Code systems, value sets and concept maps"),
)
