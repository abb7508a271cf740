"""The command line `yiyang`. See README.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> int:
    """Do what ``words`` (default: of this process) say and return the exit code (`exits.Exit`)."""
    from gateway.cli.run import run

    return run(sys.argv[1:] if words is None else words)
