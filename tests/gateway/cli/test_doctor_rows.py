"""Each row of doctor in its bad state, made for real, with what to do about it."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest

from gateway.cli import checks_database, checks_journal, checks_machine, checks_program, checks_server, checks_settings
from gateway.cli.check import Check
from gateway.config import Settings
from tests.gateway.cli.conftest import Yiyang

Rows = dict[str, dict[str, str]]
UNLOCKED = "ALTER TABLE audit.checkpoint DISABLE TRIGGER ALL"


def _settings(**changes: object) -> Settings:
    return Settings(home=Path("/nonexistent"), **changes)  # type: ignore[arg-type]


def _of_settings(**changes: object) -> dict[str, Check]:
    return {row.name: row for row in checks_settings.all_of(_settings(**changes))}


def _rows(yiyang: Yiyang) -> Rows:
    return {row["check"]: row for row in yiyang("doctor").data["checks"]}


@pytest.fixture
def healthy(installed: Yiyang, monkeypatch: pytest.MonkeyPatch) -> Yiyang:
    """An installation whose ports are not this machine's."""
    monkeypatch.setenv("YIYANG_PORT", "0")
    monkeypatch.setenv("YIYANG_MLLP_PORT", "0")
    return installed


@pytest.fixture
def sql(database: str) -> Callable[[str], None]:
    """Carry out a statement in the installation's database."""

    async def carry_out(statement: str) -> None:
        connection = await asyncpg.connect(database)
        await connection.execute(statement)
        await connection.close()

    return lambda statement: asyncio.run(carry_out(statement))


def test_every_row_that_is_not_ok_says_what_to_do_in_both_languages(healthy: Yiyang, home: Path) -> None:
    home.chmod(0o755)

    found = [row for row in _rows(healthy).values() if row["state"] != "ok"]

    assert found != []
    assert [row["check"] for row in found if not (row.get("remedyZh") and row.get("remedyEn"))] == []


def test_there_are_rows_enough_and_each_name_stands_once(healthy: Yiyang, tell: Callable[[str], None]) -> None:
    rows = [row["check"] for row in healthy("doctor").data["checks"]]

    assert len(rows) == len(set(rows))
    assert len(rows) >= 38
    tell(f"doctor: {len(rows)} rows where no gateway runs")


def test_the_guide_says_what_every_row_means(healthy: Yiyang) -> None:
    guide = (Path(__file__).parents[3] / "docs/guides/operation.md").read_text(encoding="utf-8")

    assert [name for name in _rows(healthy) if f"`{name}`" not in guide] == []


@pytest.mark.parametrize(
    ("changes", "row", "state"),
    [
        ({"host": "192.0.2.1"}, "doors", "fail"),
        ({"mllp_host": "::"}, "doors", "fail"),
        ({}, "doors", "ok"),
        ({"public_url": "http://hub.example.org"}, "public-url", "fail"),
        ({}, "public-url", "ok"),
        ({"admin_host": "192.0.2.1", "admin_port": 9464}, "admin-listener", "warn"),
        ({"admin_port": 9464}, "admin-listener", "ok"),
        ({"log_level": "error"}, "log", "warn"),
        ({"database_url": "postgresql://yiyang:yiyang@127.0.0.1/yiyang"}, "database-password", "fail"),
        ({"database_url": "postgresql://yiyang:short@127.0.0.1/yiyang"}, "database-password", "fail"),
        ({"database_url": "postgresql://yiyang@db.example.org/yiyang"}, "database-password", "fail"),
        ({"database_url": "postgresql://yiyang:4f6dkRu2bH0a9xQe@db/yiyang"}, "database-password", "ok"),
        ({"database_url": "postgresql://yiyang:4f6dkRu2bH0a9xQe@db.example.org/yiyang"}, "database-tls", "warn"),
        ({"database_url": "postgresql://yiyang:x@db.example.org/yiyang?sslmode=verify-full"}, "database-tls", "ok"),
        ({"database_url": "postgresql://yiyang@/yiyang?host=/run/postgresql"}, "database-tls", "ok"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_what_the_settings_ask_for_is_judged(changes: dict[str, object], row: str, state: str) -> None:
    found = _of_settings(**changes)[row]

    assert found.state == state
    assert bool(found.remedy[1]) == (state != "ok")


def test_a_password_is_looked_at_and_never_shown() -> None:
    rows = _of_settings(database_url="postgresql://yiyang:geheim-Wort@db.example.org/yiyang")

    assert "geheim" not in repr(rows)


@contextmanager
def _tls_server(folder: Path, days: str) -> Iterator[int]:
    """Answer TLS handshakes with a self-signed certificate of ``days``; give the port."""
    key, crt = folder / "tls.key", folder / "tls.crt"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                days,
            ),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", crt),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
                with plain, context.wrap_socket(plain, server_side=True) as secured:
                    secured.recv(1)
            except OSError as error:
                if listener.fileno() < 0 or "closed" in str(error):
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.mark.parametrize(
    ("days", "trusted", "state"), [("300", "yes", "ok"), ("5", "yes", "warn"), ("300", "no", "fail")], ids=str
)
def test_the_certificate_that_clients_see_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: str, trusted: str, state: str
) -> None:
    with _tls_server(tmp_path, days) as port:
        if trusted == "yes":
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.crt"))
        found = _of_settings(public_url=f"https://localhost:{port}")["certificate"]

    assert found.state == state


def test_a_proxy_that_does_not_answer_is_a_warning() -> None:
    assert _of_settings(public_url="https://127.0.0.1:1")["certificate"].state == "warn"


def test_packages_of_other_versions_than_the_locks_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "orjson==0.0.1 \\\n    --hash=sha256:00\nnothing-of-ours==1.0\nelsewhere==1 ; sys_platform == 'win32'\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(checks_program, "_LOCK", lock)

    found = next(row for row in checks_program.all_of() if row.name == "packages")

    assert found.state == "warn"
    assert "orjson" in found.found[0]
    assert "nothing-of-ours - != 1.0" in found.found[0]
    assert "elsewhere" not in found.found[0]


def test_a_low_limit_of_open_files_is_told() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        found = next(row for row in checks_program.all_of() if row.name == "open-files")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert (found.state, found.found[0]) == ("warn", "512")


def test_little_memory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal:  4000000 kB\nMemAvailable:     100000 kB\n", encoding="ascii")
    monkeypatch.setattr(checks_program, "_MEMORY", told)

    assert next(row for row in checks_program.all_of() if row.name == "memory").state == "warn"


@pytest.mark.needs("root")
def test_running_as_root_is_told() -> None:
    assert next(row for row in checks_program.all_of() if row.name == "account").state == "warn"


@pytest.mark.parametrize(("free", "state"), [(2**28, "fail"), (2**31, "warn"), (2**40, "ok")], ids=str)
def test_a_disk_that_fills_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr(checks_machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    rows = {row.name: row for row in checks_machine.all_of(Settings(home=tmp_path))}

    assert rows["disk"].state == state


def test_maps_that_do_not_compile_and_maps_that_are_missing_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "hospital/broken"
    folder.mkdir(parents=True)
    (folder / "map.yaml").write_text("feed: hospital/other\n", encoding="utf-8")

    broken = {row.name: row for row in checks_machine.all_of(Settings(home=tmp_path, mappings=tmp_path))}
    none = {row.name: row for row in checks_machine.all_of(Settings(home=tmp_path, mappings=tmp_path / "nowhere"))}

    assert broken["map-broken"].state == "fail"
    assert broken["map-broken"].remedy[1] == "yiyang map check"
    assert none["maps"].state == "fail"


def test_an_anchor_whose_disk_cannot_sync_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "audit").mkdir()
    monkeypatch.setattr(checks_journal.os, "fsync", full)

    (found,) = checks_journal.of_machine(Settings(home=tmp_path))

    assert (found.name, found.state, found.found[0]) == ("journal-sync", "fail", "No space left on device")


def test_a_slow_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "audit").mkdir()
    monkeypatch.setattr(checks_journal, "SLOW_SYNC_S", 0.0)

    (found,) = checks_journal.of_machine(Settings(home=tmp_path))

    assert found.state == "warn"


def test_the_tests_own_server_keeps_nothing_and_doctor_says_so(healthy: Yiyang) -> None:
    rows = _rows(healthy)

    assert rows["database-durable"]["state"] == ("fail" if "YIYANG_TEST_DATABASE_URL" not in os.environ else "ok")
    assert "postgresql.conf" in rows["database-durable"].get("remedyEn", "postgresql.conf")
    assert rows["database-role"]["state"] == "warn"
    assert (rows["database-encoding"]["en"], rows["database-vacuum"]["state"]) == ("UTF8", "ok")


def _server_row(database: str, name: str, **shown: str) -> Check:
    """Return the row of a server that shows ``shown``."""

    async def ask() -> Check:
        connection = await asyncpg.connect(database)
        real = connection.fetch

        async def fetch(query: str, *args: object) -> list[dict[str, str]]:
            rows = await real(query, *args)
            return [{**row, "setting": shown.get(row["name"], row["setting"])} for row in rows]

        faked = SimpleNamespace(fetch=fetch, fetchrow=connection.fetchrow, fetchval=connection.fetchval)
        rows = {row.name: row async for row in checks_server.all_of(faked, _settings(database_url="x"))}  # type: ignore[arg-type]
        await connection.close()
        return rows[name]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("setting", "value", "row", "state"),
    [
        ("fsync", "off", "database-durable", "fail"),
        ("full_page_writes", "off", "database-durable", "fail"),
        ("data_checksums", "off", "database-checksums", "warn"),
        ("max_connections", "20", "database-connections", "warn"),
        ("log_statement", "all", "database-log", "warn"),
    ],
    ids=str,
)
def test_a_server_set_otherwise_is_told(database: str, setting: str, value: str, row: str, state: str) -> None:
    assert _server_row(database, row, **{setting: value}).state == state


def test_old_transaction_ids_are_told(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_server, "MAX_AGE", 0)

    assert _server_row(database, "database-vacuum").state == "warn"


def test_a_transaction_left_open_is_told(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_server, "LONG_TRANSACTION_S", -1)

    async def beside() -> Check:
        idle = await asyncpg.connect(database)
        connection = await asyncpg.connect(database)
        async with idle.transaction():
            rows = {row.name: row async for row in checks_server.all_of(connection, _settings())}
        await idle.close()
        await connection.close()
        return rows["database-transactions"]

    found = asyncio.run(beside())

    assert found.state == "warn"
    assert "pg_stat_activity" in found.remedy[1]


def test_a_database_clock_that_differs_is_told(healthy: Yiyang, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_database, "CLOCK_WARN_S", -1.0)

    assert _rows(healthy)["database-clock"]["state"] == "warn"


def test_entries_that_nobody_chains_are_told(healthy: Yiyang, sql: Callable[[str], None]) -> None:
    sql("INSERT INTO audit_pending(id, ts, entry) VALUES (gen_random_uuid(), now() - interval '1 hour', '')")

    assert _rows(healthy)["journal"]["state"] == "warn"


def test_a_checkpoint_that_comes_late_is_told(healthy: Yiyang, sql: Callable[[str], None]) -> None:
    sql(UNLOCKED)
    sql("UPDATE audit.checkpoint SET ts = ts - interval '1 hour'")

    assert _rows(healthy)["checkpoint"]["state"] == "warn"


def test_a_checkpoint_of_another_key_is_told(healthy: Yiyang, sql: Callable[[str], None]) -> None:
    sql(UNLOCKED)
    sql("UPDATE audit.checkpoint SET note = replace(note, 'number ', 'number 9')")

    row = _rows(healthy)["checkpoint-signature"]

    assert (row["state"], row["en"]) == ("fail", "SEC-902")


def test_a_checkpoint_that_is_missing_outside_is_told(healthy: Yiyang, home: Path) -> None:
    (home / "audit/checkpoints.jsonl").write_bytes(b"")

    row = _rows(healthy)["checkpoint-copy"]

    assert (row["state"], row["remedyEn"]) == ("warn", "run yiyang audit verify")


def test_changes_that_nobody_follows_are_told(healthy: Yiyang, sql: Callable[[str], None]) -> None:
    sql(
        "INSERT INTO res(type, bucket, rid, id, ver, ts, deleted, stray, lvl, sec, keys, idents, ixh, sha, body)"
        " VALUES (1, 0, 1, 'x', 1, now() - interval '1 hour', false, false, 3, '{}', '{}', '{}', 0, '', '')"
    )

    assert _rows(healthy)["workflow"]["state"] == "warn"


def test_processes_of_two_programs_on_one_database_are_told(database: str) -> None:
    async def beside() -> Check:
        seats = [await asyncpg.connect(database) for _ in range(2)]
        connection = await asyncpg.connect(database)
        for number, held in enumerate(seats, start=1):
            await held.execute("SELECT pg_advisory_lock(949266, $1::int)", number)
            await connection.execute(
                "INSERT INTO process(seat, writer, host, pid, code, policies, maps)"
                " VALUES ($1, 'w', '', 1, $2, '', '')",
                number,
                f"code {number}",
            )
        (row,) = await checks_database._processes(connection)
        for held in (*seats, connection):
            await held.close()
        return row

    found = asyncio.run(beside())

    assert (found.state, found.found[0]) == ("warn", "2: code")


def test_health_without_a_gateway_is_unavailable(healthy: Yiyang) -> None:
    said = healthy("doctor", "--health")

    assert (said.code, said.data) == (7, {"ready": False, "parts": {}})
