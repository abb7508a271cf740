"""The committed definitions are the ones whose hashes are committed beside them, and they are R4's."""

import hashlib
import lzma
from pathlib import Path

import pytest

from gateway.fhir import definitions

GENERATED = Path(definitions.__file__).parent / "_generated"
LINES = (GENERATED / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
SUMS = {name: digest for digest, name in map(str.split, LINES)}


@pytest.mark.parametrize("name", ["model.json", "search.json", "hanzi.json"])
def test_an_artefact_has_the_hash_that_its_build_wrote(name: str) -> None:
    content = lzma.decompress((GENERATED / f"{name}.xz").read_bytes())

    assert hashlib.sha256(content).hexdigest() == SUMS[name]


def test_r4_has_146_kinds() -> None:
    assert len(definitions.kinds()) == 146


def test_an_element_tells_what_it_may_hold() -> None:
    gender = definitions.elements("Patient")["gender"]

    assert (gender.types, gender.many, gender.min) == (("code",), False, 0)
    assert definitions.codes(gender.binding) == frozenset({"male", "female", "other", "unknown"})


def test_a_choice_unfolds_into_its_forms() -> None:
    forms = dict(definitions.elements("Patient")["deceased"].json_names())

    assert forms == {"deceasedBoolean": "boolean", "deceasedDateTime": "dateTime"}


def test_every_type_of_every_element_is_known() -> None:
    named = {
        kind
        for path in definitions.type_names()
        for element in definitions.elements(path).values()
        for kind in element.types
    }

    assert {name for name in named if not definitions.is_type(name) and not definitions.is_primitive(name)} == set()


def test_the_patient_compartment_is_r4s() -> None:
    compartment = definitions.compartment("Patient")

    assert compartment["Observation"] == ["subject", "performer"]
    assert "Organization" not in compartment


def test_elements_stand_in_the_order_of_the_definition_and_tell_their_part_in_a_summary() -> None:
    found = definitions.elements("Narrative")

    assert [*found] == ["id", "extension", "status", "div"]
    assert (definitions.elements("Patient")["active"].summary, definitions.elements("Patient")["photo"].summary) == (
        True,
        False,
    )
    assert definitions.elements("Observation")["status"].modifier
