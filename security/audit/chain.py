"""The mathematics of the journal: what a row hashes to, the chain of one writer and its Merkle tree.

A row's hash covers everything stored of it, sealed body and searchable columns, so it can be checked without keys.
Source: RFC 6962 section 2.1 (tree); the chain is sha256(previous | row hash).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from hashlib import sha256

GENESIS = bytes(32)
_HASH_BYTES = 32
_LEAF, _NODE = b"\x00", b"\x01"
_FIXED = struct.Struct(">QqHqqq")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands and what it is found by; bound to its sealed body as associated data.

    ``at`` is microseconds since 1970 UTC; ``elder``, ``agent`` and ``entity`` are keyed hashes, 0 for none.
    """

    writer: str
    seq: int
    at: int
    action: str
    outcome: int
    elder: int
    agent: int
    entity: int

    def pack(self) -> bytes:
        """Return the one byte form of the place: fixed fields, then the two texts with their lengths."""
        writer, action = self.writer.encode(), self.action.encode()
        fixed = _FIXED.pack(self.seq, self.at, self.outcome, self.elder, self.agent, self.entity)
        return b"".join((fixed, bytes((len(writer),)), writer, bytes((len(action),)), action))


def row_hash(place: bytes, body: bytes) -> bytes:
    """Return the hash of the row of packed ``place`` and sealed ``body``: a leaf of the tree, a link of the chain."""
    return sha256(place + body).digest()


@dataclass(slots=True)
class Tree:
    """The frontier of an append-only RFC 6962 tree: the roots of its complete subtrees, largest first."""

    size: int = 0
    nodes: list[bytes] = field(default_factory=list)

    def append(self, data: bytes) -> None:
        """Add the leaf ``data``."""
        node, size = sha256(_LEAF + data).digest(), self.size
        while size & 1:
            node = sha256(_NODE + self.nodes.pop() + node).digest()
            size >>= 1
        self.nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the tree's head; of the empty tree, sha256 of nothing."""
        if not self.nodes:
            return sha256(b"").digest()
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = sha256(_NODE + node + root).digest()
        return root

    def pack(self) -> bytes:
        """Return the nodes one after the other."""
        return b"".join(self.nodes)

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> Tree:
        """Return the tree of ``size`` leaves with these nodes. ValueError when their number does not fit."""
        nodes = [packed[at : at + _HASH_BYTES] for at in range(0, len(packed), _HASH_BYTES)]
        if len(packed) != size.bit_count() * _HASH_BYTES:
            raise ValueError("a frontier has one node for every bit of its size")
        return cls(size, nodes)

    def copy(self) -> Tree:
        """Return a tree that grows on its own."""
        return Tree(self.size, self.nodes.copy())


@dataclass(slots=True)
class Head:
    """How far one writer is: the chain's last value and the tree; ``seq`` is the number of rows."""

    chain: bytes = GENESIS
    tree: Tree = field(default_factory=Tree)

    @property
    def seq(self) -> int:
        """Return the sequence number of the last row, 0 before the first."""
        return self.tree.size

    def extend(self, place: bytes, body: bytes) -> bytes:
        """Add the row of packed ``place`` and sealed ``body``; return the new chain value."""
        hashed = row_hash(place, body)
        self.tree.append(hashed)
        self.chain = sha256(self.chain + hashed).digest()
        return self.chain

    def copy(self) -> Head:
        """Return a head that grows on its own."""
        return Head(self.chain, self.tree.copy())
