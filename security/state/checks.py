"""What may be registered: every fault of an entry is told at once, as Problems SEC-1xx.

Pure: a new entry is checked against a snapshot that the registry has locked. Sources: GB 32100-2015 (credit code),
security.md ROL-01..03, RFC 7518 (key sizes), SMART App Launch 2.2 (algorithms).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final, get_args

from gateway.fhir.check_digits import is_credit_code
from gateway.fhir.problem import Problem, Problems
from security.caller import Role, Tier
from security.state.grammar import ANY, covered, parse
from security.state.records import Ack, Charset, Client, HttpSender, MllpSender, Organisation, Sender
from security.state.roles import ROLES
from security.state.snapshot import Snapshot

CLIENT_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
FEED: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
SENDER_NAME: Final = CLIENT_ID
# What a person reads in a list; longer is a mistake (design default).
MAX_NAME: Final = 100
# HL7 v2.5.1 HD of MSH-3/MSH-4 has 227 characters.
MAX_MSH: Final = 227
_PARENT_TIER: Final = {Tier.STATION: Tier.CENTRE, Tier.CENTRE: Tier.HOSPITAL}


def demand(faults: Iterable[Problem]) -> None:
    """Raise the faults, if there are any, as Problems."""
    found = list(faults)
    if found:
        raise Problems(found)


def organisation(entry: Organisation, known: Snapshot) -> Iterator[Problem]:
    """Yield what is wrong with a new organisation."""
    if not is_credit_code(entry.uscc):
        yield Problem("SEC-101", where="organisation.uscc", uscc=entry.uscc[:18])
    if entry.uscc in known.organisations:
        yield Problem("SEC-103", where="organisation.uscc", kind="organisation", name=entry.uscc)
    yield from _name(entry.name, "organisation.name")
    yield from _parent(entry, known)


def client(entry: Client, known: Snapshot) -> Iterator[Problem]:
    """Yield what is wrong with a new client; its keys were read by `keys.public_keys`."""
    if not CLIENT_ID.fullmatch(entry.client_id):
        yield Problem("SEC-105", where="client.id")
    if entry.client_id in known.clients:
        yield Problem("SEC-103", where="client.id", kind="client", name=entry.client_id)
    yield from _name(entry.name, "client.name")
    yield from _role(entry, known)
    yield from _scopes(entry)
    for feed in sorted(entry.feeds):
        yield from _feed(feed, entry, "client.feeds")


def sender(entry: Sender, known: Snapshot) -> Iterator[Problem]:
    """Yield what is wrong with a new sender."""
    if entry.name in known.senders:
        yield Problem("SEC-103", where="sender.name", kind="sender", name=entry.name)
    if isinstance(entry, HttpSender):
        yield from _http(entry, known)
    else:
        yield from _mllp(entry, known)


def _name(name: str, where: str) -> Iterator[Problem]:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        yield Problem("SEC-106", where=where, limit=MAX_NAME)


def _parent(entry: Organisation, known: Snapshot) -> Iterator[Problem]:
    wanted = _PARENT_TIER.get(entry.tier)
    if entry.tier is Tier.HUB:
        yield Problem("SEC-104", where="organisation.tier", tier=entry.tier)
    elif not entry.parent:
        if entry.tier is Tier.STATION:
            yield Problem("SEC-104", where="organisation.parent", tier=entry.tier)
    elif wanted is None or (found := known.organisation(entry.parent)) is None or found.tier is not wanted:
        yield Problem("SEC-104", where="organisation.parent", tier=entry.tier)


def _role(entry: Client, known: Snapshot) -> Iterator[Problem]:
    found = known.organisation(entry.organisation)
    if found is None:
        yield Problem("SEC-102", where="client.organisation", kind="organisation", name=entry.organisation[:18])
    rule = ROLES.get(entry.role)
    if rule is None or (found is not None and found.tier not in rule.tiers):
        tier = found.tier if found is not None else "?"
        yield Problem("SEC-107", where="client.role", role=entry.role, tier=tier)


def _scopes(entry: Client) -> Iterator[Problem]:
    if not entry.scopes:
        yield Problem("SEC-108", where="client.scopes", scope="-", role=entry.role)
    for text in sorted(entry.scopes):
        scope = parse(text)
        # `intake/*.c` is a ceiling for roles; a client names its feeds one by one.
        named = scope is not None and (scope.context != "intake" or scope.target != ANY)
        if scope is None or not named or not _within(text, entry.role):
            yield Problem("SEC-108", where="client.scopes", scope=text[:MAX_NAME], role=entry.role)


def _within(text: str, role: Role) -> bool:
    scope, rule = parse(text), ROLES.get(role)
    if scope is None or rule is None:
        return False
    return any(covered(scope, limit) for limit in map(parse, rule.within) if limit is not None)


def _feed(feed: str, owner: Client, where: str) -> Iterator[Problem]:
    if not FEED.fullmatch(feed):
        yield Problem("SEC-105", where=where)
    elif f"intake/{feed}.c" not in owner.scopes:
        yield Problem("SEC-108", where="client.scopes", scope=f"intake/{feed}.c", role=owner.role)


def _http(entry: HttpSender, known: Snapshot) -> Iterator[Problem]:
    owner = known.client(entry.client)
    if owner is None:
        yield Problem("SEC-102", where="sender.client", kind="client", name=entry.client[:64])
    else:
        yield from _feed(entry.feed, owner, "sender.feed")


def _mllp(entry: MllpSender, known: Snapshot) -> Iterator[Problem]:
    for text, pattern, where in ((entry.name, SENDER_NAME, "sender.name"), (entry.feed, FEED, "sender.feed")):
        if not pattern.fullmatch(text):
            yield Problem("SEC-105", where=where)
    if known.organisation(entry.organisation) is None:
        yield Problem("SEC-102", where="sender.organisation", kind="organisation", name=entry.organisation[:18])
    for field, good in _mllp_fields(entry).items():
        if not good:
            yield Problem("SEC-109", where=f"sender.{field}", field=field)
    if _address_taken(entry, known):
        yield Problem("SEC-103", where="sender.network", kind="sender", name=f"{entry.msh3}|{entry.msh4}")


def _mllp_fields(entry: MllpSender) -> dict[str, bool]:
    return {
        "msh3": 0 < len(entry.msh3) <= MAX_MSH and entry.msh3.isprintable(),
        "msh4": 0 < len(entry.msh4) <= MAX_MSH and entry.msh4.isprintable(),
        "network": _is_network(entry.network),
        "charset": entry.charset in get_args(Charset),
        "ack": entry.ack in get_args(Ack),
    }


def _is_network(text: str) -> bool:
    try:
        return str(ipaddress.ip_network(text, strict=True)) == text
    except ValueError:
        return False


def _address_taken(entry: MllpSender, known: Snapshot) -> bool:
    return any(
        (other.msh3, other.msh4, other.network) == (entry.msh3, entry.msh4, entry.network)
        for other in known.senders.values()
        if isinstance(other, MllpSender) and not other.disabled
    )
