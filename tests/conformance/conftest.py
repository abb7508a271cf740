"""One running gateway for all cases, with the resources of every file in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio

from tests.conformance import cases
from tests.databases import database_of
from tests.harness import CENTRE, World, open_world


@dataclass
class Server:
    """A gateway and the ids of the resources that stand in it, by file and name."""

    world: World
    ids: dict[str, dict[str, str]] = field(default_factory=dict)

    async def put(self, docs: dict[str, cases.Doc], prefix: str) -> dict[str, str]:
        """Store ``docs`` as the centre's own and return their ids by name."""
        ids = {name: f"{prefix}-{name}" for name in docs}
        for name, doc in cases.ordered(docs):
            await self.world.write(CENTRE, {**cases.filled(cases.named(doc, ids)), "id": ids[name]})
        return ids


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pg_dsn: str, pg_template: str, tmp_path_factory: object) -> AsyncIterator[Server]:
    """Give the gateway."""
    home: Path = tmp_path_factory.mktemp("conformance")  # type: ignore[attr-defined]
    async with database_of(pg_dsn, "conformance", pg_template) as made, open_world(made, home) as world:
        await world.settle()
        found = Server(world)
        for name, each in cases.files().items():
            found.ids[name] = await found.put(each.resources, name)
        yield found
