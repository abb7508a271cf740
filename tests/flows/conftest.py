"""A running gateway for each story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.town import Town, open_town


@pytest.fixture
async def town(database: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Give a gateway on an empty database with everybody registered."""
    async with open_town(database, tmp_path / "home") as opened:
        yield opened
