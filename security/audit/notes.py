"""The signed notes that `fsck` holds the journal against: those of the database and those of the anchor."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from gateway.fhir.problem import Problem
from security.audit import anchor, checkpoint, findings
from security.audit.chain import Head
from security.audit.checkpoint import Checkpoint, WriterHead
from security.audit.findings import Finding
from security.audit.writer import Connection
from security.crypto import Keys

_STORED = "SELECT number, note FROM audit.checkpoint ORDER BY number"


@dataclass(slots=True)
class Notes:
    """What the checkpoints say, per writer and sequence number.

    The signatures of all are checked when ``keys`` are at hand; a note that is not ours says nothing. ``seen`` are the
    writers that the database has.
    """

    keys: Keys | None
    stored: int = 0
    anchored: int = 0
    findings: list[Finding] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    _says: dict[str, dict[int, list[tuple[WriterHead, int]]]] = field(default_factory=dict)
    _farthest: dict[str, tuple[WriterHead, int, bool]] = field(default_factory=dict)
    _agreed: dict[str, int] = field(default_factory=dict)
    _checked: set[bytes] = field(default_factory=set)

    async def add_stored(self, connection: Connection) -> None:
        """Add the database's checkpoints; their numbers must run from 1 without a gap."""
        expected = 1
        async for row in connection.cursor(_STORED):
            if row["number"] != expected:
                self.findings.append(findings.unnumbered(expected))
            expected = row["number"] + 1
            self.stored += 1
            self.add(row["note"], anchored=False, number=row["number"])

    def add(self, note: str, *, anchored: bool, number: int = 0) -> None:
        """Add one note, once; ``number`` names it where it cannot be read."""
        mark = sha256(note.encode()).digest()
        if mark in self._checked:
            return
        try:
            said = self._read(note)
        except (Problem, ValueError):
            self.findings.append(findings.unsigned(number, anchored=anchored))
            return
        self._checked.add(mark)
        for head in said.heads:
            self._take(head, said.number, anchored=anchored)

    def disagreement(self, writer: str, head: Head, at: int) -> Finding | None:
        """Return what a checkpoint at ``head`` says against it, if one does; ``at`` is the record's time."""
        said = self._says.get(writer, {}).get(head.seq)
        if said is None:
            return None
        has = WriterHead(writer, head.seq, head.chain, head.tree.root())
        other = next((number for note, number in said if note != has), None)
        if other is None:
            self._agreed[writer] = head.seq
            return None
        return findings.rewritten(writer, self._agreed.get(writer, 0) + 1, head.seq, at, other)

    def cut(self, writer: str, seq: int) -> Finding | None:
        """Return the finding when a checkpoint goes farther than ``seq``, the last record that is there."""
        if writer not in self._farthest:
            return None
        note, number, anchored = self._farthest[writer]
        return findings.cut(writer, seq + 1, note.seq, number, anchored=anchored) if note.seq > seq else None

    def unknown_writers(self) -> list[Finding]:
        """Return a finding for every writer that a checkpoint names and the database has lost altogether."""
        lost = [self.cut(writer, 0) for writer in sorted(self._farthest) if writer not in self.seen]
        return [finding for finding in lost if finding]

    def _read(self, note: str) -> Checkpoint:
        text = self.keys.verify_note(note) if self.keys else note.rpartition("\n\n")[0] + "\n"
        return checkpoint.parse(text)

    def _take(self, head: WriterHead, number: int, *, anchored: bool) -> None:
        self._says.setdefault(head.writer, {}).setdefault(head.seq, []).append((head, number))
        if head.writer not in self._farthest or head.seq > self._farthest[head.writer][0].seq:
            self._farthest[head.writer] = (head, number, anchored)


def collect(anchor_path: Path | None, keys: Keys | None) -> Notes:
    """Return the anchor's notes. A line that was torn by a crash is passed over: the note after it says more."""
    notes = Notes(keys)
    if anchor_path is None:
        return notes
    if not anchor_path.exists():
        notes.findings.append(findings.no_anchor(str(anchor_path)))
        return notes
    for note in anchor.read(anchor_path):
        if note is not None:
            notes.anchored += 1
            notes.add(note, anchored=True, number=notes.anchored)
    return notes
