"""The counters as the assembly hands them to the rooms: one method an occasion, each a dictionary's work.

In: what happened, in words of the code. Out: nothing; `snapshot` is taken when somebody scrapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gateway.fhir.problem import Problem
from gateway.watch.tally import Key, Snapshot, Tally

SAMPLE: Final = 16
"""Of the access decisions, which take microseconds, every so-many-th is timed; all are counted (design default)."""
_OUTCOMES: Final = {0: "success", 4: "minor", 8: "serious", 12: "major"}
Gauges = Callable[[], Iterable[tuple[Key, float]]]


class Meters:
    """All counters of this process."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.tally = Tally()
        self._gauges: list[Gauges] = []

    def http(self, route: str, method: str, status: int, client_kind: str, *, seconds: float) -> None:
        """Count one answered request by its route's pattern, a known method and its client's role."""
        self.tally.count(("yiyang_http_requests_total", route, method, str(status), client_kind))
        self.tally.time(("yiyang_http_request_duration_seconds", route), seconds)

    def decided(self, rule: str, action: str, *, allow: bool) -> None:
        """Count one access decision."""
        self.tally.count(("yiyang_authz_decisions_total", "allow" if allow else "deny", rule, action))

    def decision_took(self, seconds: float) -> None:
        """Keep the time of a sampled decision."""
        self.tally.time(("yiyang_authz_duration_seconds",), seconds)

    def chained(self, outcomes: Iterable[int], seconds: float) -> None:
        """Count the entries of one audit commit by outcome, and its time."""
        for outcome in outcomes:
            self.tally.count(("yiyang_audit_events_total", _OUTCOMES.get(outcome, "other")))
        self.tally.time(("yiyang_audit_commit_duration_seconds",), seconds)

    def message(self, channel: str, state: str) -> None:
        """Count one message that came to stand in ``state``."""
        self.tally.count(("yiyang_inbox_messages_total", channel, state))

    def mapped(self, name: str, problems: Iterable[Problem], seconds: float) -> None:
        """Count the issues that one record gave, and its time."""
        for problem in problems:
            self.tally.count(("yiyang_map_errors_total", name, problem.code))
        self.tally.time(("yiyang_map_duration_seconds", name), seconds)

    def consent_took(self, seconds: float) -> None:
        """Keep how long after its commit a consent was decided by here."""
        self.tally.time(("yiyang_consent_withdraw_propagation_seconds",), max(0.0, seconds))

    def gauge(self, source: Gauges) -> None:
        """Ask ``source`` at every snapshot for values of this process."""
        self._gauges.append(source)

    def snapshot(self) -> Snapshot:
        """Return what was counted so far."""
        gauges = {key: value for source in self._gauges for key, value in source()}
        return Snapshot(self.tally.counts, self.tally.spreads, gauges)
