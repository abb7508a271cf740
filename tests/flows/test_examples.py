"""What stands in examples/ runs as its docstring says, outside the package, on nothing but Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT_S = 120


def test_a_script_outside_the_package_replays_the_story(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("YIYANG_")}
    env["YIYANG_HOME"] = str(tmp_path / "home")
    words = [sys.executable, "-m", "gateway.cli", "demo", "--json", "--elders", "4"]
    demo = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
    try:
        assert demo.stdout is not None
        ready = demo.stdout.readline()

        replayed = subprocess.run(
            [sys.executable, "-I", str(ROOT / "examples" / "replay_story.py")],
            input=ready,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=LIMIT_S)

    assert replayed.stdout.endswith("the story holds\n"), replayed.stderr
    assert replayed.returncode == 0
