"""A log of one's own, and the process's as it was afterwards."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.watch import lines

Log = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def out() -> Iterator[io.BytesIO]:
    """Give where lines go while the test runs; everything about logging is put back after it."""
    kept = (lines._log.out, lines._log.render, lines._log.least)
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook, sys.unraisablehook)
    handlers, level, shown = root.handlers[:], root.level, warnings.showwarning
    into = io.BytesIO()
    lines.configure(form="json", level="debug", out=into)
    root.handlers += [handler for handler in handlers if handler not in root.handlers]
    yield into
    lines._log.out, lines._log.render, lines._log.least = kept
    root.handlers[:], root.level = handlers, level
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(capture=False)
    warnings.showwarning = shown


@pytest.fixture
def log(out: io.BytesIO) -> Log:
    """Give what was written so far, each line as an object."""
    return lambda: [json.loads(line) for line in out.getvalue().splitlines()]
