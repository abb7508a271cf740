"""Every entry of the corpus holds: the attack gets nothing, and its twin gets the canary by the same request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.attacks.corpus import Entry, entries, faults
from tests.attacks.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT_LEAST: Final = 130
"""Attacks that apply today; the issue asks for 80."""


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
async def test_the_attack_gets_nothing_and_its_twin_the_canary(world: World, entry: Entry) -> None:
    assert await faults(world, entry) == []


async def test_the_corpus_is_as_large_as_promised(tell: Callable[[str], None]) -> None:
    files = {entry.name.partition("/")[0] for entry in entries()}

    tell(f"attack corpus: {len(entries())} attacks in {len(files)} files, each with its entitled twin")
    assert len(entries()) >= AT_LEAST
