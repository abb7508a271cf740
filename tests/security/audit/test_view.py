"""Entries as AuditEvent in the shape of BALP."""

from __future__ import annotations

import base64
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.audit import Entry, entry, render, stranger
from security.audit.record import Action
from tests.security.audit.conftest import CALLER, NOON

ACTIONS = get_args(Action)
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."


def shown(action: Action, **what: Any) -> dict[str, Any]:
    return render(Entry.unpack(entry(CALLER, action, at=NOON, **what)))


def codes(event: dict[str, Any]) -> list[str]:
    return [agent["type"]["coding"][0]["code"] for agent in event["agent"]]


@pytest.mark.parametrize(
    ("action", "profile", "letter", "agents"),
    [
        ("read", "PatientRead", "R", ["110152", "110153", "IRCP"]),
        ("vread", "PatientRead", "R", ["110152", "110153", "IRCP"]),
        ("search", "PatientQuery", "E", ["110153", "110152", "IRCP"]),
        ("create", "PatientCreate", "C", ["110153", "110152", "AUT"]),
        ("update", "PatientUpdate", "U", ["110153", "110152", "AUT"]),
        ("delete", "PatientDelete", "D", ["110150", "custodian", "AUT"]),
    ],
)
def test_each_interaction_has_its_profile(action: Action, profile: str, letter: str, agents: list[str]) -> None:
    event = shown(action, kind="CarePlan", id="1", elder="p")

    assert event["meta"]["profile"] == [BALP + profile]
    assert event["action"] == letter
    assert codes(event) == agents


def test_an_entry_about_no_elder_claims_the_profile_without_patient() -> None:
    event = shown("read", kind="Organization", id="12410100MB00000028")

    assert event["meta"]["profile"] == [f"{BALP}Read"]
    assert [entity["role"]["code"] for entity in event["entity"] if "role" in entity] == ["4"]


def test_a_refusal_claims_no_profile_and_says_why() -> None:
    event = shown("read", kind="CarePlan", id="1", elder="p", outcome=8, reasons=("SEC-404",), rule="deny-by-default")

    assert "meta" not in event
    assert (event["outcome"], event["outcomeDesc"]) == ("8", "reasons SEC-404; rule deny-by-default")


def test_the_user_carries_token_rule_policy_and_consent() -> None:
    event = shown("read", kind="CarePlan", id="1", rule="r", policy="ab", consent="c/3")

    assert event["agent"][2]["policy"] == [
        f"urn:ietf:params:oauth:jti:{CALLER.token}",
        "https://yiyang-gateway.example/fhir/policy/r",
        "urn:sha256:ab",
        "https://yiyang-gateway.example/fhir/Consent/c/3",
    ]
    assert event["agent"][2]["who"] == {"reference": "Organization/52410102MJ0000003J"}


def test_a_search_carries_its_blinded_request() -> None:
    event = shown("search", kind="CarePlan", query="identifier=bx1:ab")

    (query,) = (entity for entity in event["entity"] if entity.get("role", {}).get("code") == "24")
    assert base64.b64decode(query["query"]) == b"CarePlan?identifier=bx1:ab"
    assert "name" not in query


def test_a_version_a_request_and_the_time_are_told() -> None:
    event = shown("update", kind="Task", id="t", version=4, elder="p", level=3)

    assert event["entity"][0]["what"] == {"reference": "Task/t/_history/4"}
    assert event["entity"][0]["securityLabel"][0]["code"] == "L3"
    assert event["entity"][1]["what"] == {"reference": "Patient/p"}
    assert event["entity"][2]["what"]["identifier"]["value"] == CALLER.request
    assert event["recorded"] == "2026-11-24T12:00:00.000000+00:00"


def test_a_stranger_has_an_address_and_no_role() -> None:
    event = render(Entry.unpack(stranger("refuse", at=NOON, address="10.9.9.9", outcome=8)))

    assert len(event["agent"]) == 2
    assert event["agent"][0]["network"] == {"address": "10.9.9.9", "type": "2"}
    assert event["agent"][0]["requestor"]


@given(action=st.sampled_from(ACTIONS), outcome=st.sampled_from([0, 4, 8, 12]), kind=st.sampled_from(["", "Task"]))
def test_every_entry_has_what_r4_demands(action: Action, outcome: int, kind: str) -> None:
    event = shown(action, outcome=outcome, kind=kind, id="1" if kind else "")

    assert event["type"]["code"]
    assert event["recorded"]
    assert event["source"]["observer"]
    assert all("requestor" in agent for agent in event["agent"])
    assert [] not in event.values()
    assert {} not in event.values()
