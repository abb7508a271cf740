"""The table of metrics: every name that `/metrics` can show, with its labels and what it means.

A label's values come from the code or the registry's closed lists (routes, roles, problem codes, feeds), never from a
person, a message or a client: the number of series is bounded, and a scrape shows nothing about anybody.
Source: names of the Prometheus and OpenMetrics conventions; design default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "histogram", "gauge"]
HTTP_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SMALL_BUCKETS: Final = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.01)
"""In memory: tens of microseconds are usual, a millisecond is much."""
REPLAYED: Final = ("yiyang_replay_total",)
MAX_SERIES: Final = 5_000
"""Of one installation; what would go beyond is counted as dropped (design default)."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One name. ``labels`` in the order of its values; ``buckets`` are upper bounds in seconds."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    zh: str
    en: str
    buckets: tuple[float, ...] = ()


METRICS: Final = (
    Metric(
        "yiyang_http_requests_total",
        "counter",
        ("route", "method", "code", "client_kind"),
        "HTTP 请求数",
        "HTTP requests answered",
    ),
    Metric(
        "yiyang_http_request_duration_seconds",
        "histogram",
        ("route",),
        "HTTP 请求耗时",
        "time from a request's head to its last byte",
        HTTP_BUCKETS,
    ),
    Metric(
        "yiyang_authz_decisions_total",
        "counter",
        ("decision", "rule", "action"),
        "访问决定数，按规则",
        "access decisions by deciding rule",
    ),
    Metric(
        "yiyang_authz_duration_seconds",
        "histogram",
        (),
        "访问决定耗时（抽样，每 16 次取 1 次）",
        "time of one access decision, every 16th",
        SMALL_BUCKETS,
    ),
    Metric("yiyang_audit_events_total", "counter", ("outcome",), "入链的审计记录数", "audit entries chained"),
    Metric("yiyang_audit_queue_events", "gauge", (), "等待入链的审计记录数", "audit entries waiting for their commit"),
    Metric(
        "yiyang_audit_commit_duration_seconds",
        "histogram",
        (),
        "审计提交耗时",
        "time of one group commit of the audit journal",
        HTTP_BUCKETS,
    ),
    Metric(
        "yiyang_audit_chain_height",
        "gauge",
        ("writer",),
        "审计链长度",
        "entries in the chain of each writer",
    ),
    Metric(
        "yiyang_audit_anchor_age_seconds",
        "gauge",
        (),
        "审计锚点文件的年龄",
        "age of the anchor file outside the database",
    ),
    Metric(
        "yiyang_inbox_messages_total",
        "counter",
        ("channel", "state"),
        "消息数，按去向",
        "messages by where they came to stand",
    ),
    Metric(
        "yiyang_inbox_oldest_age_seconds",
        "gauge",
        ("channel",),
        "最早未处理消息的等待时间",
        "age of the oldest message that is not worked off",
    ),
    Metric("yiyang_map_errors_total", "counter", ("map", "rule"), "映射问题数，按规则", "issues of maps by rule"),
    Metric(
        "yiyang_map_duration_seconds",
        "histogram",
        ("map",),
        "读取、映射并校验一条记录的耗时",
        "time to read, map and check one record",
        HTTP_BUCKETS,
    ),
    Metric("yiyang_parked_messages", "gauge", (), "等待人工处理的消息数", "messages that wait for a person"),
    Metric("yiyang_dead_letters", "gauge", (), "死信数", "messages put aside after repeated faults"),
    Metric("yiyang_replay_total", "counter", (), "重放的消息数", "messages handed to the pipeline again"),
    Metric(
        "yiyang_workflow_lag_changes",
        "gauge",
        (),
        "流程尚未处理的变更（1 = 有）",
        "1 when the workflow has changes before it, else 0",
    ),
    Metric(
        "yiyang_referral_overdue",
        "gauge",
        (),
        "超过时限仍在等待的转介数（每分钟统计一次）",
        "referrals that wait beyond their deadline, counted once a minute",
    ),
    Metric(
        "yiyang_consent_withdraw_propagation_seconds",
        "histogram",
        (),
        "同意的授予或撤回提交后，各进程据以决定所需的时间",
        "time from a consent's commit, a withdrawal's too, until a process decides by it",
        HTTP_BUCKETS,
    ),
    Metric("yiyang_up", "gauge", ("part",), "部件是否就绪（1 = 是）", "1 when the part is ready, else 0"),
    Metric("yiyang_process_memory_bytes", "gauge", (), "全部进程的常驻内存", "resident memory of all processes"),
    Metric("yiyang_processes", "gauge", (), "本安装的服务进程数", "serving processes of this installation"),
    Metric("yiyang_build_info", "gauge", ("version", "schema"), "版本", "1, with the version as label"),
    Metric(
        "yiyang_metrics_dropped_total",
        "counter",
        (),
        "因序列过多而丢弃的计数",
        "counts dropped because there were too many series",
    ),
)
TABLE: Final[Mapping[str, Metric]] = {metric.name: metric for metric in METRICS}
