"""What a running gateway tells its operator: numbers of everything, names of nobody, and when it is not ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import asyncpg
import httpx
import pytest

from gateway.fhir.problem import Problem
from gateway.watch.metrics import MAX_SERIES, METRICS
from tests.flows.reading import found
from tests.flows.test_nothing_is_readable_at_rest import NEEDLES
from tests.flows.town import CLIENTS, HOSPITAL, Town, a03, consent, discharge, record
from tests.scraped import samples

PHONE = "13899990000"


@pytest.fixture
async def admin(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """Give the admin listener's application."""
    transport = httpx.ASGITransport(app=town.app.admin)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def _metrics(admin: httpx.AsyncClient) -> tuple[dict[str, float], str]:
    text = (await admin.get("/metrics")).text
    return samples(text), text


async def test_a_referral_that_nobody_accepts_is_counted_as_overdue_until_it_is_accepted(
    town: Town, admin: httpx.AsyncClient
) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))
    in_time, _ = await _metrics(admin)
    town.clock.ahead = timedelta(hours=25)
    late, _ = await _metrics(admin)
    task = await town.task("centre-doctor", "referral")
    assert task is not None
    await town.move("centre-doctor", task, "accepted")
    town.clock.ahead = timedelta(hours=25, minutes=2)
    accepted, _ = await _metrics(admin)

    assert [values["yiyang_referral_overdue"] for values in (in_time, late, accepted)] == [0, 1, 0]


async def test_the_story_is_told_in_numbers(town: Town, admin: httpx.AsyncClient) -> None:
    await town.until_care_plan()
    await town.mllp(a03().replace(b"|20260312160000\rPV2", b"|20260231160000\rPV2"))
    await town.fhir("other-station-carer", "GET", "Patient?_filter=x")

    values, _ = await _metrics(admin)

    assert values["yiyang_inbox_messages_total|json-discharge|received"] == 1
    assert values["yiyang_inbox_messages_total|json-discharge|stored"] == 1
    assert values["yiyang_inbox_messages_total|adt-a03|parked"] == 1
    assert values["yiyang_map_duration_seconds_count|json-discharge"] >= 2
    assert values["yiyang_parked_messages"] == 1
    assert values["yiyang_dead_letters"] == 0
    assert values["yiyang_workflow_lag_changes"] == 0
    assert values["yiyang_processes"] == 1
    assert values["yiyang_process_memory_bytes"] > 10_000_000
    assert [values[f"yiyang_up|{part}"] for part in ("database", "registry", "journal")] == [1, 1, 1]
    assert sum(value for name, value in values.items() if name.startswith("yiyang_authz_decisions_total")) > 20
    assert any(name.startswith("yiyang_map_errors_total|adt-a03|") for name in values)
    assert values["yiyang_http_requests_total|/intake/{feed}|POST|200|hisfeed"] == 2
    chained = sum(value for name, value in values.items() if name.startswith("yiyang_audit_events_total"))
    assert 0 < chained <= values["yiyang_audit_chain_height|gateway"]
    assert 0 <= values["yiyang_audit_anchor_age_seconds"] < 3600
    assert values["yiyang_audit_queue_events"] == 0
    assert values["yiyang_consent_withdraw_propagation_seconds_count"] >= 1
    assert values["yiyang_consent_withdraw_propagation_seconds_sum"] < 60


async def test_every_entry_of_the_journal_was_counted(town: Town, admin: httpx.AsyncClient) -> None:
    await town.until_care_plan()
    await town.app.rooms.journal.checkpoint()
    for _ in range(100):
        values, _ = await _metrics(admin)
        chained = sum(value for name, value in values.items() if name.startswith("yiyang_audit_events_total"))
        if chained == values["yiyang_audit_chain_height|gateway"]:
            return
    raise AssertionError((chained, values["yiyang_audit_chain_height|gateway"]))


async def test_no_label_names_a_person_a_client_an_organisation_or_anything_free(
    town: Town, admin: httpx.AsyncClient
) -> None:
    await town.until_care_plan()
    await town.post("hospital-his", f"feed-{PHONE}", discharge())
    await town.http.get(f"/fhir/Patient/{PHONE}?name=canarie")
    await town.http.request("CANARIE", f"/canarie/{PHONE}", headers={"X-Request-Id": "canarie"})
    await town.mllp(b"MSH|^~\\&|canarie|" + PHONE.encode() + b"\r")

    _, text = await _metrics(admin)

    assert found(text.encode(), NEEDLES) == []
    assert [word for word in (PHONE, "canarie", "CANARIE", HOSPITAL) if word in text] == []
    kinds = {str(role) for role, *_ in CLIENTS.values()}
    assert [name for name in set(CLIENTS) - kinds if f'"{name}"' in text] == []


async def test_strangers_who_try_every_address_do_not_make_series(
    town: Town, admin: httpx.AsyncClient, tell: Callable[[str], None]
) -> None:
    await town.until_care_plan()
    await _metrics(admin)
    before = len((await _metrics(admin))[0])
    for number in range(200):
        await town.http.request(f"M{number}", f"/x{number}?a={number}")
        await town.http.get(f"/fhir/Kind{number}/{number}")
        await town.http.post(f"/intake/feed-{number}", content=b"{}")

    after = len((await _metrics(admin))[0])

    assert after - before <= 40
    assert after < MAX_SERIES
    tell(f"metrics: {len(METRICS)} names, {after} series after 600 strange requests")


async def test_metrics_are_not_to_be_had_at_the_door_that_others_reach(town: Town) -> None:
    assert (await town.http.get("/metrics")).status_code == 404


@pytest.mark.parametrize("door", ["http", "admin"])
async def test_health_is_answered_at_both_doors(town: Town, admin: httpx.AsyncClient, door: str) -> None:
    client = town.http if door == "http" else admin

    answers = {path: await client.get(path) for path in ("/livez", "/readyz?verbose", "/startupz", "/version")}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    parts = answers["/readyz?verbose"].json()["parts"]
    assert {"database", "registry", "journal"} <= set(parts)
    assert set(parts.values()) == {"ok"}


async def _unready(town: Town) -> dict[str, str]:
    """Return the parts once one of them is not ready."""
    async with asyncio.timeout(20):
        while (answer := await town.http.get("/readyz?verbose")).status_code == 200:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    assert (await town.http.get("/ready")).status_code == 503
    parts: dict[str, str] = answer.json()["parts"]
    return parts


async def test_an_anchor_that_cannot_be_written_makes_it_unready(town: Town) -> None:
    folder = town.app.rooms.settings.anchor_file.parent
    moved = folder.with_name("elsewhere")
    folder.rename(moved)

    parts = await _unready(town)
    moved.rename(folder)

    assert {name: code for name, code in parts.items() if code != "ok"} == {"journal": "SEC-952"}


async def test_a_journal_whose_commits_are_refused_makes_it_unready(town: Town) -> None:
    connection = await asyncpg.connect(town.app.rooms.dsn)
    await connection.execute("ALTER TABLE audit.event RENAME TO event_away")
    answer = asyncio.create_task(town.http.get("/fhir/Patient/nobody"))

    parts = await _unready(town)
    await connection.execute("ALTER TABLE audit.event_away RENAME TO event")
    await connection.close()

    assert parts["journal"] == "SEC-503"
    assert (await answer).status_code in (401, 503)


async def test_a_registry_that_is_stale_makes_it_unready(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.app.rooms.registry, "refresh", lambda: asyncio.sleep(0))

    town.clock.ahead = timedelta(hours=1)

    assert (await _unready(town))["registry"] == "SEC-119"


async def test_a_database_that_is_gone_makes_it_unready_and_its_numbers_are_left_out(
    town: Town, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> str:
        raise Problem("STO-503")

    monkeypatch.setattr(town.app.rooms.store, "cursor_of", gone)

    parts = await _unready(town)
    values, _ = await _metrics(admin)

    assert parts["database"] == "STO-503"
    assert values["yiyang_up|database"] == 0
    assert "yiyang_dead_letters" not in values


async def test_files_of_siblings_are_kept_only_where_somebody_may_ask(town: Town) -> None:
    assert not (town.app.rooms.settings.home / "metrics").exists()
