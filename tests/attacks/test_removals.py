"""No line of enforcement is there for nothing: each taken out lets an attack of the corpus through, and which is told.

Every removal gets a gateway of its own on a copy of the world, in which the line is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from security import gate
from tests.attacks.corpus import attack_faults, entries
from tests.attacks.removals import REMOVALS, Removal
from tests.attacks.world import Built, opened

README: Final = Path(__file__).parent / "README.md"


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    """Forget what this process knows of callers: it holds with every line in its place, and must not hold after."""
    gate._asker_of.cache_clear()
    yield
    gate._asker_of.cache_clear()


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: removal.name)
async def test_a_line_that_is_missing_is_found(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removal: Removal
) -> None:
    attacks = {entry.name: entry for entry in entries()}
    removal.patch(monkeypatch)

    async with opened(built, tmp_path / "home") as world:
        green = [name for name in removal.caught if not await attack_faults(world, attacks[name])]

    assert green == [], "these attacks got nothing although the line is missing"


@pytest.mark.slow
@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: removal.name)
async def test_what_the_whole_corpus_finds(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removal: Removal, tell: Callable[[str], None]
) -> None:
    removal.patch(monkeypatch)

    async with opened(built, tmp_path / "home") as world:
        red = {entry.name for entry in entries() if await attack_faults(world, entry)}

    tell(f"without {removal.name}: {len(red)} of {len(entries())} attacks get through")
    assert set(removal.caught) <= red


def test_the_table_of_the_readme_is_this_list(tell: Callable[[str], None]) -> None:
    tell(f"enforcement: {len(REMOVALS)} lines taken out one by one, each found missing by the corpus")
    lines = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| ")][2:]

    assert lines == [row(removal) for removal in REMOVALS]


def row(removal: Removal) -> str:
    """Return the line of a removal in the table."""
    return f"| {removal.name} | {removal.where} | {removal.what} | {', '.join(removal.caught)} |"
