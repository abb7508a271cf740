"""A line of the log holds a code and fields of a known shape; nothing else gets into it."""

from __future__ import annotations

import ast
import io
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.watch import lines
from gateway.watch.events import EVENTS, TABLE
from tests.watched_log import Log

ROOT = Path(__file__).parents[3]
CARD, PHONE, NAME = "410199194303051027", "13812345678", "张三"
UUID = "0b3c8a1e-0000-4000-8000-00000000abcd"


def test_a_line_is_one_json_object_with_time_level_and_code(log: Log) -> None:
    lines.tell(logging.INFO, "http.request", request_id=UUID, route="/fhir/{kind}", status=200, ms=1.5)

    (line,) = log()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("ts"))
    assert line == {
        "level": "info",
        "event": "http.request",
        "request_id": UUID,
        "route": "/fhir/{kind}",
        "status": 200,
        "ms": 1.5,
    }


@pytest.mark.parametrize("field", [name for name in lines.SHAPES if name != "why"])
@pytest.mark.parametrize("value", [CARD, PHONE, NAME, f"id {CARD}", f"a-{PHONE}", int(PHONE)], ids=range(6))
def test_a_field_never_shows_a_number_or_a_name(log: Log, field: str, value: str | int) -> None:
    lines.tell(logging.INFO, "http.request", **{field: value})

    assert str(value) not in str(log())


@given(st.text(alphabet="0123456789xX-张王李 ", min_size=6, max_size=30))
def test_no_long_run_of_digits_passes_as_a_word(value: str) -> None:
    shown = str(lines._named(value))

    assert shown.startswith("h:") or not re.search(r"\d{6}", shown)


def test_a_field_that_the_table_does_not_know_is_left_out(log: Log) -> None:
    lines.tell(logging.INFO, "http.request", query=f"identifier={CARD}", token="eyJ", name=NAME)

    (line,) = log()
    assert set(line) == {"ts", "level", "event"}


def test_a_request_id_of_a_clients_own_making_is_blinded_and_stays_the_same(log: Log) -> None:
    lines.tell(logging.INFO, "http.request", request_id=PHONE)
    lines.tell(logging.INFO, "http.request", request_id=PHONE)

    first, second = (line["request_id"] for line in log())
    assert first == second
    assert first.startswith("h:")


def test_what_is_blinded_depends_on_the_installations_key(log: Log) -> None:
    lines.use_key(b"1" * 32)
    lines.tell(logging.INFO, "http.request", actor="centre-doctor")
    lines.use_key(b"2" * 32)
    lines.tell(logging.INFO, "http.request", actor="centre-doctor")

    one, other = (line["actor"] for line in log())
    assert one != other


def test_another_librarys_record_shows_its_name_and_no_word_of_it(log: Log) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved: ValueError('%s')", NAME)

    (line,) = log()
    assert (line["event"], line["logger"], line["level"]) == ("library.record", "asyncio", "error")
    assert NAME not in str(line)


def test_a_record_of_ours_without_a_code_is_told_without_its_text(log: Log) -> None:
    logging.getLogger("yiyang.pipeline").warning(f"cannot handle {CARD}")  # noqa: G004 - the fault that is tested

    (line,) = log()
    assert (line["event"], line["logger"]) == ("unnamed", "yiyang.pipeline")
    assert CARD not in str(line)


def test_an_exception_is_told_by_its_kind_and_places(log: Log) -> None:
    try:
        raise ValueError(f"cannot handle {CARD}")
    except ValueError:
        logging.getLogger("yiyang.pipeline").exception("pipeline.fault", extra={"feed": "json-discharge"})

    (line,) = log()
    assert (line["event"], line["error"], line["feed"]) == ("pipeline.fault", "ValueError", "json-discharge")
    assert line["at"].startswith("test_lines.py:")
    assert CARD not in str(line)


def test_a_level_below_the_one_asked_for_is_not_written(out: io.BytesIO) -> None:
    lines.configure(form="json", level="warning", out=out)

    lines.tell(logging.INFO, "http.request")
    logging.getLogger("yiyang.workflow").info("workflow.retry")

    assert out.getvalue() == b""


def test_people_read_the_same_fields_on_one_line(out: io.BytesIO) -> None:
    lines.configure(form="human", level="info", out=out)

    lines.tell(logging.WARNING, "http.unready", part="journal", problem="SEC-503")

    assert re.fullmatch(rb"\d\d:\d\d:\d\d warning  http\.unready part=journal problem=SEC-503\n", out.getvalue())


@pytest.mark.parametrize(
    "code",
    [
        f"raise ValueError('{CARD}')",
        f"import threading\nthreading.Thread(target=lambda: int('{CARD}x')).start()",
        f"class X:\n  def __del__(self): raise ValueError('{CARD}')\nX()",
        f"import warnings\nwarnings.warn('{CARD}')",
    ],
    ids=["main", "thread", "finalizer", "warning"],
)
def test_what_nobody_caught_ends_in_a_line_without_its_text(code: str) -> None:
    start = "from gateway.watch import lines\nlines.configure(form='json', level='info')\n"

    ended = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, cwd=ROOT, check=False)

    assert '"event":"' in ended.stderr
    assert CARD not in ended.stderr + ended.stdout


def test_every_line_of_the_code_has_a_code_of_the_table_and_every_code_is_used() -> None:
    used = {code for path in _sources() for code in _codes(path)}

    assert used - {*TABLE} == set()
    assert {*TABLE} - used == {"unnamed", "library.record"}


def test_every_event_says_what_it_means_in_both_languages() -> None:
    assert [event.code for event in EVENTS if not (event.zh and event.en)] == []
    assert len(TABLE) == len(EVENTS)


def _sources() -> Iterator[Path]:
    for room in ("gateway", "security"):
        yield from sorted((ROOT / room).rglob("*.py"))


def _codes(path: Path) -> Iterator[str]:
    """Yield the first argument of every call that logs; one that is no constant is told as the code that it is."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):  # the line of a request, which is made without `tell`
            named = {ast.unparse(key): value for key, value in zip(node.keys, node.values, strict=True) if key}
            event = named.get("'event'")
            if isinstance(event, ast.Constant):
                yield str(event.value)
        if not isinstance(node, ast.Call):
            continue
        said = ast.unparse(node.func)
        if re.fullmatch(r"(log|logger)\.(debug|info|warning|error|critical|exception)", said):
            first = node.args[0]
        elif said in ("lines.tell", "tell"):
            first = node.args[1]
        else:
            continue
        if path.name == "lines.py" and not isinstance(first, ast.Constant):
            continue  # the one place that passes a code on
        yield str(first.value) if isinstance(first, ast.Constant) else f"{path.name}: {ast.unparse(first)}"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_a_log_on_a_full_disk_loses_its_lines_and_stops_nobody() -> None:
    program = (
        "import logging, sys\n"
        "from gateway.watch import lines\n"
        "lines.configure(form='json', level='INFO')\n"
        "for _ in range(1000):\n"
        "    lines.tell(logging.INFO, 'http.request', status=200)\n"
        "    logging.getLogger('library').warning('something')\n"
        "print('goes on')\n"
    )

    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=full, check=False
        )

    assert done.stdout == b"goes on\n"
