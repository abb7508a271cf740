"""What a request or a write is told: `gateway.api`, `gateway.hub`."""

from __future__ import annotations

from gateway.fhir.problem_table.row import Row

ROWS: dict[str, Row] = {
    # gateway.api
    "API-001": Row(400, "invalid", "请求头 {name} 的写法不对：{reason}", "the header {name} is malformed: {reason}"),
    "API-002": Row(404, "not-found", "没有这个地址", "there is nothing at this address"),
    "API-003": Row(
        405, "not-supported", "此处不支持 {method}，可用：{allowed}", "{method} is not supported here, only {allowed}"
    ),
    "API-004": Row(
        406,
        "not-supported",
        "只提供 application/fhir+json 和 application/fhir+xml（R4）；请检查 Accept 和 _format",
        "only application/fhir+json and application/fhir+xml (R4) are served: see Accept and _format",
    ),
    "API-005": Row(415, "not-supported", "请求内容的类型应为 {expected}", "the content must be of the type {expected}"),
    "API-006": Row(
        500,
        "exception",
        "服务器内部错误；请把请求编号 {request} 告诉管理员",
        "an internal error: tell the administrator the request id {request}",
    ),
    "API-007": Row(
        400, "invalid", "无法读取查询串或表单：{reason}", "the query string or form cannot be read: {reason}"
    ),
    "API-008": Row(
        400,
        "not-supported",
        "尚不支持参数 {name}，不会忽略它；请去掉后重试",
        "the parameter {name} is not supported here and is never ignored: leave it out",
    ),
    "API-009": Row(200, "informational", "已完成", "done"),
    "API-010": Row(200, "informational", "内容合法，可以接受", "the content is valid and would be accepted"),
    "API-012": Row(413, "too-long", "请求超过 {limit} 字节的上限", "the request exceeds the limit of {limit} bytes"),
    "API-040": Row(400, "structure", "请求内容不是完整的 gzip", "the content is not one whole gzip stream"),
    # gateway.hub
    "HUB-001": Row(403, "forbidden", "令牌缺少授权范围 {scope}", "the token lacks the scope {scope}"),
    "HUB-002": Row(
        403,
        "forbidden",
        "当前角色不得使用检索参数 {parameter}：该元素对其遮蔽",
        "your role may not search or sort by {parameter}: the element is masked for it",
    ),
    "HUB-003": Row(
        400,
        "too-costly",
        "链式参数 {parameter} 命中超过 {limit} 个目标，请缩小范围",
        "the chained parameter {parameter} meets more than {limit} targets: narrow it",
    ),
    "HUB-004": Row(
        422,
        "not-found",
        "所引用的老人（Patient）不存在",
        "the Patient that is referred to does not exist",
    ),
    "HUB-005": Row(
        400, "invalid", "资源的 id 与地址中的不一致", "the id of the resource is not the one of the address"
    ),
    "HUB-006": Row(
        400,
        "not-supported",
        "历史查询支持 _count（1 以上）、_since（时刻）、_at（日期）、_summary、_elements；{parameter} 不可用",
        "a history takes _count (from 1), _since (an instant), _at (a date), _summary, _elements; not this {parameter}",
    ),
    "HUB-007": Row(
        428,
        "required",
        "更新任务须带 If-Match，内容为读到的 ETag",
        "an update of a Task needs If-Match with the ETag that was read",
    ),
    "HUB-008": Row(
        422,
        "business-rule",
        "资源不得改到另一位老人名下；请删除后重新建立",
        "a resource may not be moved to another person: delete it and create a new one",
    ),
    "HUB-009": Row(
        400,
        "invalid",
        "翻页链接无效，或属于另一使用者或另一次查询；请从第一页重新查询",
        "the page link is not valid, or belongs to another caller or search: start again from the first page",
    ),
    "HUB-010": Row(
        400,
        "not-supported",
        "只接受 type 为 transaction 或 batch 的 Bundle，收到的是 {type}",
        "only a Bundle of type transaction or batch is accepted here, not {type}",
    ),
    "HUB-011": Row(
        413,
        "too-long",
        "一个 Bundle 至多 {limit} 个条目或条件式引用，请分批提交",
        "a Bundle holds at most {limit} entries or conditional references: split it",
    ),
    # HUB-012: conditional entries, refused until they were built.
    "HUB-013": Row(
        400,
        "invalid",
        "无法理解该条目：方法、地址（Type、Type/id、Type?条件）、资源和条件须相互对应",
        "this entry is not understood: method, address (Type, Type/id, Type?...), resource and conditions must fit",
    ),
    "HUB-014": Row(
        400,
        "duplicate",
        "同一资源、fullUrl 或条件在事务中出现两次",
        "one resource, fullUrl or set of criteria stands twice in the transaction",
    ),
    "HUB-040": Row(
        400,
        "required",
        "没有给出检索条件；条件式操作至少需要一个检索参数",
        "no criteria were given: a conditional interaction needs at least one search parameter",
    ),
    "HUB-041": Row(
        409,
        "conflict",
        "同一条件下不断有其他写入，请稍后重试；资源未改动",
        "others keep writing under the same criteria: nothing was changed, try again later",
    ),
    "HUB-042": Row(
        412,
        "multiple-matches",
        "符合条件的资源超过 {limit} 个，未作改动；请给出更具体的条件",
        "more than {limit} resources meet the criteria: nothing was changed, be more specific",
    ),
    "HUB-043": Row(
        412,
        "conflict",
        "资源已存在，而请求要求它不存在（If-None-Match: *）",
        "the resource exists, and the request asks that it does not (If-None-Match: *)",
    ),
    "HUB-044": Row(
        400,
        "not-supported",
        "参数 {parameter} 不能作为条件",
        "the parameter {parameter} cannot be a criterion",
    ),
    "HUB-045": Row(
        412,
        "not-found",
        "条件式引用没有恰好对应一个可见的资源，未作改动",
        "a conditional reference does not meet exactly one resource that you may see: nothing was changed",
    ),
    "HUB-046": Row(
        400,
        "invalid",
        "fullUrl 与条目不符；新建的资源请用 urn:uuid",
        "the fullUrl is not that of its entry: use urn:uuid for a new resource",
    ),
    "HUB-047": Row(
        400,
        "invalid",
        "batch 中的条目不得引用同一 batch 的其他条目；请改用 transaction",
        "an entry of a batch may not refer to another one of it: use a transaction",
    ),
    "HUB-015": Row(
        503,
        "transient",
        "同意与转介信息暂时无法核对，请稍后重试",
        "consents and referrals cannot be confirmed at present: try again later",
    ),
    "HUB-030": Row(
        200,
        "too-costly",
        "随附资源超过 {limit} 个，未全部列出；请减小 _count 或缩小 _include 的范围",
        "more than {limit} resources would come with this page and some are left out: use a smaller _count or include",
    ),
    "HUB-031": Row(
        410,
        "expired",
        "翻页链接已过期，请从第一页重新查询",
        "the page link has expired: start again from the first page",
    ),
}
