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
        "只接受 type 为 transaction 的 Bundle，收到的是 {type}",
        "only a Bundle of type transaction is accepted here, not {type}",
    ),
    "HUB-011": Row(
        413,
        "too-long",
        "一个事务至多 {limit} 个条目，请分批提交",
        "a transaction holds at most {limit} entries: split it",
    ),
    "HUB-012": Row(
        400,
        "not-supported",
        "尚不支持条件式操作（按检索条件新建、更新、删除），也不会忽略条件",
        "conditional create, update and delete are not supported yet, and a condition is never ignored",
    ),
    "HUB-013": Row(
        400,
        "invalid",
        "无法理解该条目：需要 GET、POST、PUT 或 DELETE，地址为 Type 或 Type/id，资源与之相符",
        "this entry is not understood: GET, POST, PUT or DELETE of Type or Type/id, with a resource that fits",
    ),
    "HUB-014": Row(
        400,
        "duplicate",
        "同一资源或 fullUrl 在事务中出现两次",
        "one resource or fullUrl stands twice in the transaction",
    ),
    "HUB-015": Row(
        503,
        "transient",
        "同意与转介信息暂时无法核对，请稍后重试",
        "consents and referrals cannot be confirmed at present: try again later",
    ),
}
