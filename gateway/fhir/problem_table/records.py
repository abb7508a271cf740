"""What a sender is told of its message: `gateway.intake`, `gateway.formats`, `gateway.mapping`."""

from __future__ import annotations

from gateway.fhir.problem_table.row import Row

ROWS: dict[str, Row] = {
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
    "IN-010": Row(
        500,
        "exception",
        "处理时发生内部错误，记录已保留，可重放",
        "an internal fault: the record is kept and can be replayed",
    ),
    "IN-011": Row(
        422,
        "value",
        "报文中的发送机构与登记的发送方不符",
        "the message names another sending organisation than the registered sender",
    ),
    "IN-012": Row(
        403,
        "forbidden",
        "发送机构目前无权报送该老人的这类记录，本条已暂存；中心请先接收转诊，站点须由照护计划指定，且老人的同意书列明本机构。"
        "之后请用新的消息号重发，或请平台管理员重放",
        "the sender may not hand in such records of this elder now: parked. A centre accepts the referral first, a "
        "station is named by the care plan, and the elder's consent names either; then send it under a new message "
        "id, or have it replayed",
    ),
    # gateway.formats: bytes to records
    "FMT-001": Row(
        400, "structure", "记录不是合法的 JSON 对象：{reason}", "the record is no valid JSON object: {reason}"
    ),
    "FMT-002": Row(413, "too-long", "消息超过 {limit} 字节的上限", "the message exceeds {limit} bytes"),
    "FMT-003": Row(
        400,
        "structure",
        "第 {at} 字节起不是 {charset} 字符，请按声明的字符集重发",
        "from byte {at} on this is not {charset}: send it in the declared charset",
    ),
    "FMT-004": Row(400, "structure", "对象中出现重复的键 {key}", "duplicate key {key} in an object"),
    "FMT-005": Row(400, "structure", "嵌套超过 {limit} 层", "nesting exceeds {limit} levels"),
    "FMT-010": Row(
        400, "structure", "消息不以完整的 MSH 段开头", "the message does not begin with a whole MSH segment"
    ),
    "FMT-011": Row(
        400,
        "not-supported",
        "MSH-18 的字符集 {charset} 不受支持，请用 UNICODE UTF-8 或 GB 18030-2000",
        "the charset {charset} in MSH-18 is not supported: use UNICODE UTF-8 or GB 18030-2000",
    ),
    "FMT-012": Row(400, "structure", "MSH-1、MSH-2 的分隔符不可用", "the delimiters in MSH-1 and MSH-2 are unusable"),
    "FMT-013": Row(400, "structure", "第 {number} 段的段名不合法", "segment {number} has no valid name"),
    "FMT-014": Row(
        413, "too-long", "段数或字段数超过上限（{limit} 段）", "too many segments or fields ({limit} segments)"
    ),
    "FMT-015": Row(
        400, "structure", "批文件第 {number} 行不属于任何消息", "line {number} of the batch is in no message"
    ),
    "FMT-016": Row(
        400,
        "structure",
        "批文件声明的数量与实际的 {found} 不符",
        "the batch declares another count than the {found} found",
    ),
    # gateway.mapping: records to resources
    "MAP-001": Row(500, "exception", "映射文件有误：{reason}", "the map has an error: {reason}"),
    "MAP-002": Row(200, "informational", "映射文件提示：{reason}", "the map has a remark: {reason}"),
    "MAP-003": Row(
        422, "structure", "{label}应为单个值（{rule}）", "{label}: a single value is expected here ({rule})"
    ),
    "MAP-004": Row(422, "required", "缺少必填的{label}（{rule}）", "{label} is required and missing ({rule})"),
    "MAP-005": Row(
        422,
        "required",
        "缺少 {element}，资源不完整（{rule}）",
        "{element} is missing, the resource is incomplete ({rule})",
    ),
    "MAP-006": Row(
        422,
        "structure",
        "此处应为对象，收到的是 {found}",
        "an object is expected here, not a value of type {found}",
    ),
    "MAP-010": Row(
        422,
        "code-invalid",
        "{label}的代码 {value} 不在表 {table} 中，请更正代码或补充对照表（{rule}）",
        "{label}: code {value} is not in table {table}: correct the code or extend the table ({rule})",
    ),
    "MAP-011": Row(
        200,
        "code-invalid",
        "{label}的代码 {value} 不在表 {table} 中，按文本保留（{rule}）",
        "{label}: code {value} is not in table {table}, kept as text ({rule})",
    ),
    "MAP-020": Row(
        422,
        "value",
        "{label} {value} 不是有效的日期或时间（{rule}）",
        "{label}: {value} is no valid date or time ({rule})",
    ),
    "MAP-021": Row(
        422, "value", "{label} {value} 不是有效的数值（{rule}）", "{label}: {value} is no valid number ({rule})"
    ),
    "MAP-022": Row(
        422,
        "value",
        "{label} {value} 不是有效的居民身份证号，请核对号码与校验位（{rule}）",
        "{label}: {value} is no valid resident identity number: check the digits and the check digit ({rule})",
    ),
    "MAP-023": Row(
        422,
        "value",
        "{label} {value} 不是有效的统一社会信用代码（{rule}）",
        "{label}: {value} is no valid unified social credit code ({rule})",
    ),
    "MAP-024": Row(
        422, "value", "{label} {value} 不是是否值（{rule}）", "{label}: {value} is neither true nor false ({rule})"
    ),
    "MAP-025": Row(
        422,
        "value",
        "{label} {value} 不是可识别的频次，应为每日n次、每周n次、每月n次、每年n次或按需（{rule}）",
        "{label}: {value} is no known frequency such as 每日n次 or 按需 ({rule})",
    ),
    "MAP-027": Row(
        422,
        "value",
        "{label} {value} 不能作为 {type} 类型的值（{rule}）",
        "{label}: {value} cannot be a value of type {type} ({rule})",
    ),
    "MAP-030": Row(
        422,
        "value",
        "评估项目 {items} 缺失或超出分值范围（{rule}）",
        "assessment items {items} are missing or out of range ({rule})",
    ),
    "MAP-031": Row(
        422,
        "business-rule",
        "申报的{what} {declared} 与按条目计算的 {computed} 不一致（{rule}）",
        "the declared {what_en} {declared} differs from {computed}, computed from the items ({rule})",
    ),
    "MAP-040": Row(422, "business-rule", "{zh}（{rule}）", "{en} ({rule})"),
    "MAP-050": Row(
        422,
        "duplicate",
        "记录中有两个内容不同的 {kind} 使用同一标识（{rule}）",
        "two different {kind} of this record share one id ({rule})",
    ),
    "MAP-051": Row(
        422, "too-costly", "问题超过 {limit} 个，其余未列出", "more than {limit} problems, the rest is not listed"
    ),
}
