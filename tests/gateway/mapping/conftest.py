"""A feed's folder for the tests of the mapping room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def feed(tmp_path: Path) -> Callable[[str], Path]:
    """Give a maker of feed folders named test/sample."""

    def make(text: str) -> Path:
        folder = tmp_path / "test" / "sample"
        (folder / "tables").mkdir(parents=True)
        (folder / "map.yaml").write_text(text, "utf-8")
        return folder

    return make
