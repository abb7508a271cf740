"""The registry at one version, in memory: who exists, who may come in, which organisations form a chain.

Pure and immutable. Whatever is disabled, or belongs to somebody disabled, is not found by the look-ups of the doors.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from security.caller import Tier
from security.state.records import Client, HttpSender, MllpSender, Organisation, Sender


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything registered, disabled rows too, by code, client id and sender name; ``revoked`` are jti's."""

    version: int = 0
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    clients: Mapping[str, Client] = field(default_factory=dict)
    senders: Mapping[str, Sender] = field(default_factory=dict)
    revoked: frozenset[str] = frozenset()
    _chains: Mapping[str, frozenset[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Work out feeds and chains once."""
        feeds = defaultdict[str, set[str]](set)
        for sender in self.senders.values():
            if isinstance(sender, HttpSender) and not sender.disabled:
                feeds[sender.client].add(sender.feed)
        clients = {name: replace(one, feeds=frozenset(feeds[name])) for name, one in self.clients.items()}
        object.__setattr__(self, "clients", clients)
        object.__setattr__(self, "_chains", _chains(self.organisations))

    def organisation(self, uscc: str) -> Organisation | None:
        """Return the organisation, or None when it is unknown or disabled."""
        found = self.organisations.get(uscc)
        return found if found is not None and not found.disabled else None

    def client(self, client_id: str) -> Client | None:
        """Return the client, or None when it or its organisation is unknown or disabled."""
        found = self.clients.get(client_id)
        if found is None or found.disabled or self.organisation(found.organisation) is None:
            return None
        return found

    def chain(self, uscc: str) -> frozenset[str]:
        """Return the organisations of the same chain, its own included: a centre and its stations.

        A hospital feeds chains and is a member of none but its own; empty for who is unknown or disabled.
        """
        return self._chains.get(uscc, frozenset())

    def upstream(self, uscc: str) -> str:
        """Return the hospital above the chain of ``uscc``, or "" when none is registered."""
        found = self.organisation(uscc)
        while found is not None and found.tier is not Tier.HOSPITAL:
            found = self.organisation(found.parent)
        return "" if found is None or found.uscc == uscc else found.uscc

    def mllp_sender(self, msh3: str, msh4: str, address: str) -> MllpSender | None:
        """Return the sender of a message that says ``msh3``, ``msh4`` and comes from ``address``; narrowest network."""
        try:
            peer = _plain(ipaddress.ip_address(address))
        except ValueError:
            return None
        found = [
            (network.prefixlen, sender)
            for sender in self.senders.values()
            if isinstance(sender, MllpSender)
            and (sender.msh3, sender.msh4) == (msh3, msh4)
            and self._may_send(sender)
            and peer in (network := ipaddress.ip_network(sender.network))
        ]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def http_sender(self, client_id: str, feed: str) -> HttpSender | None:
        """Return the registration of the client for ``feed``, or None."""
        found = self.senders.get(http_name(client_id, feed))
        if not isinstance(found, HttpSender) or self.client(client_id) is None or not self._may_send(found):
            return None
        return found

    def _may_send(self, sender: Sender) -> bool:
        return not sender.disabled and self.organisation(sender.organisation) is not None


def http_name(client_id: str, feed: str) -> str:
    """Return the name of the HTTP sender of ``client_id`` for ``feed``."""
    return f"{client_id}:{feed}"


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an IPv4 address that came mapped into IPv6 as what it is; a dual-stack socket reports it so."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _chains(organisations: Mapping[str, Organisation]) -> dict[str, frozenset[str]]:
    members = defaultdict[str, set[str]](set)
    live = [one for one in organisations.values() if not one.disabled]
    for one in live:
        members[_head(one)].add(one.uscc)
    closed = {head: frozenset(found) for head, found in members.items()}
    return {one.uscc: closed[_head(one)] for one in live}


def _head(one: Organisation) -> str:
    return one.parent if one.tier is Tier.STATION else one.uscc
