"""Counts of one process and of several."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.watch.exposition import expose
from gateway.watch.meters import Meters
from gateway.watch.metrics import MAX_SERIES, METRICS, REPLAYED, TABLE
from gateway.watch.share import Share
from gateway.watch.tally import Snapshot, Tally
from tests.scraped import samples


def _read(snapshot: Snapshot) -> dict[str, float]:
    """Return every sample, by its name and label values, as Prometheus would read them."""
    return samples(expose(snapshot, "text/plain")[0].decode())


def test_a_counter_counts_by_its_labels() -> None:
    meters = Meters()
    for status in (200, 200, 404):
        meters.http("/fhir/{kind}/{id}", "GET", status, "auditor", seconds=0.02)

    found = _read(meters.snapshot())

    assert found["yiyang_http_requests_total|/fhir/{kind}/{id}|GET|200|auditor"] == 2
    assert found["yiyang_http_requests_total|/fhir/{kind}/{id}|GET|404|auditor"] == 1
    assert found["yiyang_http_request_duration_seconds_count|/fhir/{kind}/{id}"] == 3


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0.005, "0.005"), (0.0051, "0.01"), (2.5, "2.5"), (9.0, "+Inf")], ids=str
)
def test_a_duration_falls_into_the_first_bucket_that_holds_it(seconds: float, bound: str) -> None:
    meters = Meters()
    meters.http("/x", "GET", 200, "none", seconds=seconds)

    found = {name: value for name, value in _read(meters.snapshot()).items() if "_bucket" in name}

    first = next(name for name, value in found.items() if value)
    assert first == f"yiyang_http_request_duration_seconds_bucket|/x|{bound}"
    assert [*found.values()][-1] == 1


def test_every_name_of_the_table_has_its_help_and_type_before_anything_happened() -> None:
    body, kind = expose(Snapshot(), "application/openmetrics-text; version=1.0.0")

    text = body.decode()
    assert kind.startswith("application/openmetrics-text")
    for metric in METRICS:
        name = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
        assert f"# HELP {name} {metric.en}" in text
        assert f"# TYPE {name} {metric.kind}" in text


def test_names_keep_to_the_conventions() -> None:
    assert len(TABLE) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith("yiyang_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert metric.zh
        assert metric.en
        assert set(metric.labels) <= {
            "route", "method", "code", "client_kind", "decision", "rule", "action", "outcome", "writer", "channel",
            "state", "map", "part", "version", "schema",
        }  # fmt: skip


@pytest.mark.parametrize("key", [("yiyang_nothing_total",), ("yiyang_dead_letters", "x"), ("yiyang_replay_total", "1")])
def test_a_name_or_number_of_labels_that_the_table_lacks_is_a_fault(key: tuple[str, ...]) -> None:
    with pytest.raises(KeyError):
        Tally().count(key)


def test_more_series_than_an_operator_can_bear_are_dropped_and_counted() -> None:
    tally = Tally()
    for number in range(MAX_SERIES + 500):
        tally.count(("yiyang_inbox_messages_total", f"feed-{number}", "stored"))
    for number in range(500):
        tally.time(("yiyang_map_duration_seconds", f"feed-{number}"), 0.1)

    found = Snapshot(tally.counts, tally.spreads)

    assert len(found.counts) + sum(len(row) + 1 for row in found.spreads.values()) <= MAX_SERIES + 1
    assert found.counts["yiyang_metrics_dropped_total",] >= 1000


def _ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def _counted(times: int, queue: float) -> Meters:
    meters = Meters()
    for _ in range(times):
        meters.message("json-discharge", "stored")
        meters.mapped("json-discharge", (), 0.01)
    meters.gauge(lambda: [(("yiyang_audit_queue_events",), queue)])
    return meters


def test_whoever_is_asked_answers_for_all_that_live_and_keeps_what_the_dead_counted(tmp_path: Path) -> None:
    Share(tmp_path, pid=os.getppid()).tell(_counted(2, 5).snapshot())
    Share(tmp_path, pid=_ended_process()).tell(_counted(3, 7).snapshot())
    own = Share(tmp_path)
    own.begin()

    total, alive = own.sum(_counted(1, 11).snapshot())

    found = _read(total)
    assert found["yiyang_inbox_messages_total|json-discharge|stored"] == 6
    assert found["yiyang_map_duration_seconds_count|json-discharge"] == 6
    assert found["yiyang_audit_queue_events"] == 16
    assert sorted(alive) == sorted([os.getpid(), os.getppid()])


def test_a_new_start_begins_at_nothing(tmp_path: Path) -> None:
    Share(tmp_path, pid=_ended_process()).tell(_counted(3, 7).snapshot())
    own = Share(tmp_path)

    own.begin()

    assert own.sum(Snapshot())[0].counts == {}


def test_a_word_of_the_command_line_counts_where_a_gateway_tells(tmp_path: Path) -> None:
    Share(tmp_path / "nowhere").add(REPLAYED)
    for _ in range(3):
        Share(tmp_path).add(REPLAYED)
    own = Share(tmp_path)
    own.begin()

    total, alive = own.sum(Snapshot())

    assert (total.counts, alive) == ({REPLAYED: 3}, [os.getpid()])
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_is_torn_or_of_another_version_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / f"{os.getppid()}.json").write_bytes(b'{"counts": [["yiyang_re')
    (tmp_path / "1.json").write_bytes(b'{"counts": [["yiyang_of_the_future", 1], ["yiyang_replay_total", 2]]}')

    total, _ = Share(tmp_path).sum(Snapshot())

    assert total.counts == {("yiyang_replay_total",): 2}


def test_only_the_account_of_the_gateway_may_look_into_the_folder(tmp_path: Path) -> None:
    Share(tmp_path / "metrics").begin()

    assert (tmp_path / "metrics").stat().st_mode & 0o777 == 0o700
