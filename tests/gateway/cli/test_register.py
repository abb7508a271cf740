"""init, org, client, sender: a real installation without any demo data."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from gateway.config import Settings
from gateway.fhir.check_digits import credit_check
from security.oauth.client import generate, public_jwks
from tests.gateway.cli.conftest import CENTRE, HOSPITAL, STATION, Yiyang


def test_init_org_client_and_sender_make_an_installation(installed: Yiyang, home: Path) -> None:
    client = installed("client", "add", "his", "--name", "HIS", "--role", "hisfeed", "--org", HOSPITAL,
                       "--feed", "json-discharge")  # fmt: skip
    sender = installed("sender", "add", "his-mllp", "--feed", "adt-a03", "--org", HOSPITAL)

    assert (client.code, sender.code) == (0, 0)
    assert client.data["scopes"] == ["intake/json-discharge.c"]
    assert [row["name"] for row in installed("sender", "list").data["senders"]] == ["his-mllp", "his:json-discharge"]
    assert sorted(path.name for path in home.iterdir() if path.is_dir()) == ["audit", "clients", "keys"]


def test_init_twice_changes_nothing(yiyang: Yiyang, home: Path) -> None:
    first = yiyang("init")
    keys = Settings.load().key_file.read_bytes()

    second = yiyang("init")

    assert (first.data["new"], second.data["new"]) == (True, False)
    assert Settings.load().key_file.read_bytes() == keys


def test_a_word_before_init_names_init_as_the_way_on(yiyang: Yiyang) -> None:
    said = yiyang("org", "list")

    assert said.code == 1
    assert said.codes == ["CFG-002"]
    assert "yiyang init" in said.err


def test_the_private_key_of_a_new_client_lies_in_a_file_of_its_own(installed: Yiyang, home: Path) -> None:
    row = installed("client", "add", "doctor", "--name", "医生", "--role", "centre-doctor", "--org", CENTRE).data

    path = Path(row["keyFile"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_bytes()).keys() >= {"kty", "d", "kid"}
    assert row["scopes"] == ["system/*.rs", "system/Task.u"]


def test_a_client_that_brings_its_keys_gets_no_private_file(installed: Yiyang, home: Path, tmp_path: Path) -> None:
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(public_jwks(generate())))

    said = installed("client", "add", "auditor", "--name", "审计", "--role", "auditor", "--org", STATION,
                     "--jwks", str(jwks))  # fmt: skip

    assert said.code == 0
    assert said.data["keyFile"] is None


def test_a_private_part_in_a_key_set_is_refused(installed: Yiyang, tmp_path: Path) -> None:
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps({"keys": [generate()]}))

    said = installed("client", "add", "auditor", "--name", "审计", "--role", "auditor", "--org", STATION,
                     "--jwks", str(jwks))  # fmt: skip

    assert (said.code, said.codes) == (2, ["SEC-111"])


def test_a_refused_client_leaves_no_key_file_behind(installed: Yiyang, home: Path) -> None:
    said = installed("client", "add", "carer", "--name", "护理员", "--role", "station-carer", "--org", HOSPITAL)

    assert (said.code, said.codes) == (2, ["SEC-107"])
    assert not (home / "clients" / "carer.json").exists()


def test_the_key_of_a_registered_client_is_never_overwritten(installed: Yiyang, home: Path) -> None:
    words = ("client", "add", "carer", "--name", "护理员", "--role", "station-carer", "--org", STATION)
    path = Path(installed(*words).data["keyFile"])
    before = path.read_bytes()

    again = installed(*words)

    assert (again.code, again.codes) == (9, ["CLI-004"])
    assert path.read_bytes() == before


def test_a_client_id_that_would_leave_the_folder_is_refused(installed: Yiyang) -> None:
    said = installed("client", "add", "../keys/installation", "--name", "x", "--role", "auditor", "--org", STATION)

    assert (said.code, said.codes) == (2, ["SEC-105"])


def test_a_disabled_client_is_listed_as_such(installed: Yiyang) -> None:
    installed("client", "add", "carer", "--name", "护理员", "--role", "station-carer", "--org", STATION)

    assert installed("client", "disable", "carer").code == 0

    rows = installed("client", "list").data["clients"]
    assert [(row["clientId"], row["disabled"]) for row in rows] == [("carer", True)]


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("org", "add", "12410100MB00000029", "--name", "错", "--tier", "centre"), 2, "SEC-101"),
        (("org", "add", HOSPITAL, "--name", "又", "--tier", "hospital"), 9, "SEC-103"),
        (("org", "add", "52410102MJ00000045", "--name", "站", "--tier", "station"), 2, "SEC-101"),
        (("client", "disable", "nobody"), 8, "SEC-102"),
        (("sender", "add", "x", "--feed", "adt-a03", "--org", HOSPITAL, "--network", "10.0.0.1/8"), 2, "SEC-109"),
        (("sender", "add", "x", "--feed", "adt-a03"), 2, "CLI-002"),
        (("sender", "add", "--feed", "assessment", "--client", "nobody"), 8, "SEC-102"),
        (("client", "token", "nobody"), 8, "CLI-005"),
        (("org", "add"), 2, "CLI-002"),
        (("org", "remove"), 2, "CLI-001"),
        (("client", "add", "x", "--role", "king", "--name", "x", "--org", HOSPITAL), 2, "CLI-001"),
    ],
)
def test_bad_input_is_told_by_code_and_exit(installed: Yiyang, words: tuple[str, ...], code: int, problem: str) -> None:
    said = installed(*words)

    assert (said.code, said.codes[0]) == (code, problem)
    assert "Traceback" not in said.err


def test_every_change_stands_in_the_journal(installed: Yiyang) -> None:
    entries = installed("audit", "tail").data["entries"]

    assert [(row["action"], row["interface"], row["id"]) for row in entries] == [
        ("admin", "yiyang org add", HOSPITAL),
        ("admin", "yiyang org add", CENTRE),
        ("admin", "yiyang org add", STATION),
    ]


def test_a_tier_may_be_named_by_its_letter_and_a_client_by_its_id(installed: Yiyang) -> None:
    code = "52410102MJ0000005" + credit_check("52410102MJ0000005")

    said = installed("org", "add", code, "--name", "示范二站", "--tier", "S", "--parent", CENTRE)
    client = installed("client", "add", "carer", "--role", "station-carer", "--org", code)

    assert said.data["tier"] == "station"
    assert client.data["name"] == "carer"
