"""Each line of the gate is needed: with it changed, some test is red (tools/mutate_gate.py; decision 0096)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE, SEED = 30, 20_261_125


def _mutated(*words: str) -> tuple[int, str]:
    command = [sys.executable, "tools/mutate_gate.py", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if line.startswith(("new survivor", "mutants of the gate"))]
    return done.returncode, "\n".join(told) or done.stdout[-2000:] + done.stderr[-2000:]


def test_a_sample_of_mutants_of_the_gate_is_killed(tell: Callable[[str], None]) -> None:
    code, told = _mutated("--sample", str(SAMPLE), "--seed", str(SEED), "--jobs", "1")
    tell(told)

    assert code == 0, told


@pytest.mark.slow
def test_every_mutant_of_the_gate_is_killed_or_explained(tell: Callable[[str], None]) -> None:
    code, told = _mutated()
    tell(told)

    assert code == 0, told
