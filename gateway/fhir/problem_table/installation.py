"""What the operator is told: settings and the words of the command line."""

from __future__ import annotations

from gateway.fhir.problem_table.row import Row

ROWS: dict[str, Row] = {
    # gateway.config, gateway.app: settings and start
    "CFG-001": Row(
        500, "invalid", "环境变量 {name} 的值无法使用", "the environment variable {name} has an unusable value"
    ),
    "CFG-002": Row(
        500,
        "processing",
        "此处尚未初始化：请先运行 yiyang init",
        "nothing is set up here yet: run yiyang init first",
    ),
    "CFG-003": Row(
        500,
        "processing",
        "数据库结构版本为 {found}，程序需要 {wanted}：请运行 yiyang db upgrade",
        "the database is at revision {found}, this program needs {wanted}: run yiyang db upgrade",
    ),
    "CFG-004": Row(
        409,
        "conflict",
        "同一数据库上的进程 {writer}（{host}，pid {pid}）使用另一套访问策略：请先停掉它，或安装相同的版本",
        "the process {writer} ({host}, pid {pid}) on the same database decides by other policies: stop it first, or "
        "install the same version",
    ),
    "CFG-005": Row(
        503,
        "transient",
        "同一数据库上较早启动的进程 {writer}（{host}，pid {pid}）使用另一版本或另一套映射：停掉它之后本进程即就绪",
        "an older process {writer} ({host}, pid {pid}) on the same database runs another version or other maps: this "
        "one is ready as soon as that one has stopped",
    ),
    # gateway.cli: what a person typed, and what a word found on this machine
    "CFG-007": Row(
        422,
        "value",
        "数据库架构只能退回到 {oldest} 至本程序的修订，{revision} 不在其中；更早的只能从备份恢复",
        "the schema goes back to {oldest} at the farthest, and {revision} is beyond: restore a backup instead",
    ),
    "CFG-008": Row(
        403,
        "security",
        "退回架构前须停止全部网关：确认后加 --yes；将退回到 {revision}，不删除任何记录",
        "every gateway has to be stopped before: add --yes; the schema goes back to {revision}, no record is dropped",
    ),
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
    "CLI-018": Row(
        500,
        "processing",
        "工作进程 {number} 反复无法启动（{reason}），已全部停止；原因见上面的日志，排除后再运行 yiyang serve",
        "worker {number} does not start any more ({reason}), so all were stopped: the log above says why; mend it, "
        "then run yiyang serve",
    ),
    "CLI-099": Row(
        500,
        "exception",
        "意外错误（{kind}）；请加 -v 重试并把输出交给维护人员",
        "an unexpected failure ({kind}): run it again with -v and hand the output to who maintains this",
    ),
}
