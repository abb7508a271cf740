"""XML both ways: nothing is lost on the way there and back, another reader finds the same, bad XML is named."""

from __future__ import annotations

import contextlib
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from gateway.fhir import codec, definitions, xml_reader, xml_writer
from gateway.fhir.problem import Problem
from tests.budget import examples
from tests.every_element import resources
from tests.gateway.fhir.samples import GOOD

KINDS = sorted(definitions.kinds())
NS = 'xmlns="http://hl7.org/fhir"'
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'


@cache
def made_of(kind: str) -> tuple[dict[str, Any], ...]:
    return tuple(resources(kind))


def there_and_back(doc: dict[str, Any]) -> Any:
    return codec.parse_exact(xml_reader.to_json(xml_writer.write(doc)))


def refused(text: str | bytes) -> Problem:
    with pytest.raises(Problem) as found:
        xml_reader.to_json(text if isinstance(text, bytes) else text.encode())
    return found.value


@pytest.mark.parametrize("kind", KINDS)
def test_every_element_comes_back_from_xml_as_it_was(kind: str) -> None:
    for doc in made_of(kind):
        assert codec.dump_exact(ordered(there_and_back(doc))) == codec.dump_exact(ordered(doc))


def ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value)}
    return [ordered(each) for each in value] if isinstance(value, list) else value


def test_the_generator_makes_every_element_in_every_form() -> None:
    made: set[tuple[str, str]] = set()
    for kind in KINDS:
        for doc in made_of(kind):
            _note(doc, kind, made)

    met = {path for path, _ in made}
    wanted = {
        (path, name)
        for path in met
        for element in definitions.elements(path).values()
        for name, _ in element.json_names()
    }
    assert sorted(wanted - made) == []
    assert met >= set(KINDS) | {"HumanName", "Timing.repeat", "ElementDefinition", "Extension"}


def _note(node: dict[str, Any], path: str, made: set[tuple[str, str]]) -> None:
    forms = definitions.forms(path)
    for name, value in node.items():
        if name == "resourceType" and path in definitions.kinds():
            continue
        plain = name.removeprefix("_")
        made.add((path, plain))
        kind = "Element" if name != plain else forms[plain][1]
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                _note(each, each["resourceType"] if kind == "Resource" else kind, made)


@pytest.mark.parametrize("kind", ["Patient", "Observation", "Questionnaire", "Bundle", "Parameters", "CarePlan"])
def test_another_reader_finds_the_same_values_in_the_order_of_the_definition(kind: str) -> None:
    for doc in made_of(kind):
        assert list(_seen(ET.fromstring(xml_writer.write(doc)))) == list(_told(doc, doc["resourceType"]))  # noqa: S314


def _seen(node: ET.Element) -> Iterator[tuple[str, str]]:
    """Yield names with their attributes of an XML document, by a reader that knows nothing of FHIR."""
    for child in node:
        name = child.tag.rpartition("}")[2]
        if child.tag.startswith("{http://www.w3.org/1999/xhtml}"):
            yield name, "".join(child.itertext())
            continue
        yield name, "|".join(child.attrib[each] for each in sorted(child.attrib))
        yield from _seen(child)


def _told(node: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Yield the same of a JSON document, by the definitions."""
    resource = path in definitions.kinds()
    for name, (_, kind) in definitions.forms(path).items():
        if not resource and (name == "id" or (name == "url" and path == "Extension")):
            continue
        values, besides = node.get(name, []), node.get(f"_{name}", [])
        values = values if isinstance(values, list) else [values]
        besides = besides if isinstance(besides, list) else [besides]
        for at in range(max(len(values), len(besides))):
            value = values[at] if at < len(values) else None
            beside = besides[at] if at < len(besides) and besides[at] else {}
            if kind == "xhtml":
                yield name, "".join(ET.fromstring(value).itertext())  # noqa: S314
            elif definitions.is_primitive(kind):
                text = value if isinstance(value, str) or value is None else codec.dump_exact(value).decode()
                yield name, "|".join(each for each in (beside.get("id"), text) if each is not None)
                yield from _told({k: v for k, v in beside.items() if k != "id"}, "Element")
            elif kind == "Resource":
                yield name, ""
                yield value["resourceType"], ""
                yield from _told(value, value["resourceType"])
            else:
                yield name, "|".join(value[each] for each in _attributes(kind) if each in value)
                yield from _told(value, kind)


def _attributes(kind: str) -> tuple[str, ...]:
    return ("id", "url") if kind == "Extension" else ("id",)


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_resource_of_the_path_comes_back(kind: str) -> None:
    assert json.loads(xml_reader.to_json(xml_writer.write(GOOD[kind], pretty=True))) == GOOD[kind]


@pytest.mark.parametrize("literal", ["1.0", "72.50", "1e2", "1.20E-3", "-0", "100", "0.000"])
def test_a_decimal_keeps_its_digits(literal: str) -> None:
    body = f'<Observation {NS}><valueQuantity><value value="{literal}"/></valueQuantity></Observation>'.encode()

    found = xml_reader.to_json(body)

    assert f'"value":{literal}}}'.encode() in found
    assert f'value="{literal}"'.encode() in xml_writer.write(codec.parse_exact(found))


@pytest.mark.parametrize(
    "div", [f"{DIV}a<br/> <i>b</i>&#160;</div>", f"{DIV}x</div\n >", f"{DIV[:-1]}\n title='a'>y</div>"]
)
def test_a_narrative_is_kept_byte_for_byte(div: str) -> None:
    body = f'<Basic {NS}><text><status value="generated"/>{div}</text></Basic>'

    assert json.loads(xml_reader.to_json(body.encode()))["text"]["div"] == div


def test_extensions_stand_beside_the_primitives_of_a_list() -> None:
    given = '<given id="g" value="甲"/><given><extension url="u:x"><valueCode value="y"/></extension></given>'
    body = f"<Patient {NS}><name>{given}</name></Patient>"

    name = json.loads(xml_reader.to_json(body.encode()))["name"][0]

    assert name == {
        "given": ["甲", None],
        "_given": [{"id": "g"}, {"extension": [{"url": "u:x", "valueCode": "y"}]}],
    }


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE Patient [<!ENTITY e SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir">&e;</Patient>',
        '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Patient xmlns="http://hl7.org/fhir">&b;</Patient>',
        f'<?xml-stylesheet href="x"?><Patient {NS}><active value="true"/></Patient>',
        f'<?xml version="1.0" encoding="GB18030"?><Patient {NS}><active value="true"/></Patient>',
        f"<Patient {NS}>text</Patient>",
        f"<Patient {NS}><active value='true'/>&nbsp;</Patient>",
        f"<Patient {NS}><active value='true'/>",
        '<Patient><active value="true"/></Patient>',
        '<Patient xmlns="urn:other"><active value="true"/></Patient>',
        "",
    ],
)
def test_what_is_no_xml_of_fhir_is_refused(text: str) -> None:
    assert refused(text).code == "FHIR-075"


@pytest.mark.parametrize(
    ("inner", "code", "where"),
    [
        ('<nonsense value="1"/>', "FHIR-010", "Patient"),
        ('<name><family value="x"/><sir value="1"/></name>', "FHIR-010", "Patient.name[0]"),
        ('<name><family value="x" lang="zh"/></name>', "FHIR-076", "Patient.name[0].family"),
        ('<name value="x"/>', "FHIR-076", "Patient.name[0]"),
        ("<name/>", "FHIR-015", "Patient.name[0]"),
        ('<name><given value="a"/><given/></name>', "FHIR-015", "Patient.name[0].given[1]"),
        ('<birthDate value=""/>', "FHIR-015", "Patient.birthDate"),
        ('<gender value="male"/><gender value="female"/>', "FHIR-077", "Patient"),
        ('<birthDate value="1943"/><active value="true"/>', "FHIR-077", "Patient"),
        ('<name><text value="a"/></name><active value="true"/>', "FHIR-077", "Patient"),
        ("<contained/>", "FHIR-015", "Patient.contained[0]"),
        ("<contained><Nothing/></contained>", "FHIR-006", "Patient.contained[0]"),
        ('<contained><Basic><id value="a"/></Basic><Basic/></contained>', "FHIR-077", "Patient.contained[0]"),
        ("<contained>" * 70 + "</contained>" * 70, "FHIR-006", "Patient.contained[0]"),
        ('<name><given value="a"/></name>' * 2001, "FHIR-023", "Patient"),
        ('<extension url="u:a">' * 70 + "</extension>" * 70, "FHIR-004", ""),
        (f"<text>{DIV}" + "<b>" * 70 + "</b>" * 70 + "</div></text>", "FHIR-004", ""),
    ],
)
def test_what_the_definitions_do_not_know_is_named_by_its_path(inner: str, code: str, where: str) -> None:
    problem = refused(f"<Patient {NS}>{inner}</Patient>")

    assert (problem.code, problem.where) == (code, where)


def test_a_number_that_is_none_is_left_to_the_gate() -> None:
    body = f'<Patient {NS}><active value="yes"/><multipleBirthInteger value="1.5"/></Patient>'

    assert json.loads(xml_reader.to_json(body.encode())) == {
        "resourceType": "Patient",
        "active": "yes",
        "multipleBirthInteger": "1.5",
    }


OPEN = [
    "<Patient xmlns='http://hl7.org/fhir'>",
    "<name>",
    "<text>",
    DIV,
    "<contained>",
    "<Basic>",
    "<extension url='a:b'>",
]
CLOSE = ["</Patient>", "</name>", "</text>", "</div>", "</contained>", "</Basic>", "</extension>"]
ODD = ["<given value='a'/>", "<!--x-->", "<![CDATA[x]]>", "&amp;", "<valueDecimal value='1e99999999999999999999'/>"]
SOUP = st.lists(st.sampled_from([*OPEN, *CLOSE, *ODD, "\x00", "<?a b?>"]))


@hypothesis(max_examples=examples(200), deadline=None)
@given(st.one_of(st.binary(max_size=60), SOUP.map(lambda parts: "".join(parts).encode())))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(Problem):
        json.loads(xml_reader.to_json(body))
