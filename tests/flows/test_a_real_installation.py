"""The README's commands, run as they are printed by a shell, up to the first accepted discharge.

Only what an operator would choose is put in: the home folder, free ports, and for the second round the database of a
PostgreSQL 15 that the system brought.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.store.postgres.embedded import EmbeddedServer
from gateway.store.postgres.embedded_binaries import installations

ROOT = Path(__file__).resolve().parent.parent.parent
STOP_S = 60
EMBEDDED, SYSTEM = "embedded", "system"


def _blocks() -> list[str]:
    """Return the shell blocks of the chapter about a real installation: what to set up, what to send."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    chapter = text[text.index("## A real installation") :]
    return re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)[:2]


def _shell(script: str, env: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of a system's PostgreSQL, "" for the embedded one."""
    if kind == EMBEDDED:
        yield ""
        return
    binaries = next(found for found in installations() if not found.from_wheel)
    with EmbeddedServer.start(folder / "pg15", binaries=binaries) as server:
        yield server.dsn


@contextmanager
def _serving(line: str, env: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    words = [*line.split(), "--port", "0", "--mllp-port", "0", "--json"]
    with subprocess.Popen(words, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready: dict[str, Any] = json.loads(process.stdout.readline())
            yield ready["data"]
        finally:
            process.terminate()
            assert process.wait(STOP_S) == 0


@pytest.mark.parametrize("kind", [EMBEDDED, pytest.param(SYSTEM, marks=pytest.mark.needs("postgres"))])
def test_the_readme_leads_to_the_first_accepted_discharge(kind: str, tmp_path: Path) -> None:
    set_up, send = _blocks()
    *commands, serve = [line for line in set_up.replace("\\\n", " ").splitlines() if line.startswith("./run")]
    with _database(kind, tmp_path) as url:
        env = {**os.environ, "YIYANG_HOME": str(tmp_path / "home"), "YIYANG_DATABASE_URL": url}

        _shell("\n".join(commands), env)
        with _serving(serve, env) as doors:
            told = _shell(send.replace("http://127.0.0.1:8080", doors["base"].removesuffix("/fhir")), env)

    assert "--workers 2" in serve
    assert '"success":"AA"' in told
    assert (tmp_path / "home" / "pg").exists() == (kind == EMBEDDED)
