"""Leave a trace of what an operator did, before the word says that it is done."""

from __future__ import annotations

from gateway.app.rooms import Rooms
from security.audit import entry
from security.audit.record import Action, What
from security.caller import Caller
from security.state import Change


async def record_change(rooms: Rooms, change: Change) -> None:
    """Write the registry's ``change`` into the journal; durable on return."""
    is_organisation = change.kind == "organisation"
    interface = f"yiyang {'org' if is_organisation else change.kind} {change.verb}"
    await record(rooms, "admin", interface=interface, kind="Organization" if is_organisation else "", id_=change.name)


async def record(rooms: Rooms, action: Action, *, interface: str, kind: str = "", id_: str = "") -> None:
    """Write that the operator did ``action``; durable on return."""
    what: What = {"interface": interface, "kind": kind, "id": id_}
    await rooms.journal.append(entry(Caller.system("cli"), action, at=rooms.now(), **what), durable=True)
