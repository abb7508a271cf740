"""Look for words in bytes as somebody with a stolen disk would: every common writing, every common compression."""

from __future__ import annotations

import base64
import contextlib
import gzip
import lzma
import zlib
from collections.abc import Iterable, Iterator

import asyncpg
import zstandard

SHORTEST = 6
"""A shorter needle meets sealed bytes by chance."""


def writings(secret: str) -> Iterator[bytes]:
    """Yield ``secret`` as UTF-8, GB18030, UTF-16, hex and base64 at every offset."""
    for raw in {secret.encode(), secret.encode("gb18030"), secret.encode("utf-16-le")}:
        yield raw
        yield raw.hex().encode()
        for offset in range(3):
            text = base64.b64encode(b"\0" * offset + raw)
            yield text[4 if offset else 0 : len(text) - 4]


def needles(secrets: Iterable[str]) -> list[bytes]:
    """Return every writing of ``secrets`` that is long enough to mean something."""
    return sorted({needle for secret in secrets for needle in writings(secret) if len(needle) >= SHORTEST})


def unpacked(value: bytes) -> Iterator[bytes]:
    """Yield ``value`` and what the common decompressors make of it."""
    yield value
    for open_ in (zlib.decompress, gzip.decompress, lzma.decompress, zstandard.ZstdDecompressor().decompress):
        with contextlib.suppress(Exception):
            yield open_(value)


def found(value: bytes, words: Iterable[bytes]) -> list[bytes]:
    """Return those of ``words`` that stand in ``value``."""
    datas = list(unpacked(value))
    return [word for word in words if any(word in data for data in datas)]


async def rows(dsn: str) -> dict[str, list[bytes]]:
    """Return every value of every table as bytes, by table."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        dump: dict[str, list[bytes]] = {}
        for schema, table in tables:
            content = await connection.fetch(f'SELECT * FROM ONLY "{schema}"."{table}"')  # noqa: S608 - catalogue names
            dump[f"{schema}.{table}"] = [
                value if isinstance(value, bytes) else str(value).encode() for row in content for value in row.values()
            ]
        return dump
    finally:
        await connection.close()
