"""The table of problems: code -> HTTP status, FHIR issue type, Chinese and English text.

Codes are stable and grouped by room (FHIR-, MAP-, FMT-, SEC-, IN-, ID-, WF-, STO-); a retired code stays as a comment.
Texts name what is wrong, where, and the way out; they never quote patient data.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One problem: ``status`` (HTTP), ``issue`` (FHIR issue-type code), texts with ``{detail}`` places."""

    status: int
    issue: str
    zh: str
    en: str


TABLE: dict[str, Row] = {
    # gateway.fhir: reading and checking resources
    "FHIR-001": Row(400, "structure", "不是合法的 JSON：{reason}", "not valid JSON: {reason}"),
    "FHIR-002": Row(400, "structure", "对象中出现重复的键 {key}", "duplicate key {key} in an object"),
    "FHIR-003": Row(413, "too-long", "内容超过 {limit} 字节的上限", "content exceeds the limit of {limit} bytes"),
    "FHIR-004": Row(400, "structure", "嵌套超过 {limit} 层", "nesting exceeds {limit} levels"),
    # gateway.store
    "STO-404": Row(404, "not-found", "没有这个资源", "no such resource"),
    "STO-410": Row(410, "deleted", "资源 {kind}/{id} 已删除", "resource {kind}/{id} is deleted"),
    "STO-412": Row(
        412,
        "conflict",
        "{kind}/{id} 的版本已变化，请重新读取后再提交",
        "the version of {kind}/{id} has changed: read it again, then submit",
    ),
    "STO-503": Row(503, "transient", "数据库暂时不可用，请稍后重试", "the database is unavailable: try again later"),
    # security
    "SEC-401": Row(401, "login", "需要有效的访问令牌", "a valid access token is required"),
    "SEC-403": Row(403, "forbidden", "当前角色不得执行此操作", "your role may not do this"),
    "SEC-404": Row(404, "not-found", "没有这个资源", "no such resource"),
    "SEC-901": Row(500, "exception", "密文校验失败，数据被改动或移动过", "a sealed body fails its check: altered or moved"),
}
