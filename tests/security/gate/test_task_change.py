"""What a PUT may change of a Task (issue, "Transitions")."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fhir.problem import Problem
from security.gate import task_change
from tests.security.town import referral

MAY = {
    "status": "in-progress",
    "businessStatus": {"text": "arrived"},
    "statusReason": {"text": "无床位"},
    "note": [{"text": "已到"}],
    "output": [{"type": {"text": "x"}}],
}


@pytest.mark.parametrize("element", MAY)
def test_it_may_change(element: str) -> None:
    assert task_change(referral(), referral() | {element: MAY[element]}) == {element: MAY[element]}


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("owner", {"reference": "Organization/x"}),
        ("for", {"reference": "Patient/other"}),
        ("code", {"text": "x"}),
        ("restriction", {"period": {"end": "2099-01-01"}}),
        ("focus", {"reference": "ServiceRequest/x"}),
        ("input", []),
        ("extension", [{"url": "u"}]),
        ("unheardOf", 1),
    ],
)
def test_it_may_not_change(element: str, value: Any) -> None:
    with pytest.raises(Problem) as caught:
        task_change(referral(), referral() | {element: value})
    assert (caught.value.code, caught.value.where, caught.value.status) == ("SEC-406", f"Task.{element}", 403)


def test_it_may_not_drop_an_element() -> None:
    without = {key: value for key, value in referral().items() if key != "owner"}
    with pytest.raises(Problem, match="SEC-406"):
        task_change(referral(), without)


def test_meta_is_the_gateways() -> None:
    assert task_change(referral() | {"meta": {"versionId": "1"}}, referral()) == {}
