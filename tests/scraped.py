"""A scrape of `/metrics`, read as Prometheus reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from gateway.watch.metrics import TABLE


def samples(text: str) -> dict[str, float]:
    """Return every sample by its name and label values, in the table's order: `name|value|value`, buckets with `le`."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        metric = TABLE.get(family.name) or TABLE[f"{family.name}_total"]
        for sample in family.samples:
            labels = [sample.labels[name] for name in (*metric.labels, "le") if name in sample.labels]
            found["|".join((sample.name, *labels))] = sample.value
    return found
