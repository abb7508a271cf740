"""What a profile can ask for, in small profiles of our own: slices, inheritance, and what is refused at loading."""

from pathlib import Path
from typing import Any

import pytest

from gateway.fhir.profiles import Profiles

Json = dict[str, Any]


def definition(*elements: Json, type: str = "Observation") -> Json:
    """Return a small profile of ``type`` with ``elements`` below its root."""
    return {
        "resourceType": "StructureDefinition",
        "id": "t",
        "url": "urn:t",
        "version": "1",
        "type": type,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{type}",
        "differential": {"element": list(elements)},
    }


def sliced(*discriminators: tuple[str, str], rules: str = "open") -> Json:
    rows = [{"type": type_, "path": path} for type_, path in discriminators]
    return {"id": "Observation.component", "slicing": {"discriminator": rows, "rules": rules}}


def codes_of(loaded: Profiles, **body: Any) -> list[tuple[str, str]]:
    doc = {"resourceType": "Observation", "meta": {"profile": ["urn:t"]}, **body}
    return [(problem.code, problem.where) for problem in loaded.faults(doc)]


def test_a_slice_is_told_by_the_type_of_its_value() -> None:
    loaded = Profiles(
        [
            definition(
                sliced(("type", "value")),
                {"id": "Observation.component:text", "max": "1"},
                {"id": "Observation.component:text.value[x]", "type": [{"code": "string"}]},
            )
        ]
    )

    assert codes_of(loaded, component=[{"valueString": "a"}, {"valueInteger": 1}]) == []
    assert codes_of(loaded, component=[{"valueString": "a"}] * 2) == [("FHIR-031", "Observation.component")]


def test_a_slice_is_told_by_what_is_there_or_not() -> None:
    loaded = Profiles(
        [
            definition(
                sliced(("exists", "interpretation")),
                {"id": "Observation.component:judged", "min": 1},
                {"id": "Observation.component:judged.interpretation", "min": 1},
                {"id": "Observation.component:plain", "max": "1"},
                {"id": "Observation.component:plain.interpretation", "max": "0"},
            )
        ]
    )

    assert codes_of(loaded, component=[{}, {"interpretation": [{"text": "高"}]}]) == []
    assert codes_of(loaded, component=[{}]) == [("FHIR-030", "Observation.component")]


def test_a_slice_is_told_by_where_a_reference_points() -> None:
    target = "http://hl7.org/fhir/StructureDefinition/Device"
    slicing = {
        "id": "Observation.focus",
        "slicing": {"discriminator": [{"type": "profile", "path": "resolve()"}], "rules": "closed"},
    }
    loaded = Profiles(
        [
            definition(
                slicing,
                {
                    "id": "Observation.focus:device",
                    "max": "1",
                    "type": [{"code": "Reference", "targetProfile": [target]}],
                },
            )
        ]
    )

    assert codes_of(loaded, focus=[{"reference": "Device/d"}]) == []
    assert codes_of(loaded, focus=[{"reference": "Location/l"}]) == [("FHIR-036", "Observation.focus[0]")]


def test_a_profile_keeps_the_rules_of_the_one_it_derives_from() -> None:
    child = {**definition({"id": "Observation.subject", "min": 1}), "url": "urn:u", "baseDefinition": "urn:t"}
    loaded = Profiles([definition({"id": "Observation.issued", "min": 1}), child])

    found = loaded.faults({"resourceType": "Observation", "meta": {"profile": ["urn:u"]}})

    assert [problem.where for problem in found] == ["Observation.issued", "Observation.subject"]


REQUIRED = {"strength": "required", "valueSet": "urn:v"}
UNKNOWN_EXTENSION = [{"code": "Extension", "profile": ["urn:x"]}]
UNREADABLE = {"key": "k", "severity": "error", "human": "h", "expression": "a.b("}


@pytest.mark.parametrize(
    "element",
    [
        pytest.param({"id": "Observation.code", "maxLength": 3}, id="a rule that is not built"),
        pytest.param({"id": "Observation.code", "binding": REQUIRED}, id="a value set that is not there"),
        pytest.param({"id": "Observation.extension:x", "type": UNKNOWN_EXTENSION}, id="an extension that is not there"),
        pytest.param({"id": "Observation.component:x", "min": 1}, id="slices without a discriminator"),
        pytest.param({"id": "Observation", "constraint": [UNREADABLE]}, id="an expression that cannot be read"),
    ],
)
def test_a_profile_that_is_not_understood_whole_is_not_loaded(element: Json) -> None:
    with pytest.raises(ValueError, match="urn:t"):
        Profiles([definition(element)])


def test_a_folder_without_profiles_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no profiles"):
        Profiles.load(tmp_path)
