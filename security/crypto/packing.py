"""Compress before sealing: zstd, with the decompressed size bounded, and with a dictionary where both sides have it.

A frame says how large it will be and which dictionary it needs; one without opens as ever. A dictionary knows what
every resource repeats, so that a small one shrinks too, and opens sooner. Source: RFC 8878; architecture decision 15.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import Final

import zstandard

# Level 3 is zstd's own default: 6 us for a resource of 1.5 KB.
LEVEL = 3
# The largest thing ever sealed is a message of 4 MiB (architecture section 7); a bigger claim is a bomb.
MAX_PLAIN_BYTES = 64 * 1024 * 1024
PLAIN: Final = 0
"""No dictionary."""
NEWEST: Final = 1
"""The dictionary of new data keys. Each that was ever shipped stays: what was packed with it opens by it alone."""
FIRST_ID: Final = 1 << 15
"""Dictionary ids below this are zstd's own to give (RFC 8878 section 5); ours follow it, by number."""


def file_of(number: int) -> Path:
    """Return where the dictionary ``number`` lies (tools/build_dictionary.py made it)."""
    return Path(__file__).with_name(f"dictionary-{number}.zstd")


@cache
def _dictionary(number: int) -> zstandard.ZstdCompressionDict | None:
    if number == PLAIN:
        return None
    found = zstandard.ZstdCompressionDict(file_of(number).read_bytes())
    found.precompute_compress(level=LEVEL)
    return found


class _Tools(threading.local):
    """Compressors and decompressors of one thread by dictionary: they are not safe to share, and dear to make."""

    def __init__(self) -> None:
        self.packers: dict[int, zstandard.ZstdCompressor] = {}
        self.openers: dict[int, zstandard.ZstdDecompressor] = {}

    def packer(self, number: int) -> zstandard.ZstdCompressor:
        if number not in self.packers:
            known = _dictionary(number)
            self.packers[number] = zstandard.ZstdCompressor(level=LEVEL, dict_data=known, write_checksum=False)
        return self.packers[number]

    def opener(self, id: int) -> zstandard.ZstdDecompressor:  # noqa: A002 - RFC 8878's Dictionary_ID
        found = self.openers.get(id)
        if found is None:
            number = id - FIRST_ID if id else PLAIN
            if id and not PLAIN < number <= NEWEST:
                raise ValueError("packed with a dictionary that is not ours")
            found = self.openers[id] = zstandard.ZstdDecompressor(dict_data=_dictionary(number))
        return found


_tools = _Tools()


def pack(plain: bytes, *, dictionary: int = PLAIN) -> bytes:
    """Return ``plain`` as one zstd frame that needs ``dictionary``. ValueError above MAX_PLAIN_BYTES."""
    if len(plain) > MAX_PLAIN_BYTES:
        raise ValueError("too large to seal")
    return _tools.packer(dictionary).compress(plain)


def unpack(frame: bytes) -> bytes:
    """Return the plain bytes. ValueError for a damaged frame or one that claims more than MAX_PLAIN_BYTES."""
    try:
        said = zstandard.get_frame_parameters(frame)
        # max_output_size alone would not bound it: zstandard obeys the size that the frame itself claims.
        if not said.content_size <= MAX_PLAIN_BYTES:
            raise ValueError("frame without a size, or too large")
        return _tools.opener(said.dict_id).decompress(frame)
    except zstandard.ZstdError as error:
        raise ValueError("not a zstd frame") from error
