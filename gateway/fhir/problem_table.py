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
    "SEC-901": Row(
        500,
        "exception",
        "密文校验失败，数据被改动或移动过",
        "a sealed body fails its check: altered or moved",
    ),
    "SEC-902": Row(
        500,
        "exception",
        "签名校验失败，不是本机构签署的检查点",
        "a checkpoint is not signed by this installation",
    ),
    "SEC-903": Row(
        503,
        "exception",
        "无法更新密钥文件 {path}（{reason}），停止加密；请确认其目录可写",
        "the key file {path} cannot be updated ({reason}), so nothing is sealed: make its folder writable",
    ),
    "SEC-910": Row(
        500,
        "exception",
        "密钥文件 {path} 已存在，不会覆盖；如确需新建请先移走它",
        "the key file {path} exists and is never overwritten: move it away first if a new one is really meant",
    ),
    "SEC-911": Row(
        500,
        "exception",
        "无法读取或建立密钥文件 {path}（{reason}）；新安装请运行 yiyang init，否则请从备份恢复",
        "the key file {path} cannot be read or made ({reason}): run yiyang init if this is new, else restore it",
    ),
    "SEC-912": Row(
        500,
        "exception",
        "密钥文件 {path} 的权限为 {mode}、属主为 {owner}，必须只有运行用户 {user} 可读写；"
        "请运行 chown {user} {path} && chmod 600 {path}",
        "the key file {path} has mode {mode} and owner {owner}, but only the running user {user} may read it: "
        "run chown {user} {path} && chmod 600 {path}",
    ),
    "SEC-913": Row(
        500,
        "exception",
        "密钥文件 {path} 已损坏，请从备份恢复；没有它，已加密的数据无法打开",
        "the key file {path} is damaged: restore it from its backup, sealed data cannot be opened without it",
    ),
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
    "WF-004": Row(403, "forbidden", "只有任务的承接机构可以办理", "only the organisation that owns the task may act on it"),
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
    # gateway.intake
    "IN-001": Row(400, "required", "信封缺少 {field}", "the envelope lacks {field}"),
    "IN-002": Row(
        409,
        "duplicate",
        "同一消息号已用于另一内容，本条已暂存；请用新的消息号重发，或人工核对",
        "this message id was used with other content: parked; send it under a new id, or have it reviewed",
    ),
    "IN-003": Row(
        422,
        "code-invalid",
        "机构 {organisation} 未登记，请核对统一社会信用代码或先登记该机构",
        "organisation {organisation} is not registered: check its credit code or register it first",
    ),
    "IN-004": Row(403, "forbidden", "未登记的发送方", "unknown sender"),
    "IN-005": Row(404, "not-found", "没有名为 {feed} 的接入通道", "there is no feed named {feed}"),
    "IN-006": Row(404, "not-found", "没有这条消息", "no such message"),
    "IN-007": Row(413, "too-long", "消息超过 {limit} 字节的上限", "the message exceeds the limit of {limit} bytes"),
    "IN-008": Row(400, "incomplete", "帧不完整，连接已断开", "the frame was cut off"),
    "IN-009": Row(
        503,
        "transient",
        "收件箱暂时不可用，消息未保存，请稍后重发",
        "the inbox is unavailable, the message was not kept: send it again later",
    ),
    "IN-010": Row(500, "exception", "处理时发生内部错误，记录已保留，可重放", "an internal fault: the record is kept and can be replayed"),
    "IN-011": Row(
        422,
        "value",
        "报文中的发送机构与登记的发送方不符",
        "the message names another sending organisation than the registered sender",
    ),
}
