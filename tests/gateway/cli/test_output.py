"""What a call prints: one JSON object or lines for people, in the right language, and its exit code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.cli import main
from tests.gateway.cli.conftest import Yiyang

HEAVY = ("asyncio", "asyncpg", "sqlalchemy", "rich", "starlette", "httpx", "granian", "cryptography", "orjson")


@pytest.mark.parametrize("words", [["--help"], ["--help", "--lang", "en"]])
def test_help_loads_nothing_that_takes_time(words: list[str]) -> None:
    code = (
        f"import sys; from gateway.cli import main; main({words!r}[:1]); print(sorted(set({HEAVY}) & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "word", ["demo", "init", "org", "client", "sender", "serve", "inbox", "map", "audit", "db", "doctor"]
)
def test_every_word_explains_itself_in_both_languages(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word, "--help", "--lang", "zh"]) == 0
    chinese = capsys.readouterr().out
    assert main(["--lang", "en", word, "--help"]) == 0
    english = capsys.readouterr().out

    assert any("\u4e00" <= char <= "\u9fff" for char in chinese)
    assert english.isascii()


def test_a_result_is_one_object_on_one_line(installed: Yiyang) -> None:
    said = installed("org", "list", "--json")

    assert said.line.keys() == {"ok", "schema", "data"}
    assert said.line["schema"] == "yiyang.org.list/1"
    assert said.err == ""


def test_people_get_a_table_in_their_language(installed: Yiyang) -> None:
    english = installed("--lang", "en", "org", "list", "--no-json").out
    chinese = installed("org", "list", "--no-json").out

    assert english.splitlines()[0].split() == ["code", "name", "tier", "parent", "disabled"]
    assert chinese.splitlines()[0].split() == ["代码", "名称", "层级", "上级", "停用"]
    assert "示范市人民医院" in english


def test_a_problem_is_a_line_with_code_and_an_object_with_both_texts(installed: Yiyang) -> None:
    said = installed("client", "disable", "nobody", "--lang", "en")

    assert said.err.startswith("SEC-102 no client nobody is registered")
    assert said.line["problems"][0].keys() >= {"code", "zh", "en"}
    assert said.line["ok"] is False


def test_an_explicit_json_keeps_stderr_empty(installed: Yiyang) -> None:
    said = installed("client", "disable", "nobody", "--json")

    assert (said.code, said.err) == (8, "")


@pytest.mark.parametrize(("lang", "word"), [("en_GB.UTF-8", "missing"), ("zh_CN.UTF-8", "缺少"), ("C.UTF-8", "缺少")])
def test_the_language_follows_lang(
    lang: str, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", lang)

    assert main(["org", "add", "--no-json"]) == 2

    assert word in capsys.readouterr().err


def test_a_database_that_is_away_is_told_as_unavailable(installed: Yiyang, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIYANG_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")

    said = installed("org", "list")

    assert (said.code, said.codes) == (7, ["STO-503"])


def test_a_setting_that_cannot_be_used_is_named(installed: Yiyang, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIYANG_PORT", "http")

    said = installed("org", "list")

    assert said.codes == ["CFG-001"]
    assert "YIYANG_PORT" in said.err


def test_an_unexpected_failure_shows_no_trace_unless_asked(installed: Yiyang, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("gateway.cli.org.open_rooms", broken)

    quiet, loud = installed("org", "list"), installed("org", "list", "-v")

    assert (quiet.code, quiet.codes) == (1, ["CLI-099"])
    assert "secret" not in quiet.out + quiet.err
    assert "Traceback" in loud.err
