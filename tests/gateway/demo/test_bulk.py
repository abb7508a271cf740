"""A county as resources: valid, repeatable, about people who do not exist, whole in its references."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from itertools import islice

import pytest

from gateway.demo.bulk import PER_ELDER, SHARED, Made, resources
from gateway.fhir import codec, gate

SEED = 11
ELDERS = 12
SAMPLE = 5
"""Every how many-th resource is put to the gate."""
REFERENCE = re.compile(rb'"reference":"([A-Za-z]+/[^"]+)"')


@pytest.fixture(scope="module")
def made() -> list[Made]:
    """Return a small county."""
    return [Made(*row) for row in resources(ELDERS, SEED)]


def test_every_sampled_resource_passes_the_gate(made: list[Made]) -> None:
    seen = Counter(row.kind for row in made)

    for row in made[::SAMPLE]:
        assert gate.accept(row.body, kind=row.kind)["id"] == row.id

    assert {
        "Patient",
        "Encounter",
        "Condition",
        "Observation",
        "MedicationRequest",
        "CarePlan",
        "Task",
        "Consent",
    } <= seen.keys()


def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(made: list[Made]) -> None:
    again, other = list(resources(ELDERS, SEED)), list(resources(ELDERS, SEED + 1))

    assert again == made
    assert not {row.id for row in made if row.kind not in SHARED} & {id_ for kind, id_, _ in other}


def test_nothing_is_made_twice_and_every_reference_leads_to_something(made: list[Made]) -> None:
    keys = [f"{row.kind}/{row.id}" for row in made]
    named = {found.decode() for row in made for found in REFERENCE.findall(row.body)}

    assert len(set(keys)) == len(keys)
    # Organisations are registered by the operator, those that no record writes about too.
    assert {name for name in named - set(keys) if not name.startswith("Organization/")} == set()


def test_an_elder_has_about_as_many_resources_as_promised(made: list[Made]) -> None:
    many = sum(1 for _ in resources(100, SEED))

    assert 0.8 * PER_ELDER < many / 100 < 1.2 * PER_ELDER


def test_an_original_is_the_message_that_its_reference_describes(made: list[Made]) -> None:
    originals = {
        f"Binary/{row.id}": base64.b64decode(codec.parse_exact(row.body)["data"])
        for row in made
        if row.kind == "Binary"
    }

    for row in made:
        if row.kind == "DocumentReference":
            told = codec.parse_exact(row.body)["content"][0]["attachment"]
            raw = originals[told["url"]]
            assert told["size"] == len(raw)
            assert told["hash"] == base64.b64encode(hashlib.sha1(raw, usedforsecurity=False).digest()).decode()


def test_nobody_of_it_exists(made: list[Made]) -> None:
    patients = [codec.parse_exact(row.body) for row in made if row.kind == "Patient"]

    assert len(patients) == ELDERS
    for patient in patients:
        assert "示" in patient["name"][0]["text"]
        assert patient["identifier"][0]["value"].startswith("410199")
        assert re.fullmatch(r"138000000\d\d", patient["telecom"][0]["value"])


def test_it_can_be_broken_off_at_any_number() -> None:
    assert len(list(islice(resources(1_000_000 // PER_ELDER, SEED), 500))) == 500
