"""Codes and the sets they are in: what a caller of an operation or the loader of a file is told."""

from __future__ import annotations

from gateway.fhir.problem_table.row import Row

ROWS: dict[str, Row] = {
    "TRM-001": Row(404, "not-found", "没有载入代码系统 {url}", "the code system {url} is not loaded"),
    "TRM-002": Row(404, "not-found", "代码系统 {system} 中没有该代码", "the code system {system} has no such code"),
    "TRM-003": Row(404, "not-found", "没有载入值集 {url}", "the value set {url} is not loaded"),
    "TRM-004": Row(404, "not-found", "没有适用的概念映射", "no concept map is loaded that fits"),
    "TRM-005": Row(400, "required", "缺少参数 {name}", "the parameter {name} is missing"),
    "TRM-006": Row(400, "not-supported", "此操作不认识参数 {name}", "this operation knows no parameter {name}"),
    "TRM-007": Row(400, "value", "参数 {name} 不可用：{what}", "the parameter {name} cannot be used: {what_en}"),
    "TRM-008": Row(
        422, "not-supported", "值集 {url} 无法列出：{what}", "the value set {url} cannot be listed: {what_en}"
    ),
    "TRM-009": Row(
        422,
        "too-costly",
        "{url} 有 {total} 个代码，超过 {limit}：请缩小范围",
        "{url} has {total} codes, more than {limit}: ask for less",
    ),
    "TRM-010": Row(422, "invalid", "文件无法读取：{what}", "the file cannot be read: {what_en}"),
    "TRM-011": Row(422, "invalid", "第 {line} 行：{what}", "line {line}: {what_en}"),
    "TRM-012": Row(
        409,
        "conflict",
        "{url} 的这个版本随程序提供，不可替换或删除：请换一个版本号",
        "this version of {url} comes with the program and is neither replaced nor removed: choose another version",
    ),
    "TRM-013": Row(404, "not-found", "没有载入 {url}", "{url} is not loaded"),
    "TRM-014": Row(
        403,
        "security",
        "将删除 {kind} {url}（{entries} 条）：确认后加 --yes",
        "this removes the {kind} {url} ({entries} entries): add --yes to confirm",
    ),
    "TRM-015": Row(422, "code-invalid", "{system} 中没有该代码", "{system} has no such code"),
    "TRM-016": Row(
        422,
        "code-invalid",
        "{system} 只载入了一部分，其中没有该代码",
        "only a part of {system} is loaded, and the code is not in it",
    ),
    "TRM-017": Row(422, "code-invalid", "值集 {url} 中没有该代码", "the value set {url} has no such code"),
    "TRM-018": Row(
        200,
        "invalid",
        "显示名与代码不符，应为“{display}”",
        "the display does not belong to the code: it is '{display}'",
    ),
    "TRM-019": Row(
        409, "conflict", "{url} 有几个版本：请用 --version 指明", "{url} has several versions: name one by --version"
    ),
    "TRM-020": Row(
        422,
        "too-costly",
        "观察记录超过 {limit} 条：请加 code 或 category",
        "there are more than {limit} observations: ask by code or category",
    ),
}
