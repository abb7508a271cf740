"""What lies in PostgreSQL: nothing readable, nothing that can be moved, nothing that a hash alone decides."""

from __future__ import annotations

import base64

import asyncpg
import pytest

from gateway.fhir import definitions
from gateway.fhir.problem import Problem
from gateway.store.arrivals import Arrival
from gateway.store.postgres.indexing import date_number
from gateway.store.postgres.kinds import R4_KINDS
from gateway.store.protocol import Batch, InboxMark
from security.crypto import Keys
from tests.gateway.store.conftest import TABLES, PostgresWorld
from tests.gateway.store.making import CARD, deletion, find, ids, observation, patient, put, write

NAME, PHONE, NUMBER = "王示兰", "13800000001", "410199194303050021"


async def test_no_name_and_no_number_is_readable_in_any_table(
    world: PostgresWorld, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    doc = patient(
        name=[{"text": NAME}],
        telecom=[{"system": "phone", "value": PHONE}],
        identifier=[{"system": CARD, "value": NUMBER}],
    )
    await put(world.store, doc)
    await put(world.store, {**doc, "gender": "female"})
    await world.store.commit(Batch((deletion(doc),)))
    arrival = Arrival("his", "json-discharge", "H1", "m1", f"{NAME} {NUMBER}".encode("gb18030"), b"d" * 32, 7)
    await world.inbox.put(arrival, state="received", reply=f"{NAME}".encode(), reason="")
    await world.store.commit(Batch(marks=(InboxMark("his", "m1", b"d" * 32, "stored", result=PHONE.encode()),)))

    text = ""
    for table in TABLES:
        rows = await connection.fetch(f"SELECT t::text FROM {table} t")  # noqa: S608 - our own names
        text += "\n".join(row[0] for row in rows)

    assert len(text) > 1000
    for secret in (NAME, PHONE, NUMBER):
        for raw in (secret.encode(), secret.encode("gb18030"), base64.b64encode(secret.encode())):
            assert raw.hex() not in text
        assert secret not in text


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE res SET body = set_byte(body, 40, (get_byte(body, 40) + 1) % 256) WHERE id = 'p1'",
        "UPDATE res SET body = (SELECT body FROM res WHERE id = 'p2') WHERE id = 'p1'",
        "UPDATE res SET body = (SELECT h.body FROM hist h JOIN res r USING (rid) WHERE r.id = 'p1') WHERE id = 'p1'",
        "UPDATE res SET ver = 5 WHERE id = 'p1'",
    ],
    ids=["altered", "of another", "of an older version", "renumbered"],
)
async def test_a_body_that_was_altered_or_moved_does_not_open(
    world: PostgresWorld, connection: asyncpg.Connection[asyncpg.Record], tamper: str
) -> None:
    await put(world.store, patient("p1"), patient("p2", gender="male"))
    await put(world.store, patient("p1", gender="female"))
    await connection.execute(tamper)

    with pytest.raises(Problem, match="SEC-901"):
        await world.store.read("Patient", "p1")
    with pytest.raises(Problem, match="SEC-901"):
        await find(world.store, "Patient")


async def test_the_raw_bytes_of_a_message_do_not_open_elsewhere(
    world: PostgresWorld, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    for name in ("m1", "m2"):
        arrival = Arrival("his", "json-discharge", "H1", name, name.encode(), name.encode() * 16)
        await world.inbox.put(arrival, state="received", reply=b"AA", reason="")
    await connection.execute("UPDATE inbox SET raw = (SELECT raw FROM inbox WHERE msg_id = 'm2')")

    with pytest.raises(Problem, match="SEC-901"):
        await world.inbox.find("his", "m1")


class SameHash:
    """A sealer under which every text has the same index hash: the worst luck there can be."""

    def __init__(self, keys: Keys) -> None:
        self.seal, self.open, self.digest = keys.seal, keys.open, keys.digest

    def index_key(self, text: str) -> int:
        del text
        return 7


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("Patient", f"identifier={CARD}|card-p1", ["p1"]),
        ("Patient", "identifier=card-p2", ["p2"]),
        ("Patient", "identifier=urn:other|card-p2", []),
        ("Observation", "performer=Organization/org1", ["o1"]),
        ("Observation", "patient=Patient/p2", ["o2"]),
        ("Observation", "patient=Patient/p2&_sort=-date", ["o2"]),
    ],
)
async def test_an_identifier_or_reference_is_decided_on_the_opened_body(
    world: PostgresWorld, kind: str, text: str, expected: list[str]
) -> None:
    store = world.store_with(SameHash(world.keys))
    await put(store, patient("p1"), patient("p2"))
    await put(
        store,
        {**observation("o1"), "performer": [{"reference": "Organization/org1"}]},
        {**observation("o2", elder="p2"), "performer": [{"reference": "Organization/org2"}]},
    )

    assert ids((await find(store, kind, text)).rows) == expected


async def test_another_installations_keys_open_nothing(
    world: PostgresWorld, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await put(world.store, patient())
    stranger = world.store_with(Keys.create(tmp_path_factory.mktemp("other") / "keys.json"))

    with pytest.raises(Problem, match="SEC-901"):
        await stranger.read("Patient", "p1")
    assert (await find(stranger, "Patient", f"identifier={CARD}|card-p1")).rows == ()


def test_no_two_date_parameters_share_a_number() -> None:
    names = {name for kind in definitions.kinds() for name in definitions.search_parameters(kind)}

    assert len({date_number(name) for name in names}) == len(names)


def test_every_kind_of_the_definitions_has_a_number() -> None:
    assert set(definitions.kinds()) <= set(R4_KINDS)


async def test_every_kind_is_stored_and_found(world: PostgresWorld) -> None:
    kinds = sorted(definitions.kinds())
    await world.store.commit(Batch(tuple(write({"resourceType": kind, "id": "x"}) for kind in kinds)))

    found = [kind for kind in kinds if ids((await find(world.store, kind, "_id=x")).rows) == ["x"]]

    assert found == kinds
