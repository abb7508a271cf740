"""A customer's own table of codes, as CSV: `code,display[,parent,...]` with a head, in UTF-8 or GB18030.

In: the bytes of a file. Out: the concepts of a code system. All or nothing: each bad row is named by its line and the
rule, never by its content, up to MAX_FAULTS. A text stays a text: nothing in it is carried out or trimmed away in the
middle. Source: RFC 4180; design default for the names of columns.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping

from gateway.fhir.problem import Problem, Problems
from gateway.terminology.reading import MAX_BYTES
from gateway.terminology.values import Concept, Designation

MAX_ROWS = 500_000
MAX_CODE, MAX_TEXT, MAX_COLUMNS = 128, 1000, 32
MAX_FAULTS = 100
EVERY_ROWS = 20_000
"""How often progress is told (design default)."""
NAMES: Mapping[str, str] = {
    "code": "code", "编码": "code", "代码": "code",
    "display": "display", "名称": "display", "诊断名称": "display",
    "parent": "parent", "上级": "parent", "上级编码": "parent",
    "pinyin": "pinyin", "拼音": "pinyin", "拼音码": "pinyin",
    "en": "en", "英文": "en", "英文名称": "en",
}  # fmt: skip
"""What the columns may be called; any other column becomes a property of that name."""


def concepts(body: bytes, *, told: Callable[[int], None] = lambda _: None) -> list[Concept]:
    """Return the concepts of the table ``body``; ``told`` hears from time to time how many rows are read.

    Raises Problem TRM-010 (no table), Problems of TRM-011 (bad rows).
    """
    if len(body) > MAX_BYTES:
        raise _unreadable(f"超过 {MAX_BYTES} 字节", f"it is larger than {MAX_BYTES} bytes")
    rows = _rows(_text(body))
    head = next(rows, (1, []))[1]
    columns = [NAMES.get(name.strip().lower(), name.strip()) for name in head]
    _demand_columns(columns)
    sheet = _Sheet(columns)
    for line, cells in rows:
        if any(cell.strip() for cell in cells):
            sheet.add(line, cells)
        if len(sheet.found) % EVERY_ROWS == 0 and sheet.found:
            told(len(sheet.found))
    sheet.demand_parents()
    if sheet.faults:
        raise Problems(sheet.faults[:MAX_FAULTS])
    if not sheet.found:
        raise _unreadable("没有数据行", "it holds no row")
    return list(sheet.found.values())


class _Sheet:
    """The rows read so far."""

    def __init__(self, columns: list[str]) -> None:
        self._columns = columns
        self.found: dict[str, Concept] = {}
        self.faults: list[Problem] = []
        self._lines: dict[str, int] = {}

    def add(self, line: int, cells: list[str]) -> None:
        """Take one row, or note what is wrong with it."""
        if len(cells) != len(self._columns):
            return self._bad(line, f"应有 {len(self._columns)} 列", f"{len(self._columns)} columns are expected")
        row = dict(zip(self._columns, (cell.strip() for cell in cells), strict=True))
        code, display = row.pop("code"), row.pop("display")
        if not code or len(code) > MAX_CODE or "  " in code:
            return self._bad(line, f"代码应为 1 至 {MAX_CODE} 个字符", f"a code has 1 to {MAX_CODE} characters")
        if not display or any(len(text) > MAX_TEXT for text in (display, *row.values())):
            return self._bad(line, f"名称应为 1 至 {MAX_TEXT} 个字符", f"a display has 1 to {MAX_TEXT} characters")
        if not all(text.isprintable() for text in (code, display, *row.values())):
            return self._bad(line, "含控制字符", "it holds control characters")
        if code in self._lines:
            first = self._lines[code]
            return self._bad(line, f"代码与第 {first} 行相同", f"its code is that of line {first}")
        if len(self.found) >= MAX_ROWS:
            raise _unreadable(f"超过 {MAX_ROWS} 行", f"it has more than {MAX_ROWS} rows")
        self._lines[code] = line
        parent, pinyin, english = (row.pop(name, "") for name in ("parent", "pinyin", "en"))
        words = [Designation("zh-Latn-pinyin", "pinyin", pinyin)] if pinyin else []
        words += [Designation("en", "display", english)] if english else []
        props = {name: value for name, value in row.items() if value}
        self.found[code] = Concept(code, display, parent, tuple(words), props)
        return None

    def demand_parents(self) -> None:
        """Note every row whose parent is not there, and whatever is above itself."""
        for code, concept in self.found.items():
            if concept.parent and concept.parent not in self.found:
                self._bad(self._lines[code], "上级代码不在表中", "its parent is not in the table")
        if not self.faults:
            for code in self._circular():
                self._bad(self._lines[code], "上级关系成环", "it is above itself")

    def _circular(self) -> Iterator[str]:
        fine: set[str] = set()
        for code in self.found:
            path: dict[str, None] = {}
            at = code
            while at and at not in fine and at not in path:
                path[at] = None
                at = self.found[at].parent
            if at in path:
                yield code
                return
            fine.update(path)

    def _bad(self, line: int, what: str, what_en: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Problem("TRM-011", line=line, what=what, what_en=what_en))


def _text(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable("既不是 UTF-8 也不是 GB18030", "it is neither UTF-8 nor GB18030")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(f"第 {line} 行：{error}", f"line {line}: {error}") from None


def _demand_columns(columns: list[str]) -> None:
    if "code" not in columns or "display" not in columns:
        raise _unreadable("第一行应有 code 与 display 两列", "its first line must name the columns code and display")
    plain = all(name and name.isprintable() and len(name) <= MAX_CODE for name in columns)
    if len(set(columns)) != len(columns) or len(columns) > MAX_COLUMNS or not plain:
        raise _unreadable("列名为空或重复", "a column has no name, or one twice")


def _unreadable(what: str, what_en: str) -> Problem:
    return Problem("TRM-010", what=what, what_en=what_en)
