"""Messages as the inbox keeps them: plain values that intake and the stores share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it came: who sent it by which feed, its id, its exact bytes and their keyed digest.

    ``sender`` names the registered sender, ``order`` is the keyed hash under which messages of one elder stay in
    order (0 when nobody can tell).
    """

    sender: str
    feed: str
    organisation: str
    message_id: str
    raw: bytes
    digest: bytes
    order: int = 0


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One kept message: the arrival, its ``state``, the reply given (packed), the ``reason`` of a parked one."""

    arrival: Arrival
    state: str
    reply: bytes
    reason: str
    attempts: int
    received: datetime
