"""A snapshot as text for Prometheus, by prometheus-client's own writer.

In: the sum of all processes. Out: bytes in the exposition format that the scraper asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from gateway.watch.metrics import METRICS, Metric
from gateway.watch.tally import Key, Snapshot

_MORE = "+Inf"


def expose(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """Return the text and its content type; every name of the table has its HELP and TYPE."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(snapshot))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Once(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Family]:
        """Yield every metric of the table."""
        for metric in METRICS:
            if metric.kind == "histogram":
                yield _histogram(metric, self._snapshot.spreads)
            elif metric.kind == "counter":
                counter = CounterMetricFamily(metric.name, metric.en, labels=metric.labels)
                for labels, value in _of(metric, self._snapshot.counts):
                    counter.add_metric(labels, value)
                yield counter
            else:
                gauge = GaugeMetricFamily(metric.name, metric.en, labels=metric.labels)
                for labels, value in _of(metric, self._snapshot.gauges):
                    gauge.add_metric(labels, value)
                yield gauge


def _histogram(metric: Metric, spreads: Mapping[Key, list[float]]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.en, labels=metric.labels)
    for key, row in spreads.items():
        if key[0] == metric.name:
            family.add_metric(key[1:], _cumulated(metric, row), sum_value=row[-1])
    return family


def _cumulated(metric: Metric, row: list[float]) -> list[tuple[str, float]]:
    so_far, found = 0.0, []
    for bound, count in zip((*map(str, metric.buckets), _MORE), row[:-1], strict=True):
        so_far += count
        found.append((bound, so_far))
    return found


def _of(metric: Metric, values: Mapping[Key, float]) -> Iterator[tuple[tuple[str, ...], float]]:
    return ((key[1:], value) for key, value in values.items() if key[0] == metric.name)
