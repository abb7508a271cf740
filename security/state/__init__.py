"""Who may come in: organisations and their chains, clients and their public keys, senders of messages."""

from security.state.records import Change, Client, HttpSender, MllpSender, Organisation, Sender
from security.state.registry import Registry
from security.state.roles import ROLES, RoleRule
from security.state.snapshot import Snapshot

__all__ = [
    "ROLES",
    "Change",
    "Client",
    "HttpSender",
    "MllpSender",
    "Organisation",
    "Registry",
    "RoleRule",
    "Sender",
    "Snapshot",
]
