"""The lint that finds ways around the gate: quiet on this tree, and each planted violation is named with its line."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _lint() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lint_access", ROOT / "tools/lint_access.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


lint = _lint()

PLANTED = {
    "an inner actor made in a door": ("gateway/api/x.py", "actor", "who = Caller.system('pipeline')"),
    "an inner actor made in the hub": ("gateway/hub/x.py", "actor", "who = caller.Caller.system('app')"),
    "a caller made up in a door": ("gateway/api/x.py", "caller", "who = Caller('c', role, 'o', tier, 'TREAT')"),
    "the store imported by a door": ("gateway/api/x.py", "store", "from gateway.store.protocol import Stored"),
    "the store imported whole": ("gateway/intake/http.py", "store", "import gateway.store.postgres.store"),
    "the store imported from its package": ("gateway/workflow/x.py", "store", "from gateway import store"),
    "the store imported within a function": (
        "gateway/mapping/x.py",
        "store",
        "def f():\n    from gateway.store.postgres.store import PostgresStore",
    ),
    "a store built outside app": ("gateway/hub/x.py", "store", "s = PostgresStore(pool, keys, now=now)"),
    "the store asked by a room": ("gateway/workflow/x.py", "store", "row = await self._rooms.store.read('Task', id)"),
    "the gate asked by a door": ("gateway/api/x.py", "gate", "ok = tools.gate.decide(caller, 'read', facts).allow"),
    "the gate narrowing for a room": ("gateway/workflow/x.py", "gate", "r = gate.narrow(caller, 'search', 'Task')"),
    "the gate taught by a room": ("gateway/intake/x.py", "gate", "self._gate.learn(rows)"),
    "the gate imported by a door": ("gateway/api/x.py", "gate", "from security.gate import Gate"),
    "a policy asked directly": ("gateway/hub/x.py", "rules", "from security.access import compiled"),
    "a mask applied directly": ("gateway/api/x.py", "rules", "from security.labels.view import View"),
    "a consent read directly": ("security/oauth/x.py", "rules", "import security.consent.book"),
    "raw rows through the hub": ("gateway/api/x.py", "raw", "rows = await self._hub.find(caller, 'Task', pairs=[])"),
    "raw changes through the hub": ("gateway/intake/x.py", "raw", "page = await hub.changes(caller, '')"),
    "the inner actors' door key": ("gateway/app/x.py", "raw", "from gateway.hub.interaction import demand_inner"),
    "a held hub opened": ("gateway/api/x.py", "opened", "store = hub._tools"),
    "a held hub opened by name": ("gateway/api/x.py", "opened", "store = getattr(hub, '_tools')"),
    "SQL on the tables of resources": ("gateway/app/x.py", "sql", "q = 'SELECT body FROM res WHERE id = $1'"),
    "a hub verb for nobody": ("gateway/api/x.py", "asker", "found = await self._hub.read(kind, id)"),
    "a hub verb without arguments": ("gateway/api/x.py", "asker", "found = await hub.search()"),
    "a hub verb for a client's name": (
        "gateway/api/x.py",
        "asker",
        "found = await hub.read('centre-doctor', kind, id)",
    ),
    "a hub verb with the caller by keyword": (
        "gateway/api/x.py",
        "asker",
        "x = await hub.read(caller=c, kind=k, id=i)",
    ),
    "a caller under another name": ("gateway/api/x.py", "renamed", "from security.caller import Caller as Who"),
    "an excuse that excuses nothing": ("gateway/api/x.py", "excuse", "found = 1  # access: long ago"),
    "an import by text": ("gateway/api/x.py", "import", "m = importlib.import_module('gateway.store')"),
}


def _plant(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n", "utf-8")


def test_this_checkout_has_no_way_around() -> None:
    assert [str(finding) for finding in lint.find(ROOT)] == []


@pytest.mark.parametrize("what", PLANTED)
def test_it_finds(what: str, tmp_path: Path) -> None:
    path, rule, text = PLANTED[what]
    _plant(tmp_path, path, text)
    found = lint.find(tmp_path)
    assert {(str(each.path), each.rule) for each in found} == {(path, rule)}
    assert found[0].line == len(text.splitlines())


def test_every_rule_is_planted() -> None:
    assert {rule for _, rule, _ in PLANTED.values()} == {
        "actor", "caller", "asker", "store", "gate", "rules", "raw", "opened", "sql", "renamed", "import", "excuse",
    }  # fmt: skip


def test_every_rule_says_what_would_leak() -> None:
    told = [line[2:].partition(":")[0].split(", ") for line in str(lint.__doc__).splitlines() if line.startswith("- ")]
    assert {name for names in told for name in names} == {rule for _, rule, _ in PLANTED.values()} - {"excuse"}


def test_a_line_is_excused_by_a_reason(tmp_path: Path) -> None:
    _plant(tmp_path, "gateway/api/x.py", "from gateway.store.protocol import Stored  # access: a type for the reader")
    assert lint.find(tmp_path) == []


def test_a_call_over_several_lines_is_excused_at_its_end(tmp_path: Path) -> None:
    _plant(tmp_path, "gateway/api/x.py", "found = hub.read(\n    kind,\n    id,\n)  # access: asked for everybody")
    assert lint.find(tmp_path) == []


@pytest.mark.parametrize("comment", ["# access:", "# access: ", "# noqa", "# type: ignore"])
def test_an_excuse_without_a_reason_is_none(comment: str, tmp_path: Path) -> None:
    _plant(tmp_path, "gateway/api/x.py", f"from gateway.store.protocol import Stored  {comment}")
    assert [each.rule for each in lint.find(tmp_path)] == ["store"]


def test_an_excuse_covers_its_own_line_alone(tmp_path: Path) -> None:
    line = "from gateway.store.protocol import Stored"
    _plant(tmp_path, "gateway/api/x.py", f"{line}  # access: a type for the reader\n{line}")
    assert [each.line for each in lint.find(tmp_path)] == [2]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("gateway/api/x.py", "a = hub.read(caller, 'Task', id)\nb = self._hub.read(self._caller, 'Task', id)"),
        ("gateway/app/x.py", "a = hub.current(Caller.system('pipeline'), keys)\nhub.warm()"),
        ("gateway/app/x.py", "who = Caller.system('pipeline')"),
        ("gateway/intake/pipeline.py", "who = Caller.system('pipeline')"),
        ("gateway/hub/x.py", "from gateway.store.protocol import Stored\nok = it.tools.gate.decide(c, 'read', f)"),
        ("gateway/api/x.py", "page = await hub.search(caller, 'Task', pairs=())\nfound = text.find('a')"),
        ("security/gate.py", "from security.access import compiled\nself._tools = 1"),
        ("gateway/cli/x.py", "q = 'SELECT count(*) FROM audit_pending'"),
    ],
)
def test_it_leaves_alone_what_is_allowed(path: str, text: str, tmp_path: Path) -> None:
    _plant(tmp_path, path, text)
    assert lint.find(tmp_path) == []
