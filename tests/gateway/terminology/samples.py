"""A small ICD-10 as a customer may have it, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

from gateway.terminology import CodeSystem, Head, concepts, loadables
from gateway.terminology.values import Loadable

ICD = "urn:oid:2.16.156.10011.2.3.3.11"
SHEET = """code,display,parent,pinyin,en,章节
I50,心力衰竭,,XLSJ,Heart failure,循环系统
I50.0,充血性心力衰竭,I50,CXXXLSJ,Congestive heart failure,循环系统
I50.900x007,急性心力衰竭,I50,JXXLSJ,,循环系统
I63,脑梗死,,NGS,Cerebral infarction,循环系统
I63.900,脑梗死未特指,I63,NGSWTZ,,循环系统
J18,肺炎,,FY,Pneumonia,呼吸系统
X_1,百分之一%的编码,,,,其他
"""


def icd(sheet: str = SHEET, *, version: str = "2.0", url: str = ICD) -> CodeSystem:
    return CodeSystem(Head(url, version, "icd", "ICD10", "疾病分类", "zh-CN"), concepts(sheet.encode()))


def resource(kind: str, url: str, **more: Any) -> Loadable:
    """Return what a file with one resource holds."""
    return loadables(json.dumps({"resourceType": kind, "url": url, "status": "active", **more}).encode())[0]


def value_set(url: str, *include: dict[str, Any], exclude: list[dict[str, Any]] | None = None) -> Loadable:
    compose: dict[str, Any] = {"include": list(include)}
    return resource("ValueSet", url, compose=compose | ({"exclude": exclude} if exclude else {}))
