"""Organisations, clients and senders as values, and the change of one of them as the journal needs it.

They hold nothing secret: of a client only public keys. `Client.created` and the like are aware UTC instants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from security.caller import Role, Tier

Jwk = Mapping[str, str]
"""One public JSON web key; every member is a string."""
Charset = Literal["", "UTF-8", "GB18030"]
"""Of a message that names none itself; "" = UTF-8 if it decodes strictly, else GB18030."""
Ack = Literal["", "original", "enhanced"]
"""HL7 v2.5.1 §2.9: "" = as MSH-15/16 of each message ask."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """A controller: ``uscc`` its credit code, ``parent`` the centre of a station or the hospital above a centre."""

    uscc: str
    name: str
    tier: Tier
    parent: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """A registered system: one role, one organisation, its public keys by kid, and the scopes it may be granted.

    ``feeds`` are those that it may post to; they follow from its HTTP senders.
    """

    client_id: str
    name: str
    role: Role
    organisation: str
    keys: Mapping[str, Jwk] = field(hash=False)
    scopes: frozenset[str]
    feeds: frozenset[str] = frozenset()
    disabled: bool = False
    created: datetime | None = None
    last_used: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class MllpSender:
    """An HL7 v2 system, known by MSH-3, MSH-4 and its address within ``network`` (CIDR)."""

    name: str
    organisation: str
    feed: str
    msh3: str
    msh4: str
    network: str
    charset: Charset = ""
    ack: Ack = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class HttpSender:
    """A client that posts to a feed; the organisation is the client's. ``name`` is ``client:feed``."""

    name: str
    organisation: str
    feed: str
    client: str
    disabled: bool = False


Sender = MllpSender | HttpSender
Record = Organisation | Client | MllpSender | HttpSender


@dataclass(frozen=True, slots=True)
class Change:
    """What a verb of the registry did, for the journal: ``verb`` add or disable, ``before`` None for an add.

    ``version`` is the registry's version that holds the change.
    """

    verb: Literal["add", "disable"]
    kind: Literal["organisation", "client", "sender"]
    name: str
    before: Record | None
    after: Record
    version: int
