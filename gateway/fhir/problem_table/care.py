"""Who an elder is and what may happen next: `gateway.identity`, `gateway.workflow`."""

from __future__ import annotations

from gateway.fhir.problem_table.row import Row

ROWS: dict[str, Row] = {
    # gateway.identity
    "ID-001": Row(
        422,
        "required",
        "没有可以确认身份的标识：需要有效的居民身份证号，或带分配机构的院内患者号",
        "no identifier decides who this is: a valid resident identity card or the hospital's own number is needed",
    ),
    "ID-002": Row(
        409,
        "duplicate",
        "记录中的标识分别属于两位老人，请人工核对身份后重放",
        "the identifiers belong to two different elders: have a person review them, then replay",
    ),
    "ID-003": Row(
        409,
        "conflict",
        "该院内患者号已登记另一个身份证号，请人工核对后重放",
        "this hospital number is registered with another identity card: review, then replay",
    ),
    # gateway.workflow
    "WF-001": Row(403, "business-rule", "该任务不可由此接口修改", "this task may not be changed here"),
    "WF-002": Row(
        422,
        "business-rule",
        "任务不能从状态 {source_state} 变为 {target_state}",
        "a task may not go from {source_state} to {target_state}",
    ),
    "WF-003": Row(
        403,
        "forbidden",
        "角色 {role} 不得将任务变为 {target_state}",
        "the role {role} may not move a task to {target_state}",
    ),
    "WF-004": Row(
        403, "forbidden", "只有任务的承接机构可以办理", "only the organisation that owns the task may act on it"
    ),
    "WF-005": Row(
        422, "required", "谢绝或未完成时必须填写 statusReason", "declining or not completing needs a statusReason"
    ),
    "WF-006": Row(
        422,
        "business-rule",
        "绿色通道（STAT）转诊不得谢绝，只能改派",
        "a STAT referral may not be declined, only re-routed",
    ),
    "WF-007": Row(
        422,
        "value",
        "businessStatus 为 {state} 时 status 应为 {status}",
        "with businessStatus {state} the status must be {status}",
    ),
}
