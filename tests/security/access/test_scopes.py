"""Scopes as the gate reads them (SMART App Launch 2.2)."""

from __future__ import annotations

import pytest

from security.access.scopes import covers


@pytest.mark.parametrize(
    ("scopes", "action", "kind", "wanted"),
    [
        (["system/*.rs"], "read", "Patient", True),
        (["system/*.rs"], "vread", "Patient", True),
        (["system/*.rs"], "history", "Patient", True),
        (["system/*.rs"], "search", "Patient", True),
        (["system/*.rs"], "update", "Task", False),
        (["system/*.rs", "system/Task.u"], "update", "Task", True),
        (["system/*.rs", "system/Task.u"], "update", "CarePlan", False),
        (["system/Task.r"], "search", "Task", False),
        (["system/Task.c"], "create", "Task", True),
        (["system/Task.d"], "delete", "Task", True),
        (["intake/json-discharge.c"], "read", "Patient", False),
        (["intake/json-discharge.c"], "ingest", "Patient", True),
        (["system/*.cruds"], "ingest", "Patient", False),
        (["system/AuditEvent.rs"], "audit", "AuditEvent", True),
        (["system/AuditEvent.r"], "audit", "AuditEvent", False),
        (["system/AuditEvent.rs"], "audit", "Patient", False),
        ([], "read", "Patient", False),
    ],
)
def test_what_is_covered(scopes: list[str], action: str, kind: str, *, wanted: bool) -> None:
    assert covers(frozenset(scopes), action, kind) is wanted


@pytest.mark.parametrize(
    "scope",
    ["system/*.sr", "system/*.read", "system/*", "patient/*.rs", "system/*.rs?category=x", "SYSTEM/*.rs", "*/*.rs", ""],
)
def test_what_is_not_understood_covers_nothing(scope: str) -> None:
    assert not covers(frozenset({scope}), "read", "Patient")
