"""One row of `doctor`: what was looked at, how it is, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.cli.shell import Both
from gateway.fhir.problem import Problem

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """``name`` is stable, for scripts; the texts are for people."""

    name: str
    state: State
    found: Both
    remedy: Both = ("", "")

    def as_row(self) -> dict[str, str]:
        """Return the row for scripts."""
        row = {"check": self.name, "state": self.state, "zh": self.found[0], "en": self.found[1]}
        return row | ({"remedyZh": self.remedy[0], "remedyEn": self.remedy[1]} if self.remedy[0] else {})


def same(text: object) -> Both:
    """Return a text that needs no translation."""
    return str(text), str(text)


def failed(name: str, problem: Problem) -> Check:
    """Return the row of a problem; its text names the remedy."""
    return Check(name, "fail", same(problem.code), (problem.text("zh"), problem.text("en")))
