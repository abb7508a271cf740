"""audit and db."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.databases import execute
from tests.gateway.cli.conftest import Yiyang


def _execute(dsn: str, *statements: str) -> None:
    asyncio.run(execute(dsn, *statements))


def test_a_journal_nobody_touched_is_whole(installed: Yiyang) -> None:
    said = installed("audit", "verify")

    assert said.code == 0
    assert said.data["whole"] is True
    assert (said.data["events"], said.data["writers"], said.data["keyed"]) == (3, 1, True)


def test_an_edited_record_is_named_and_has_an_exit_code_of_its_own(installed: Yiyang, database: str) -> None:
    _execute(
        database,
        "SET session_replication_role = replica",
        "UPDATE audit.event SET outcome = 4 WHERE seq = 2",
    )

    said = installed("audit", "verify", "--lang", "en", "--no-json")
    row = installed("audit", "verify").data["first"]

    assert said.code == 4
    assert "record 2 was altered" in said.out
    assert (row["code"], row["seq"]) == ("altered", 2)


def test_looking_at_the_journal_is_an_entry_too(installed: Yiyang) -> None:
    installed("audit", "tail", "-n", "1")

    entries = installed("audit", "tail", "-n", "1").data["entries"]

    assert [(row["action"], row["interface"]) for row in entries] == [("search", "yiyang audit tail")]


def test_a_migrated_database_is_left_alone(installed: Yiyang) -> None:
    said = installed("db", "upgrade")

    assert said.code == 0
    assert said.data["changed"] is False
    assert said.data["after"] == said.data["before"] != ""


def test_an_index_made_anew_is_told_and_leaves_an_entry(installed: Yiyang) -> None:
    said = installed("db", "reindex")

    assert (said.code, said.data["seen"], said.data["left"]) == (0, 0, 0)
    entries = installed("audit", "tail", "-n", "1").data["entries"]
    assert [(row["action"], row["interface"]) for row in entries] == [("admin", "yiyang db reindex")]


def test_a_database_nobody_touched_is_whole(installed: Yiyang) -> None:
    said = installed("db", "verify")

    assert said.code == 0
    assert said.data["whole"] is True
    assert (said.data["resources"], said.data["messages"], said.data["events"]) == (0, 0, 3)


def test_a_row_added_to_the_database_is_named_in_both_languages_and_has_the_exit_code_of_broken_integrity(
    installed: Yiyang, database: str
) -> None:
    _execute(database, "INSERT INTO idmap VALUES (103, 'nobody', 7)")

    told = {lang: installed("db", "verify", "--lang", lang, "--no-json") for lang in ("zh", "en")}
    found = installed("db", "verify").line["findings"]

    assert {said.code for said in told.values()} == {4}
    assert "id-altered Patient/nobody/_history/0 编号表与资源不符" in told["zh"].out
    assert "id-altered Patient/nobody/_history/0 the table of ids does not agree" in told["en"].out
    assert [(one["code"], one["place"]) for one in found] == [("id-altered", "Patient/nobody/_history/0")]


def test_the_verification_of_the_database_begins_with_the_journal(installed: Yiyang, database: str) -> None:
    _execute(
        database,
        "SET session_replication_role = replica",
        "UPDATE audit.event SET outcome = 4 WHERE seq = 2",
    )

    said = installed("db", "verify")

    assert said.code == 4
    assert said.line["findings"][0]["code"] == "altered"
    assert said.line["findings"][0]["place"].startswith("journal/")


def test_the_journal_is_exported_for_an_auditor_outside_into_a_new_folder_only(
    installed: Yiyang, tmp_path: Path
) -> None:
    said, again = (installed("audit", "export", str(tmp_path / "out")) for _ in range(2))

    assert (said.code, said.data["events"], said.data["anchored"]) == (0, 3, True)
    assert (tmp_path / "out" / "journal.json").exists()
    assert again.codes == ["SEC-954"]
