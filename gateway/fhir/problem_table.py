"""The table of problems: code -> HTTP status, FHIR issue type, Chinese and English text.

Codes are stable and grouped by room (FHIR-, MAP-, FMT-, SEC-, IN-, ID-, WF-, STO-, HUB-, API-, CLI-); a retired code
stays as a comment.
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
    # gateway.config, gateway.app: settings and start
    "CFG-001": Row(
        500, "invalid", "环境变量 {name} 的值无法使用", "the environment variable {name} has an unusable value"
    ),
    "CFG-003": Row(
        500,
        "processing",
        "数据库结构版本为 {found}，程序需要 {wanted}：请运行 yiyang db upgrade",
        "the database is at revision {found}, this program needs {wanted}: run yiyang db upgrade",
    ),
    "CFG-002": Row(
        500,
        "processing",
        "此处尚未初始化：请先运行 yiyang init",
        "nothing is set up here yet: run yiyang init first",
    ),
    # gateway.cli: what a person typed, and what a word found on this machine
    "CLI-001": Row(400, "invalid", "命令用法不对：{reason}", "the command is not written as it should be: {reason}"),
    "CLI-002": Row(400, "required", "缺少 {name}", "{name} is missing"),
    "CLI-003": Row(400, "invalid", "无法读取 {path}（{reason}）", "{path} cannot be read ({reason})"),
    "CLI-004": Row(
        409,
        "duplicate",
        "私钥文件 {path} 已存在，不会覆盖；请先移走它，或换一个客户端名",
        "the private key file {path} exists and is never overwritten: move it away, or choose another client id",
    ),
    "CLI-005": Row(
        404,
        "not-found",
        "没有客户端 {client} 的私钥文件 {path}；请用 --key 指定，或运行 yiyang client add",
        "there is no private key {path} of the client {client}: name it by --key, or run yiyang client add",
    ),
    "CLI-006": Row(
        503,
        "transient",
        "{url} 没有应答；请先运行 yiyang serve，或用 --base 指定地址",
        "nothing answers at {url}: run yiyang serve first, or name the address by --base",
    ),
    "CLI-007": Row(401, "login", "{url} 拒绝签发令牌（{reason}）", "{url} refuses a token ({reason})"),
    "CLI-008": Row(
        404,
        "not-found",
        "收件箱中没有消息 {message}；请运行 yiyang inbox list",
        "the inbox has no message {message}: run yiyang inbox list",
    ),
    "CLI-009": Row(
        409,
        "business-rule",
        "消息 {message} 的状态为 {state}，只有暂存（parked）或死信（dead）的消息可以重放",
        "the message {message} is {state}: only parked or dead ones can be replayed",
    ),
    "CLI-010": Row(503, "transient", "内置数据库无法启动：{reason}", "the embedded database does not start: {reason}"),
    "CLI-011": Row(
        409,
        "conflict",
        "{host} 的端口 {port} 已被占用；请用 {option} 另选一个（0 = 任意空闲端口）",
        "port {port} of {host} is taken: choose another by {option} (0 = any free one)",
    ),
    "CLI-012": Row(
        403,
        "security",
        "拒绝在 {host} 上以明文监听：令牌和病历会外泄；请监听 127.0.0.1 并由 TLS 反向代理转发，"
        "或在确有代理时加 --behind-proxy",
        "refused to listen on {host} in the clear: listen on 127.0.0.1 behind a TLS proxy, or add --behind-proxy where "
        "one really stands in front",
    ),
    "CLI-013": Row(
        403,
        "security",
        "{home} 已有演示以外的数据，演示不会写入；请用 --home 另选一个目录",
        "{home} holds other than demo data, so the demo stays out of it: choose another folder by --home",
    ),
    "CLI-014": Row(
        404,
        "not-found",
        "没有名为 {feed} 的映射；现有：{known}",
        "there is no map named {feed}; there are: {known}",
    ),
    "CLI-015": Row(500, "processing", "演示未完成：{reason}", "the demo did not come through: {reason}"),
    "CLI-016": Row(
        409,
        "multiple-matches",
        "消息号 {message} 有多个发送方：{senders}；请用 --sender 指定",
        "several senders sent a message {message}: {senders}; name one by --sender",
    ),
    "CLI-017": Row(
        503,
        "timeout",
        "等待 {seconds} 秒后消息 {message} 仍为 {state}；网关是否在运行（yiyang serve）？",
        "after {seconds} s the message {message} is still {state}: is the gateway running (yiyang serve)?",
    ),
    "CLI-099": Row(
        500,
        "exception",
        "意外错误（{kind}）；请加 -v 重试并把输出交给维护人员",
        "an unexpected failure ({kind}): run it again with -v and hand the output to who maintains this",
    ),
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
        "不能按 {name} 排序，只能按日期参数、_lastUpdated 或 _id",
        "sorting by {name} is not supported: only date parameters, _lastUpdated and _id",
    ),
    "FHIR-045": Row(400, "invalid", "{kind} 没有检索参数 {name}", "{kind} has no search parameter {name}"),
    "FHIR-046": Row(
        400,
        "too-costly",
        "检索条件过多：{name} 至多 {limit} 个",
        "the search is too large: at most {limit} of {name}",
    ),
    # gateway.store
    "STO-400": Row(
        400,
        "invalid",
        "翻页游标无效：被改动过，或属于另一次查询；请从第一页重新查询",
        "the page cursor is altered or belongs to another search: start again from the first page",
    ),
    "STO-404": Row(404, "not-found", "没有这个资源", "no such resource"),
    "STO-410": Row(410, "deleted", "资源 {kind}/{id} 已删除", "resource {kind}/{id} is deleted"),
    "STO-409": Row(
        409,
        "conflict",
        "{what} 已由另一个进程处理，本次不重复处理",
        "{what} has been dealt with by another process: not done twice",
    ),
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
    "STO-503": Row(503, "transient", "数据库暂时不可用，请稍后重试", "the database is unavailable: try again later"),
    # security
    "SEC-401": Row(401, "login", "需要有效的访问令牌", "a valid access token is required"),
    "SEC-403": Row(403, "forbidden", "当前角色不得执行此操作", "your role may not do this"),
    "SEC-404": Row(404, "not-found", "没有这个资源", "no such resource"),
    "SEC-405": Row(
        403,
        "forbidden",
        "{element} 对当前角色是遮蔽的，不得修改；请按读到的样子提交",
        "{element} is masked for your role and may not be changed: send it back as you read it",
    ),
    "SEC-406": Row(
        403,
        "forbidden",
        "更新任务时不得修改 {element}；只可修改 status、businessStatus、statusReason、note、output",
        "an update of a Task may not change {element}: only status, businessStatus, statusReason, note, output",
    ),
    "SEC-407": Row(
        403,
        "forbidden",
        "当前角色不得按 {kind}.{param} 检索：该元素对其遮蔽",
        "your role may not search {kind} by {param}: the element is masked for it",
    ),
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
        "历史查询只支持 _count（1 以上的整数），{parameter} 不可用",
        "a history takes only _count (a whole number from 1); {parameter} cannot be used",
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
    # gateway.api
    "API-001": Row(400, "invalid", "请求头 {name} 的写法不对：{reason}", "the header {name} is malformed: {reason}"),
    "API-002": Row(404, "not-found", "没有这个地址", "there is nothing at this address"),
    "API-003": Row(
        405, "not-supported", "此处不支持 {method}，可用：{allowed}", "{method} is not supported here, only {allowed}"
    ),
    "API-004": Row(
        406,
        "not-supported",
        "只提供 application/fhir+json（R4）；请检查 Accept 和 _format",
        "only application/fhir+json (R4) is served: see Accept and _format",
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
    # security.state: the registry of organisations, clients, senders
    "SEC-101": Row(
        422,
        "value",
        "统一社会信用代码 {uscc} 不正确（18 位，GB 32100 校验），请核对",
        "{uscc} is no unified social credit code (18 characters, GB 32100 check): correct it",
    ),
    "SEC-102": Row(
        404, "not-found", "没有登记的 {kind} {name}，或已停用", "no {kind} {name} is registered, or it is disabled"
    ),
    "SEC-103": Row(409, "duplicate", "{kind} {name} 已登记", "{kind} {name} is registered already"),
    "SEC-104": Row(
        422,
        "business-rule",
        "层级 {tier} 的上级不符：站点（S）的上级必须是在用的中心（C），中心的上级可为在用的医院（H），医院没有上级",
        "wrong parent for tier {tier}: a station (S) needs an active centre (C), "
        "a centre may have an active hospital (H), "
        "a hospital has none",
    ),
    "SEC-105": Row(
        422,
        "value",
        "名称只能用小写字母、数字和 . _ -，以字母或数字开头，至多 64 个字符",
        "use lower-case letters, digits and . _ -, beginning with a letter or digit, at most 64 characters",
    ),
    "SEC-106": Row(
        422,
        "value",
        "名称不能为空，至多 {limit} 个可见字符",
        "a name is required, of at most {limit} visible characters",
    ),
    "SEC-107": Row(
        422,
        "business-rule",
        "层级 {tier} 的机构不能担任角色 {role}",
        "an organisation of tier {tier} cannot hold the role {role}",
    ),
    "SEC-108": Row(
        422,
        "value",
        "授权范围 {scope} 无效，或角色 {role} 不得拥有；形如 system/Task.rs 或 intake/json-discharge.c",
        "scope {scope} is not valid or not for the role {role}: write system/Task.rs or intake/json-discharge.c",
    ),
    "SEC-109": Row(
        422,
        "value",
        "发送方的 {field} 无效：msh3 与 msh4 必填；network 为网段（如 10.1.0.0/16）；charset 为空、UTF-8 或 GB18030；"
        "ack 为空、original 或 enhanced",
        "{field} of the sender is not valid: msh3 and msh4 are required, network is a CIDR such as 10.1.0.0/16, "
        "charset is "
        "empty, UTF-8 or GB18030, ack is empty, original or enhanced",
    ),
    "SEC-110": Row(
        422,
        "value",
        "公钥集无效（{reason}）：需要带 kid 的 EC P-384 或 RSA 2048 至 4096 位公钥",
        "the key set is not valid ({reason}): public keys with kid are needed, EC P-384 or RSA of 2048 to 4096 bits",
    ),
    "SEC-111": Row(
        422,
        "security",
        "请只提交公钥：该密钥含私有部分，请视为已泄露并更换",
        "hand in public keys only: this one holds a private part; treat it as disclosed and replace it",
    ),
    "SEC-119": Row(503, "transient", "注册信息暂时不可用，请稍后重试", "the registry is unavailable: try again later"),
    # security.oauth: the token endpoint and its keys
    "SEC-121": Row(
        400,
        "invalid",
        "令牌请求不完整或重复：{parameter}",
        "the token request is incomplete or repeats itself: {parameter}",
    ),
    "SEC-122": Row(401, "login", "客户端身份验证失败", "client authentication failed"),
    "SEC-123": Row(400, "not-supported", "只支持 client_credentials", "only client_credentials is supported"),
    "SEC-124": Row(
        400,
        "forbidden",
        "请求的授权范围为空，或没有一项在该客户端的许可之内",
        "no scope was asked for, or none of them is allowed to this client",
    ),
    "SEC-131": Row(
        500,
        "exception",
        "令牌密钥文件 {path} 已存在，不会覆盖",
        "the token key file {path} exists and is never overwritten",
    ),
    "SEC-132": Row(
        500,
        "exception",
        "无法使用令牌密钥文件 {path}（{reason}）；须为运行用户所有、权限 0600；"
        "删除后可由 yiyang init 重建，已发的令牌随之失效",
        "the token key file {path} cannot be used ({reason}): it must belong to the running user with mode 0600; "
        "removed, yiyang init makes it anew and issued tokens end",
    ),
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
    "SEC-503": Row(
        503,
        "transient",
        "审计日志暂时无法写入，为不漏记而拒绝操作，请稍后重试",
        "the audit journal cannot keep up or reach its database, so nothing is done unrecorded: try again later",
    ),
    "SEC-951": Row(
        503,
        "exception",
        "审计链 {writer} 的链头（第 {seq} 条）被其他进程或人为改动，已停止写入；请运行 yiyang audit verify",
        "the head of audit chain {writer} (record {seq}) was moved by another process or by hand, writing has stopped: "
        "run yiyang audit verify",
    ),
    "SEC-952": Row(
        503,
        "exception",
        "无法写入库外检查点文件 {path}（{reason}）；请确认其目录存在且可写",
        "the outside copy of the checkpoints {path} cannot be written ({reason}): make its folder writable",
    ),
    "SEC-953": Row(
        400, "value", "分页游标无效，请从第一页重新查询", "the page cursor is not valid: ask for the first page"
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
}
