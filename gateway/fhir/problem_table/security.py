"""Who is turned away and why: `security`, its registry, its token endpoint."""

from __future__ import annotations

from gateway.fhir.problem_table.row import Row

ROWS: dict[str, Row] = {
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
    "SEC-503": Row(
        503,
        "transient",
        "审计日志暂时无法写入，为不漏记而拒绝操作，请稍后重试",
        "the audit journal cannot keep up or reach its database, so nothing is done unrecorded: try again later",
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
    "SEC-954": Row(
        409,
        "duplicate",
        "{path} 中已有内容或无法建立：请另选一个新目录",
        "{path} has something in it or cannot be made: choose a new folder",
    ),
}
