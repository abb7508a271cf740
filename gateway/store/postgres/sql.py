"""A statement in the making: its text and its values, each value bound once. Nothing a client sent is ever text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.store.postgres.hashing import Hash


class Statement:
    """Collect values and hand out their places.

    ``walk`` says that the rows are read in order and tested one by one, so that no index of keys is to be used.
    ``values`` are those of a text that was made before.
    """

    def __init__(self, make: Hash, *, walk: bool = False, values: Sequence[Any] = ()) -> None:
        """Start with ``values``; ``make`` is the installation's keyed hash."""
        self.values: list[Any] = list(values)
        self._make = make
        self.walk = walk

    def bind(self, value: Any, type_: str) -> str:
        """Return the place of ``value`` as ``type_``, e.g. ``$3::bigint[]``."""
        self.values.append(value)
        return f"${len(self.values)}::{type_}"

    def hash(self, text: str) -> int:
        """Return the keyed hash of ``text``."""
        return self._make(text)

    def hashes(self, texts: Iterable[str]) -> str:
        """Return the place of the hashes of ``texts``, an array."""
        return self.bind(sorted(map(self._make, texts)), "bigint[]")

    def keyed(self, texts: Iterable[str]) -> str:
        """Return the condition that a row carries the key of one of ``texts``."""
        condition = f"r.keys && {self.hashes(texts)}"
        # Within coalesce no index can answer it, and it is taken to hold for half of the rows.
        return f"coalesce({condition}, false)" if self.walk else condition
