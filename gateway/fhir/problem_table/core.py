"""What is wrong with a resource or with its version: `gateway.fhir`, `gateway.store`."""

from __future__ import annotations

from gateway.fhir.problem_table.row import Row

ROWS: dict[str, Row] = {
    # gateway.fhir: reading and checking resources
    "FHIR-001": Row(400, "structure", "不是合法的 JSON：{reason}", "not valid JSON: {reason}"),
    "FHIR-002": Row(400, "structure", "对象中出现重复的键 {key}", "duplicate key {key} in an object"),
    "FHIR-003": Row(413, "too-long", "内容超过 {limit} 字节的上限", "content exceeds the limit of {limit} bytes"),
    "FHIR-004": Row(400, "structure", "嵌套超过 {limit} 层", "nesting exceeds {limit} levels"),
    "FHIR-005": Row(
        400, "invalid", "资源类型应为 {expected}，实际为 {found}", "the resource type must be {expected}, not {found}"
    ),
    "FHIR-006": Row(400, "structure", "没有名为 {kind} 的 R4 资源类型", "R4 has no resource type named {kind}"),
    "FHIR-010": Row(400, "structure", "{type} 没有元素 {name}", "{type} has no element {name}"),
    "FHIR-011": Row(400, "required", "缺少必填元素 {name}", "the required element {name} is missing"),
    "FHIR-012": Row(400, "structure", "此处应为 {expected}", "{expected} is expected here"),
    "FHIR-013": Row(400, "value", "不是合法的 {type} 值", "not a valid {type}"),
    "FHIR-014": Row(
        400,
        "code-invalid",
        "代码不在必须使用的值集 {valueset} 内",
        "the code is not in the required value set {valueset}",
    ),
    "FHIR-015": Row(
        400, "structure", "不允许空值：请删去该元素或给出内容", "empty values are not allowed: leave it out or fill it"
    ),
    "FHIR-016": Row(400, "structure", "{name}[x] 只能有一种取值", "only one form of {name}[x] may be given"),
    "FHIR-017": Row(400, "value", "引用的写法不合法", "the reference is malformed"),
    "FHIR-018": Row(
        422,
        "value",
        "此处不能引用 {found}，允许：{allowed}",
        "a reference to {found} is not allowed here, only to {allowed}",
    ),
    "FHIR-019": Row(
        422, "not-found", "contained 中没有所引用的资源", "no contained resource has the id that is referred to"
    ),
    "FHIR-020": Row(422, "invariant", "违反规则 {key}：{zh}", "the rule {key} is broken: {human}"),
    "FHIR-021": Row(
        422,
        "security",
        "叙述文本中不允许 {what}，只可使用 R4 规定的 XHTML 子集",
        "the narrative may not hold {what}: only the XHTML subset of R4 is allowed",
    ),
    "FHIR-022": Row(
        422,
        "duplicate",
        "contained 或 Bundle 中重复的标识：{name}",
        "duplicate identity within contained or the Bundle: {name}",
    ),
    "FHIR-023": Row(400, "structure", "不符合 R4 的结构要求：{reason}", "does not have the structure of R4: {reason}"),
    "FHIR-024": Row(
        422,
        "business-rule",
        "一份资源只能关于一位老人；请按人分成多份",
        "a resource may be about one person only: send one for each person",
    ),
    "FHIR-030": Row(
        422, "required", "规范 {profile} 要求 {name} 至少 {min} 个", "{profile} requires at least {min} of {name}"
    ),
    "FHIR-031": Row(
        422, "structure", "规范 {profile} 允许 {name} 至多 {max} 个", "{profile} allows at most {max} of {name}"
    ),
    "FHIR-032": Row(
        422,
        "value",
        "规范 {profile} 规定了 {name} 的值，此处不符",
        "{profile} fixes the value of {name}: it differs here",
    ),
    "FHIR-033": Row(
        422,
        "code-invalid",
        "规范 {profile} 要求 {name} 取自值集 {valueset}",
        "{profile} requires {name} to be from the value set {valueset}",
    ),
    "FHIR-034": Row(
        422, "invariant", "违反规范 {profile} 的规则 {key}：{zh}", "the rule {key} of {profile} is broken: {human}"
    ),
    "FHIR-035": Row(
        422,
        "structure",
        "规范 {profile} 不允许 {name} 使用此类型，允许：{allowed}",
        "{profile} does not allow this type of {name}, only {allowed}",
    ),
    "FHIR-036": Row(
        422, "structure", "规范 {profile} 不允许 {name} 有其他成员", "{profile} allows no other members of {name}"
    ),
    "FHIR-037": Row(
        422,
        "not-supported",
        "本系统没有载入所声明的规范 {profile}，未按其校验",
        "the claimed profile {profile} is not loaded here and was not checked",
    ),
    "FHIR-038": Row(
        422,
        "invalid",
        "规范 {profile} 适用于 {expected}，不适用于 {found}",
        "{profile} is for {expected}, not for {found}",
    ),
    "FHIR-039": Row(
        422, "not-found", "本系统没有名为 {profile} 的规范", "there is no profile {profile} of this system"
    ),
    "FHIR-040": Row(
        400, "invalid", "{kind} 没有检索参数 {name}，已忽略", "{kind} has no search parameter {name}: it is ignored"
    ),
    "FHIR-041": Row(
        400,
        "not-supported",
        "尚不支持检索参数 {name}，不会忽略它；请去掉后重试",
        "the search parameter {name} is not supported yet and is never ignored: leave it out",
    ),
    "FHIR-042": Row(400, "value", "检索参数 {name} 的值不合法：{reason}", "the value of {name} is not valid: {reason}"),
    "FHIR-043": Row(
        400,
        "invalid",
        "{name} 可指向多种资源，请写明类型，例如 {example}",
        "{name} may point to several types, so name one, such as {example}",
    ),
    "FHIR-044": Row(
        400,
        "not-supported",
        "不能按 {name} 排序：不是该类型的检索参数，或没有可比较的值",
        "sorting by {name} is not possible: no search parameter of this type, or one without values to compare",
    ),
    "FHIR-045": Row(400, "invalid", "{kind} 没有检索参数 {name}", "{kind} has no search parameter {name}"),
    "FHIR-046": Row(
        400,
        "too-costly",
        "检索条件过多：{name} 至多 {limit} 个",
        "the search is too large: at most {limit} of {name}",
    ),
    "FHIR-060": Row(
        400,
        "value",
        "{name} 的值不合法：应为 类型:引用参数[:目标类型]、类型:* 或 *，例如 Observation:subject",
        "the value of {name} is not valid: Type:reference[:Target], Type:* or *, such as Observation:subject",
    ),
    "FHIR-061": Row(
        400,
        "invalid",
        "反向链式参数 {name} 无法理解：应为 _has:类型:引用参数:参数，且该引用可指向所查类型",
        "the reverse chain {name} is not understood: _has:Type:reference:parameter, a reference to the searched type",
    ),
    "FHIR-062": Row(
        400,
        "too-costly",
        "命中超过 {limit} 条，不能按 {name} 排序；请缩小范围，或按日期参数、_lastUpdated、_id 排序",
        "more than {limit} resources match: narrow it to sort by {name}, or sort by a date, _lastUpdated or _id",
    ),
    "FHIR-063": Row(
        400,
        "invalid",
        "跨类型检索须用 _type 写明 1 至 {limit} 种资源类型，患者舱内须为舱内类型",
        "a search over types names 1 to {limit} of them in _type; in a compartment those that belong to it",
    ),
    "FHIR-064": Row(
        400,
        "not-supported",
        "跨多种类型检索时不能排序；请去掉 _sort 或只写一种类型",
        "a search over several types cannot be sorted: leave out _sort, or name one type",
    ),
    "FHIR-070": Row(
        400,
        "invalid",
        "补丁的写法不对：{reason}；应为 JSON Patch 的操作列表或 FHIRPath Patch 的 Parameters",
        "the patch is malformed: {reason}; a JSON Patch or the Parameters of a FHIRPath Patch is expected",
    ),
    "FHIR-071": Row(
        422,
        "processing",
        "补丁所指的位置不存在，或不容许此操作；资源未改动",
        "the patch names a place that is not there or does not take this operation: nothing was changed",
    ),
    "FHIR-072": Row(
        422,
        "processing",
        "补丁中的 test 不成立；资源未改动",
        "a test of the patch does not hold: nothing was changed",
    ),
    "FHIR-073": Row(
        413,
        "too-costly",
        "补丁的操作过多或复制的内容过大（上限 {limit}）",
        "the patch has too many operations or copies too much (at most {limit})",
    ),
    "FHIR-075": Row(400, "structure", "不能接受的 XML：{reason}", "not acceptable as XML: {reason}"),
    "FHIR-076": Row(400, "structure", "此处不允许属性 {name}", "the attribute {name} is not allowed here"),
    "FHIR-077": Row(
        400,
        "structure",
        "元素 {name} 的次序或次数不对：XML 须按定义的次序书写",
        "the element {name} is out of order or given twice: XML follows the order of the definition",
    ),
    # gateway.store
    "STO-400": Row(
        400,
        "invalid",
        "翻页游标无效：被改动过，或属于另一次查询；请从第一页重新查询",
        "the page cursor is altered or belongs to another search: start again from the first page",
    ),
    "STO-404": Row(404, "not-found", "没有这个资源", "no such resource"),
    "STO-409": Row(
        409,
        "conflict",
        "{what} 已由另一个进程处理，本次不重复处理",
        "{what} has been dealt with by another process: not done twice",
    ),
    "STO-410": Row(410, "deleted", "资源 {kind}/{id} 已删除", "resource {kind}/{id} is deleted"),
    "STO-412": Row(
        412,
        "conflict",
        "{kind}/{id} 的版本已变化，请重新读取后再提交",
        "the version of {kind}/{id} has changed: read it again, then submit",
    ),
    "STO-413": Row(
        400,
        "too-costly",
        "链式参数 {param} 命中超过 {limit} 个目标，请缩小范围",
        "the chained parameter {param} meets more than {limit} targets: narrow it",
    ),
    "STO-420": Row(
        400,
        "too-costly",
        "这样的检索要逐条打开资源才能计数，候选超过 {limit} 条；请加上患者、日期等条件，或不要求总数",
        "to count this search opens more than {limit} resources: narrow it (by patient or date), or ask for no total",
    ),
    "STO-503": Row(503, "transient", "数据库暂时不可用，请稍后重试", "the database is unavailable: try again later"),
}
