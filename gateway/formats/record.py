"""The one shape in which a parsed source record travels: its format, its body, its bytes.

A body is a dict (JSON) or a `hl7v2.Message`. Empty values are None; HL7 v2's explicit `""` is `DELETE`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

Format = Literal["json", "hl7v2"]
MAX_BYTES = 4 * 1024 * 1024
"""Largest message in bytes (architecture.md §7)."""


class _Delete(Enum):
    """The type of `DELETE`."""

    DELETE = '""'


DELETE = _Delete.DELETE
"""HL7 v2 `""`: the sender says that the value is to be removed, which is not the same as saying nothing."""


@dataclass(frozen=True, slots=True)
class Record:
    """Hold one parsed record: ``body`` is what maps walk, ``raw`` the bytes exactly as received."""

    format: Format
    body: Any
    raw: bytes = field(repr=False)

    def leaves(self) -> Iterator[tuple[str, Any]]:
        """Yield each filled value with its place (`data.contacts[0].name`, `DG1[2]-3.1`), in source order."""
        if self.format == "json":
            yield from _json_leaves(self.body, "")
        else:
            yield from self.body.leaves()


def _json_leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _json_leaves(inner, join(place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _json_leaves(inner, f"{place}[{index}]")
    elif value is not None and value != "":
        yield place, value


def join(place: str, key: str) -> str:
    """Return the place of ``key`` inside ``place``; a key that is no plain word is quoted."""
    if not key.replace("_", "a").isalnum():
        return f"{place}['{key}']"
    return f"{place}.{key}" if place else key
