"""An authorization server on a database of its own, with a journal that only remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from security.oauth import Addresses, Attempt, OAuth, Reply, TokenKeys, Tokens
from security.oauth import client as smart
from security.state import Registry
from tests.databases import standing_database
from tests.security.state.world import DOCTOR_KEY, Clock, open_pool, settle

ISSUER, AUDIENCE, ENDPOINT = "https://hub.example", "https://hub.example/fhir", "https://hub.example/oauth/token"


@dataclass
class Server:
    """One process: a registry, its tokens, its endpoints, and what the journal was told."""

    registry: Registry
    tokens: Tokens
    clock: Clock
    keys: TokenKeys
    journal: list[Attempt] = field(default_factory=list)
    oauth: OAuth = field(init=False)

    def __post_init__(self) -> None:
        addresses = Addresses(ISSUER, ENDPOINT, f"{ISSUER}/oauth/jwks")
        self.oauth = OAuth(self.registry, self.tokens, addresses=addresses, now=self.clock, audit=self.note)

    async def note(self, attempt: Attempt) -> None:
        self.journal.append(attempt)

    def form(self, key: dict[str, Any] = DOCTOR_KEY, client: str = "centre-doctor", scope: str = "system/*.rs") -> Any:
        return smart.token_request(key, client, token_endpoint=ENDPOINT, scopes=[scope], now=self.clock())

    async def ask(self, form: dict[str, str] | None = None, **changed: str) -> Reply:
        return await self.oauth.token({**(form or self.form()), **changed}, {})

    async def access_token(self, **how: Any) -> str:
        reply = await self.ask(self.form(**how))
        return str(reply.body["access_token"])


def start(pool: asyncpg.Pool[asyncpg.Record], clock: Clock, keys: TokenKeys) -> Server:
    """Return one more process on the same database and key."""
    registry = Registry(pool, now=clock, elapsed=lambda: clock().timestamp())
    return Server(registry, Tokens(keys, registry, issuer=ISSUER, audience=AUDIENCE, now=clock), clock, keys)


@pytest.fixture(scope="session")
def registry_database(pg_dsn: str, pg_template: str) -> Iterator[str]:
    with standing_database(pg_dsn, "registry", pg_template) as dsn:
        yield dsn


@pytest.fixture
async def pool(registry_database: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    async with open_pool(registry_database) as pool:
        yield pool


@pytest.fixture
async def server(pool: asyncpg.Pool[asyncpg.Record], tmp_path: Path) -> Server:
    server = start(pool, Clock(), TokenKeys.create(tmp_path / "token-key.json"))
    await settle(server.registry)
    return server


@pytest.fixture
async def second(server: Server, pool: asyncpg.Pool[asyncpg.Record]) -> Server:
    other = start(pool, server.clock, server.keys)
    await other.registry.refresh()
    return other
