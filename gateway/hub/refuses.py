"""refuses: would the gate let in what an inner actor could hand in now? In memory; nothing is released or written.

In: checked resources of one elder, as new. Out: yes or no. No entry: who asks answers a sender, and that has its own.
Source: architecture §2; gateway/intake/permission.py says why it is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.hub.interaction import Tools, demand_inner
from gateway.hub.values import Doc
from security.caller import Caller


def refuses(tools: Tools, caller: Caller, docs: Sequence[Doc], *, elder: str) -> bool:
    """Tell whether the gate refuses ``caller``, an inner actor, any of ``docs`` about ``elder``.

    ``caller.organisation`` becomes a controller, as in an ingest. Raises Problem SEC-403 for another caller.
    """
    demand_inner(caller)
    return any(not _permits(tools, caller, doc, elder) for doc in docs)


def _permits(tools: Tools, caller: Caller, doc: Doc, elder: str) -> bool:
    controllers = (caller.organisation,) if caller.organisation else ()
    facts = tools.gate.label(str(doc["resourceType"]), doc, elder=elder, controllers=controllers)
    return tools.gate.decide(caller, "ingest", facts).allow
