"""What can be wrong with the journal, each with its code and its sentence in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from security.audit.writer import EPOCH


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. ``seq`` is the first bad record of ``writer`` (0 where no record is meant).

    ``when`` is the ISO 8601 time that the record found there claims, "" where none is there.
    """

    code: str
    writer: str
    seq: int
    when: str
    zh: str
    en: str


def gap(writer: str, seq: int, at: int) -> Finding:
    """Records are missing from ``seq`` on; ``at`` is the time of the next one that is there."""
    return _at(
        "missing", writer, seq, at, "第 {seq} 条记录缺失（被删除或调换）", "record {seq} is missing: deleted or moved"
    )


def twice(writer: str, seq: int, at: int) -> Finding:
    """The number ``seq`` occurs twice."""
    return _at(
        "twice", writer, seq, at, "序号 {seq} 出现两次，有记录被插入", "record {seq} occurs twice: one was added"
    )


def altered(writer: str, seq: int, at: int) -> Finding:
    """The chain does not lead to the record: its body, a column or its chain value was edited."""
    return _at(
        "altered",
        writer,
        seq,
        at,
        "第 {seq} 条记录被改动或调换，与哈希链不符",
        "record {seq} was altered or swapped: it does not fit the chain",
    )


def forged(writer: str, seq: int, at: int) -> Finding:
    """The chain fits but the body does not open in its place: the hashes were computed anew."""
    return _at(
        "forged",
        writer,
        seq,
        at,
        "第 {seq} 条记录被改动，其后的哈希被重新计算",
        "record {seq} was altered and the later hashes computed anew",
    )


def rewritten(writer: str, first: int, last: int, at: int, number: int) -> Finding:
    """A signed checkpoint says something else of the records ``first`` to ``last``."""
    return _at(
        "rewritten",
        writer,
        first,
        at,
        f"第 {{seq}} 至 {last} 条记录与已签名的检查点 {number} 不符，历史被改写",
        f"records {{seq}} to {last} differ from the signed checkpoint {number}: history was rewritten",
    )


def cut(writer: str, seq: int, last: int, number: int, *, anchored: bool) -> Finding:
    """The journal ends before ``seq`` though checkpoint ``number`` signed it up to ``last``."""
    place = ("库外副本中", "in the copy outside the database") if anchored else ("", "")
    return Finding(
        "cut",
        writer,
        seq,
        "",
        f"第 {seq} 至 {last} 条记录被截去：{place[0]}已签名的检查点 {number} 记有 {last} 条",
        f"records {seq} to {last} were cut off: the signed checkpoint {number} {place[1]} has {last}".replace(
            "  ", " "
        ),
    )


def head(writer: str, seq: int) -> Finding:
    """The writer's head differs from its records."""
    return Finding("head", writer, seq, "", "写入者的链头与其记录不符", "the writer's head differs from its records")


def unsigned(number: int, *, anchored: bool) -> Finding:
    """A checkpoint's signature or form is not ours."""
    zh, en = ("库外副本", "outside copy of") if anchored else ("数据库中", "stored")
    return Finding(
        "unsigned",
        "",
        0,
        "",
        f"{zh}检查点 {number} 的签名无效",
        f"the {en} checkpoint {number} is not signed by this installation",
    )


def unnumbered(number: int) -> Finding:
    """A stored checkpoint is missing between others."""
    return Finding(
        "checkpoint-missing",
        "",
        0,
        "",
        f"数据库中的检查点 {number} 缺失",
        f"checkpoint {number} is missing in the database",
    )


def no_anchor(path: str) -> Finding:
    """The anchor file that should be there is not."""
    return Finding(
        "anchor-missing",
        "",
        0,
        "",
        f"库外的检查点副本 {path} 不存在，无法发现被截去的末尾",
        f"the outside copy of the checkpoints {path} is not there: a cut tail cannot be seen",
    )


def _at(code: str, writer: str, seq: int, at: int, zh: str, en: str) -> Finding:
    when = (EPOCH + timedelta(microseconds=at)).isoformat()
    return Finding(code, writer, seq, when, zh.format(seq=seq), en.format(seq=seq))
