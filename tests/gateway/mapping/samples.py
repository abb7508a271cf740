"""Small maps and records for the tests of the mapping room."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.fhir.problem import Problem, Problems
from gateway.formats import read
from gateway.mapping import Context, Map, MapResult
from gateway.mapping.compiler import compile_program
from gateway.mapping.tables import read_csv

ROOT = Path(__file__).parents[3]
HOSPITAL = "12410000MB00000010"
CENTRE = "12410100MB00000028"
HEAD = """\
map: test/sample
version: 1.0.0
source:
  format: json
  message: msgId
  fields:
    msgId: {zh: 消息编号, mask: none}
    name: {zh: 姓名, mask: name}
    idNo: {zh: 证件号码, mask: id}
    sex: {zh: 性别, mask: none}
    birth: {zh: 出生日期, mask: date}
    start: {zh: 开始, mask: none}
    end: {zh: 结束, mask: none}
    org: {zh: 机构, mask: none}
    flag: {zh: 标志, mask: none}
    number: {zh: 数值, mask: none}
    tags[]: {zh: 标签, mask: none}
    items[].code: {zh: 代码, mask: none}
    items[].name: {zh: 名称, mask: text}
    scores{}.key: {zh: 项目, mask: none}
    scores{}.value: {zh: 得分, mask: none}
    total: {zh: 总分, mask: none}
    level: {zh: 等级, mask: none}
"""


def context(**changes: Any) -> Context:
    """Give a context with readable ids and a fixed clock."""
    given = {
        "make_id": lambda kind, *parts: "-".join((kind, *parts[1:])),
        "organisation": HOSPITAL,
        "is_registered": {HOSPITAL, CENTRE}.__contains__,
        "received": datetime(2026, 3, 12, 8, 31, tzinfo=UTC),
        "message": "M1",
    }
    return Context(**(given | changes))


def compiled(body: str, *, head: str = HEAD, tables: Path | None = None) -> Map:
    """Give the map of ``body`` under the head of the sample."""
    program, _ = compile_program(
        head + body, file="test/sample/map.yaml", read_table=lambda name: read_csv((tables or ROOT) / name)
    )
    return Map(program, file="test/sample/map.yaml")


def faults(body: str, *, head: str = HEAD) -> list[Problem]:
    """Give what the compiler refuses in ``body``."""
    with pytest.raises(Problems) as refused:
        compiled(body, head=head)
    return list(refused.value.problems)


def run(body: str, record: dict[str, Any], **changes: Any) -> MapResult:
    """Give what the map of ``body`` makes of ``record``."""
    return compiled(body).run(read("json", json.dumps(record).encode()), context=context(**changes))


def one(body: str, record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Give the only resource that comes out, without faults."""
    result = run(body, record, **changes)
    assert result.issues == ()
    (resource,) = result.resources
    return resource
