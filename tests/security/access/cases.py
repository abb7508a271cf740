"""Questions to the policies: random, seeded, and leaning towards what is permitted, so that both answers are common."""

from __future__ import annotations

import random
from collections.abc import Iterator

from security.access.question import NO_ACTOR, Question
from security.labels import Catalogue

ROLES = ("hisfeed", "centre-doctor", "centre-nurse", "station-doctor", "station-carer", "auditor", "system")
ACTORS = ("pipeline", "workflow", "app", "cli")
READING = ("read", "vread", "search", "history")
WRITING = ("create", "update", "delete", "ingest")
TIER_OF = {"hisfeed": "H", "centre-doctor": "C", "centre-nurse": "C", "station-doctor": "S", "station-carer": "S"}
PURPOSE_OF = {"station-carer": "CAREMGT", "centre-doctor": "TREAT", "centre-nurse": "TREAT", "station-doctor": "TREAT"}
LABELS = ("PSY", "HIV", "DEM", "TUM", "PSY2")


def questions(count: int, seed: int) -> Iterator[Question]:
    """Yield ``count`` questions, the same for the same ``seed``."""
    rng = random.Random(seed)  # noqa: S311 - cases, not secrets
    catalogue = Catalogue.load()
    kinds = [*catalogue.kinds, "Immunization"]
    for _ in range(count):
        yield _question(rng, catalogue, kinds)


def _question(rng: random.Random, catalogue: Catalogue, kinds: list[str]) -> Question:
    def mostly(probability: float) -> bool:
        return rng.random() < probability

    role = rng.choice(ROLES)
    action = _action(rng, role)
    kind = rng.choice(("AuditEvent", *kinds) if role in ("auditor", "system") and mostly(0.5) else kinds)
    if role == "auditor" and mostly(0.7):
        kind = "AuditEvent"
    actor = rng.choice(ACTORS) if role == "system" and mostly(0.95) else NO_ACTOR
    if actor == "pipeline" and mostly(0.4):
        kind, action = rng.choice(("Binary", "DocumentReference", "Provenance")), "ingest"
    klass = rng.choice(sorted(catalogue.classes(kind)))
    return Question(
        role=role,
        tier=TIER_OF.get(role, rng.choice("HCSX")) if mostly(0.9) else rng.choice("HCSX"),
        actor=actor,
        clearance=rng.choice((4, 4, 4, 5, 3)),
        purpose=PURPOSE_OF.get(role, "HOPERAT") if mostly(0.92) else rng.choice(("TREAT", "CAREMGT", "HOPERAT")),
        action=action,
        scoped=mostly(0.93),
        kind=kind,
        klass=klass,
        level=rng.choice((1, 2, 3, 4, 4, 4, 4, 4, 5)),
        labels=tuple(label for label in LABELS if mostly(0.1)),
        own=mostly(0.55),
        handed=mostly(0.6),
        related=mostly(0.65),
        mayWrite=mostly(0.7),
        consented=mostly(0.75),
        excluded=mostly(0.08),
        elderly=mostly(0.85 if actor == NO_ACTOR else 0.4),
    )


def _action(rng: random.Random, role: str) -> str:
    if role == "auditor":
        return rng.choice((*READING, "audit", "audit"))
    if role == "hisfeed":
        return rng.choice((*READING, "ingest", "ingest", "ingest", "ingest"))
    return rng.choice((*READING, *READING, *WRITING, "audit"))
