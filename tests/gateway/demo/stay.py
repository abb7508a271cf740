"""A stay to send."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.demo.county import Elder
from gateway.demo.records import Stay
from gateway.demo.year import CHINA


def stay(elder: Elder) -> Stay:
    """Return a stay of ``elder`` with discharge to the community."""
    out = datetime(2026, 11, 20, 16, 0, tzinfo=CHINA)
    return Stay("ZD1", out - timedelta(days=11), out, ("I63.900",), (), 45, 14, 55, "3", elder.centre)
