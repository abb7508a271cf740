"""The audit entry: who did what to what, when, why, and how it ended, as one compact canonical record.

In: what the hub, the doors and the pipeline know. Out: a JSON list with fixed places (about 300 bytes).
Names and identity numbers never enter: free texts are masked where they look like one, queries come blinded.
Source: GB/T 22239-2019 8.1.4.3 b; GB/T 39725-2020 table 5; security.md AUD-01, AUD-02.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, TypedDict, Unpack

import orjson

from security.caller import Caller

FORMAT = 1
Action = Literal[
    "read", "vread", "search", "history", "create", "update", "delete", "transaction", "validate", "operation",
    "ingest", "refuse", "replay", "token", "login", "admin", "export", "disclose", "start", "stop",
]  # fmt: skip
SUCCESS, MINOR, SERIOUS, MAJOR = 0, 4, 8, 12
"""Outcomes of R4 AuditEvent.outcome: success, refused for what was sent, refused for want of a right, own fault."""
MASKED = "[masked]"
# Longer free text is cut: an entry says what happened, it does not keep the message.
MAX_TEXT = 600

# Identity card (18 or 15 digits) and mobile numbers, standing alone. Random ids cannot match: their groups of hex
# digits have 4, 8, 12, 32 or 64 characters.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15}|(?:86)?1[3-9]\d{9})(?![0-9A-Za-z])")
# A quick look for anything that might be one: every digit becomes a 0, so that a run of them is one text to look for.
# Ten times as fast as an expression.
_DIGITS, _RUN = bytes.maketrans(b"123456789", b"000000000"), b"0" * 11
# Text beyond ASCII, as it is or percent-encoded, may be a name.
_WORDS = re.compile(r"(?:[^\x00-\x7f]|%[89A-Fa-f][0-9A-Fa-f])+")
_DRAWN_BYTES, _TAIL = 10, (1 << 62) - 1
_TIMED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_FREE = ("request", "interface", "id", "elder", "rule", "consent", "query", "token", "address", "client")
# Parameters whose values say nothing of a person; every other value is blinded.
_PLAIN = frozenset(
    {
        "_count",
        "_sort",
        "_lastUpdated",
        "_summary",
        "_elements",
        "_format",
        "_total",
        "_pretty",
        "_type",
        "_include",
        "_revinclude",
        "status",
        "intent",
        "category",
        "class",
        "date",
        "authored-on",
        "period",
        "owner",
        "performer",
        "requester",
    }
)


class What(TypedDict, total=False):
    """The fields of an entry that do not come from the caller; see `Entry`."""

    interface: str
    kind: str
    id: str
    version: int
    elder: str
    outcome: int
    rule: str
    reasons: tuple[str, ...]
    consent: str
    policy: str
    level: int
    count: int
    size: int
    digest: str
    query: str
    wrote: tuple[str, ...]


@dataclass(slots=True, kw_only=True)  # not frozen: that costs 4 us an entry
class Entry:
    """One audit entry; nobody changes it once made.

    ``at`` is microseconds since 1970 UTC, ``interface`` the name of the door's operation (``GET /Patient/{id}``,
    ``MLLP ADT^A03``), ``kind``/``id``/``version`` the resource, ``elder`` the Patient id of the compartment,
    ``rule`` the deciding policy, ``reasons`` problem codes, ``count``/``size`` results and bytes given out or taken,
    ``digest`` the keyed digest of refused intake in hex, ``token`` the jti, ``wrote`` the store's word for each version
    and message that the commit made.
    """

    event: str
    at: int
    action: str
    request: str = ""
    client: str = ""
    role: str = ""
    organisation: str = ""
    purpose: str = ""
    interface: str = ""
    kind: str = ""
    id: str = ""
    version: int = 0
    elder: str = ""
    outcome: int = SUCCESS
    rule: str = ""
    reasons: tuple[str, ...] = ()
    consent: str = ""
    policy: str = ""
    level: int = 0
    count: int = 0
    size: int = 0
    digest: str = ""
    token: str = ""
    address: str = ""
    query: str = ""
    wrote: tuple[str, ...] = ()

    def pack(self) -> bytes:
        """Return the canonical record; the same entry always gives the same bytes."""
        safe = self._masked()
        return orjson.dumps((FORMAT, *_all(safe)))

    @classmethod
    def unpack(cls, record: bytes) -> Entry:
        """Return the entry of a record. ValueError when it is not one, or of another format.

        A record that an older version wrote lacks the places that were added at the end.
        """
        places = orjson.loads(record)
        if not isinstance(places, list) or not _OLDEST < len(places) <= len(_NAMES) + 1 or places[0] != FORMAT:
            raise ValueError("not an audit record of this format")
        values = dict(zip(_NAMES, places[1:], strict=False))
        values["reasons"], values["wrote"] = tuple(values["reasons"]), tuple(values.get("wrote", ()))
        return cls(**values)

    @property
    def entity(self) -> str:
        """Return ``Kind/id`` of the resource, or "" where the entry is about none."""
        return f"{self.kind}/{self.id}" if self.kind and self.id else ""

    def _masked(self) -> Entry:
        text, wrote = "\n".join((*_free(self), *self.reasons)), "\n".join(self.wrote)
        if len(text) <= MAX_TEXT and text.isascii() and not _suspect(f"{text}\n{wrote}"):
            return self
        own: dict[str, Any] = {name: mask(getattr(self, name)) for name in self._maskable()}
        return replace(self, **own, reasons=tuple(map(mask, self.reasons)), wrote=tuple(map(mask, self.wrote)))

    def _maskable(self) -> Iterable[str]:
        """Return the free texts; an organisation's id is its credit code, which may be all digits."""
        return (name for name in _FREE if name != "id" or self.kind != "Organization")


_NAMES = tuple(field.name for field in fields(Entry))
_OLDEST = _NAMES.index("wrote")
_all, _free = attrgetter(*_NAMES), attrgetter(*_FREE)


def entry(caller: Caller, action: Action, *, at: datetime, event: str = "", **what: Unpack[What]) -> bytes:
    """Return the record of ``caller`` doing ``action`` at ``at`` (aware); ``event`` is its id, drawn when empty."""
    return Entry(
        event=event or new_event(at),
        at=micros(at),
        action=action,
        request=caller.request,
        client=caller.client,
        role=str(caller.role),
        organisation=caller.organisation,
        purpose=caller.purpose,
        token=caller.token,
        address=caller.address,
        **what,
    ).pack()


def stranger(
    action: Action, *, at: datetime, address: str, client: str = "", request: str = "", **what: Unpack[What]
) -> bytes:
    """Return the record of somebody who is not known yet: a failed login, an unknown sender, an unreadable frame."""
    return Entry(
        event=new_event(at), at=micros(at), action=action, address=address, client=client, request=request, **what
    ).pack()


def blind_query(pairs: Iterable[tuple[str, str]], blind: Callable[[str], str]) -> str:
    """Return ``name=value&…`` with every value that might say something of a person blinded by ``blind``.

    The form of an identifier's ``system|value`` stays: the system is kept, the value blinded.
    """
    return "&".join(f"{name}={value if _base(name) in _PLAIN else _blinded(value, blind)}" for name, value in pairs)


def new_event(at: datetime) -> str:
    """Return an id for an entry made ``at`` (aware): a UUID of version 7 (RFC 9562 section 5.7).

    It tells its millisecond, so that an entry is found by its id without an index of its own.
    """
    drawn = int.from_bytes(os.urandom(_DRAWN_BYTES), "big")
    value = (micros(at) // 1000) << 80 | 7 << 76 | (drawn >> 62 & 0xFFF) << 64 | 2 << 62 | drawn & _TAIL
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def time_of_event(event: str) -> int | None:
    """Return the microseconds since 1970 at which the millisecond of ``event`` begins; None where it tells none."""
    if not _TIMED.fullmatch(event):
        return None
    return int(event[:8] + event[9:13], 16) * 1000


def mask(text: str) -> str:
    """Return ``text`` (at most MAX_TEXT characters) without anything that looks like an identity number or a name."""
    return _WORDS.sub(MASKED, _NUMBER.sub(MASKED, text[:MAX_TEXT]))


def micros(at: datetime) -> int:
    """Return ``at`` (aware) as whole microseconds since 1970 UTC."""
    return round(at.timestamp() * 1_000_000)


def _suspect(text: str) -> bool:
    data = text.encode()
    return b"%" in data or _RUN in data.translate(_DIGITS)


def _base(name: str) -> str:
    return name.partition(":")[0]


def _blinded(value: str, blind: Callable[[str], str]) -> str:
    return ",".join(_part(part, blind) for part in value.split(","))


def _part(part: str, blind: Callable[[str], str]) -> str:
    system, bar, code = part.rpartition("|")
    return f"{system}{bar}{blind(code)}"
