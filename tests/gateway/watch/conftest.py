"""The log of a test, for every test of this room."""

from __future__ import annotations

from tests.watched_log import log, out

__all__ = ["log", "out"]
