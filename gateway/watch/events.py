"""The table of log events: every code that a line of the log can carry, and what it means.

A code is stable: a monitor may watch for it. A line says no more than its code and the fields of `lines.SHAPES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Event:
    """One code, what it says in both languages; ``lasting`` where a condition that lasts says it again and again."""

    code: str
    zh: str
    en: str
    lasting: bool = False


EVENTS: Final = (
    Event("gateway.start", "网关启动", "the gateway starts"),
    Event("gateway.ready", "网关开始服务", "the gateway answers"),
    Event("gateway.stop", "网关停止", "the gateway stops"),
    Event("database.ended", "内置数据库已退出，正在重启", "the embedded database has ended and is started again"),
    Event("database.back", "内置数据库已恢复", "the embedded database is back"),
    Event(
        "database.away",
        "内置数据库无法启动，重试中（why 说明原因）",
        "the embedded database does not start; see why",
    ),
    Event(
        "store.not_analyzed",
        "统计信息未能更新，稍后重试",
        "the statistics were not renewed; tried again later",
        lasting=True,
    ),
    Event("gateway.fault", "未处理的错误", "an error that nobody expected"),
    Event("http.request", "一次 HTTP 请求已答复", "an HTTP request was answered"),
    Event("http.fault", "请求中发生意外错误，已答 500", "a fault in a request, answered 500"),
    Event("http.unready", "就绪检查未通过", "a part of the gateway is not ready", lasting=True),
    Event("mllp.message", "一条 MLLP 消息已答复", "an MLLP message was answered"),
    Event("mllp.fault", "答复 MLLP 消息时发生意外错误", "a fault while answering an MLLP frame"),
    Event("mllp.fault_unaudited", "一次意外错误未能留痕", "a fault could not be audited", lasting=True),
    Event("mllp.refusal_unaudited", "一次拒绝未能留痕", "a refusal could not be audited", lasting=True),
    Event("message.settled", "一条消息处理完毕（stored、parked 或 dead）", "a message was worked off"),
    Event("pipeline.retry", "处理暂停后重试", "the pipeline will try again", lasting=True),
    Event("pipeline.fault", "处理消息时发生意外错误", "a fault while working off a message"),
    Event("workflow.retry", "流程暂停后重试", "the workflow will try again", lasting=True),
    Event("workflow.fault", "流程发生意外错误，重试中", "a fault in the workflow; tried again"),
    Event(
        "audit.commit_refused",
        "数据库拒绝了审计提交，重试中",
        "the database refused an audit commit; tried again",
        lasting=True,
    ),
    Event(
        "audit.checkpoint_failed",
        "审计检查点未能签署或锚定，重试中",
        "a checkpoint was not made; tried again",
        lasting=True,
    ),
    Event("audit.stopped", "审计日志停止：拒绝一切需要留痕的操作", "the journal stopped; nothing goes on without it"),
    Event("audit.writer_taken", "审计链名称被另一进程取得，改用新名", "a writer's name was claimed by another process"),
    Event("worker.ended", "一个工作进程已退出，正在重启", "a worker has ended and is started again"),
    Event(
        "learning.retry",
        "学习其他进程的变更暂停后重试",
        "learning what others changed will be tried again",
        lasting=True,
    ),
    Event(
        "presence.lost",
        "与数据库的会话中断，正在重连",
        "the session of this process is lost; another is opened",
        lasting=True,
    ),
    Event("presence.retry", "会话尚未恢复", "the session is not back yet", lasting=True),
    Event("gate.check_failed", "访问检查出错，按拒绝处理", "a check failed: denied"),
    Event("gate.narrow_failed", "检索限制出错，按无结果处理", "a check failed: nothing found"),
    Event("search.recheck_failed", "一行通过了检索限制但未通过复核", "a row passed the restriction, not the re-check"),
    Event("registry.retry", "登记信息未能刷新", "the registry could not be refreshed", lasting=True),
    Event("registry.away", "登记信息所在的数据库不可用", "the registry's database does not answer", lasting=True),
    Event(
        "condition.over",
        "先前反复出现的情况已结束（of 为其代码，count 为次数，seconds 为时长）",
        "what was told again and again has ended: of is its code, count how often, seconds how long",
    ),
    Event("library.record", "第三方库的日志（只留级别与来源）", "a library's record, its level and name only"),
    Event("unnamed", "没有代码的日志（内容已略去）", "a record without a code; its text is left out"),
)
TABLE: Final[Mapping[str, Event]] = {event.code: event for event in EVENTS}
LASTING: Final = frozenset(event.code for event in EVENTS if event.lasting)
"""Said once, then with the number of lines held back; see `gateway.watch.lasting`."""
