"""What can be wrong with the store, each with its code and its sentence in both languages; no person is named."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. ``place`` names the version (`Kind/id/_history/n`), the message, or the row."""

    code: str
    place: str
    zh: str
    en: str


def version(kind: str, id: str, number: int) -> str:  # noqa: A002 - FHIR's word
    """Return the place of a version."""
    return f"{kind}/{id}/_history/{number}"


def message(sender: str, message_id: str) -> str:
    """Return the place of a message."""
    return f"inbox/{sender}/{message_id}"


def sealed(place: str) -> Finding:
    """The body does not open for this kind, id and version."""
    return Finding(
        "body-altered",
        place,
        "密封的正文在此处无法打开：被改动，或来自别处",
        "the sealed body does not open here: it was altered, or belongs elsewhere",
    )


def unlike(place: str) -> Finding:
    """Time or deletion mark of the row differ from what the sealed body says."""
    return Finding(
        "row-altered",
        place,
        "该行的时间或删除标记与密封的正文不符",
        "the row's time or its mark of deletion differ from the sealed body",
    )


def digest(place: str) -> Finding:
    """The keyed digest of the row is not its body's."""
    return Finding(
        "digest-altered", place, "该行的带密钥摘要与正文不符", "the row's keyed digest is not that of its body"
    )


def columns(place: str, names: list[str]) -> Finding:
    """Columns by which the row is found or restricted differ from its facts and its content."""
    told = ", ".join(names)
    return Finding(
        "index-altered",
        place,
        f"索引或访问控制列与密封内容不符：{told}",
        f"columns of index or access differ from the sealed content: {told}",
    )


def dates(place: str, *, added: int, missing: int) -> Finding:
    """Rows of the date index differ from the content."""
    return Finding(
        "dates-altered",
        place,
        f"日期索引与正文不符：多 {added} 行，少 {missing} 行",
        f"the date index differs from the content: {added} rows too many, {missing} missing",
    )


def numbers(place: str, *, added: int, missing: int) -> Finding:
    """Rows of the index of numbers differ from the content."""
    return Finding(
        "numbers-altered",
        place,
        f"数值索引与正文不符：多 {added} 行，少 {missing} 行",
        f"the index of numbers differs from the content: {added} rows too many, {missing} missing",
    )


def gap(place: str) -> Finding:
    """A version between the first and the current one is missing."""
    return Finding("history-missing", place, "该历史版本缺失", "this past version is missing")


def ahead(place: str, current: int) -> Finding:
    """The history holds a version that is not older than the current one."""
    return Finding(
        "history-ahead",
        place,
        f"历史中有不早于当前版本 {current} 的版本：旧版本被放回",
        f"the history has a version that is not older than the current {current}: an older one was put back",
    )


def disordered(place: str) -> Finding:
    """A version claims to be older than the one before it."""
    return Finding(
        "row-altered", place, "该版本的时间早于其前一版本", "the version's time is before that of the version before it"
    )


def orphan(table: str, kind: str, row: int) -> Finding:
    """A row of a side table belongs to no resource."""
    return Finding(
        f"{table}-orphan",
        f"{table}/{kind}/{row}",
        f"表 {table} 中有一行不属于任何资源：资源被删除，或该行被插入",
        f"a row of {table} belongs to no resource: the resource was removed, or the row added",
    )


def identifier(place: str, *, added: bool) -> Finding:
    """A row of the identifier index is missing, or one is there that should not."""
    if added:
        zh, en = "标识索引中多出一行：可由他人的标识找到", "a row was added to the identifier index, or led elsewhere"
        return Finding("identifier-added", place, zh, en)
    zh, en = "标识索引缺少一行：按标识查不到", "a row of the identifier index is missing: it is not found by it"
    return Finding("identifier-missing", place, zh, en)


def id_row(place: str) -> Finding:
    """The table of ids does not lead to the resource, or leads to one that is not there."""
    return Finding("id-altered", place, "编号表与资源不符", "the table of ids does not agree with the resources")


def lost(word: str, entry: str) -> Finding:
    """The journal tells of a version that the store does not have."""
    return Finding(
        "version-lost",
        place_of(word),
        f"审计记录 {entry} 写明的此版本已不在库中：被删除或被旧版本取代",
        f"the journal's entry {entry} tells of this version, and it is not there: removed, or an older put back",
    )


def untold(place: str) -> Finding:
    """The store has a version that no entry tells of."""
    return Finding(
        "version-untold",
        place,
        "没有审计记录写明此版本：绕过网关写入",
        "no entry of the journal tells of this version: written past the gateway",
    )


def message_altered(place: str, part: str) -> Finding:
    """The message's original or its kept reply does not open, or is not what its digest says."""
    zh = {"raw": "原文", "reply": "应答"}[part]
    return Finding("message-altered", place, f"收件的{zh}被改动或调换", f"the message's {part} was altered or swapped")


def message_sender(place: str) -> Finding:
    """The message claims another organisation than its sender's."""
    return Finding(
        "message-sender",
        place,
        "收件所记机构不是发送方的机构",
        "the organisation of the message is not its sender's",
    )


def message_untold(place: str) -> Finding:
    """The message is marked as stored, and no entry tells that it was."""
    return Finding(
        "message-untold",
        place,
        "收件标为已入库，但没有审计记录写明其入库",
        "the message is marked as stored, but no entry of the journal tells that it was",
    )


def message_lost(entry: str) -> Finding:
    """The journal tells of a message that the inbox does not have, or not in that state."""
    return Finding(
        "message-lost",
        f"inbox ({entry})",
        f"审计记录 {entry} 所述的收件已不在收件箱中，或状态被改回",
        f"the message of the journal's entry {entry} is not in the inbox, or was set back",
    )


def feed_moved(place: str) -> Finding:
    """The row was written again past the gateway, or its place in the change feed was changed."""
    return Finding(
        "feed-moved",
        place,
        "该行在变更流中的位置被改动，或该行被绕过网关重写",
        "the row's place in the change feed was changed, or the row was written past the gateway",
    )


def feed_ahead(consumer: str) -> Finding:
    """A follower of the change feed stands beyond everything that was written."""
    return Finding(
        "feed-ahead",
        f"feed/{consumer}",
        "跟随者的位置超出已写入的一切：变更会被跳过",
        "the follower stands beyond everything that was written: changes would be passed over",
    )


def place_of(word: str) -> str:
    """Return the place that a version's word names."""
    kind, id_, number = word.split("/")[:3]
    return version(kind, id_, int(number))
