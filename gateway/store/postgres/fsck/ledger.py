"""Compare what the journal tells with what the store has, in memory that does not grow with either.

Each word adds its hash to one of a few thousand sums when told, and takes it away when found. A sum that is not zero
in the end says in which bucket something differs; only the words of those buckets are then looked at one by one.
"""

from __future__ import annotations

from hashlib import blake2b

BUCKETS = 4096
"""Sums (design default): of a million words some 250 are looked at again for each difference."""
_HASH_BYTES = 16


class Ledger:
    """The sums. Every word is made by one write, so each side has it as often as the other."""

    def __init__(self) -> None:
        """Begin with nothing told and nothing found."""
        self._sums = [0] * BUCKETS

    def told(self, word: str) -> None:
        """Count ``word`` of the journal."""
        value = _hash(word)
        self._sums[value % BUCKETS] += value

    def found(self, word: str) -> None:
        """Count ``word`` of the store."""
        value = _hash(word)
        self._sums[value % BUCKETS] -= value

    def differing(self) -> frozenset[int]:
        """Return the buckets in which the two sides differ."""
        return frozenset(number for number, value in enumerate(self._sums) if value)


def bucket(word: str) -> int:
    """Return the bucket of ``word``."""
    return _hash(word) % BUCKETS


def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=_HASH_BYTES).digest(), "big")
