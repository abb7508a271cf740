"""Compress before sealing: zstd, with the decompressed size bounded.

A frame says how large it will be and whether a dictionary is needed, so a shipped dictionary can come later
without a new blob format. Source: RFC 8878; architecture decision 15.
"""

from __future__ import annotations

import threading

import zstandard

# Level 3 is zstd's own default: 6 us for a resource of 1.5 KB.
LEVEL = 3
# The largest thing ever sealed is a message of 4 MiB (architecture section 7); a bigger claim is a bomb.
MAX_PLAIN_BYTES = 64 * 1024 * 1024


class _Tools(threading.local):
    """One compressor and decompressor a thread: they are not safe to share, and dear to make."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False)
        self.unpack = zstandard.ZstdDecompressor()


_tools = _Tools()


def pack(plain: bytes) -> bytes:
    """Return ``plain`` as one zstd frame. ValueError above MAX_PLAIN_BYTES."""
    if len(plain) > MAX_PLAIN_BYTES:
        raise ValueError("too large to seal")
    return _tools.pack.compress(plain)


def unpack(frame: bytes) -> bytes:
    """Return the plain bytes. ValueError for a damaged frame or one that claims more than MAX_PLAIN_BYTES."""
    try:
        # max_output_size alone would not bound it: zstandard obeys the size that the frame itself claims.
        if not 0 <= zstandard.frame_content_size(frame) <= MAX_PLAIN_BYTES:
            raise ValueError("frame without a size, or too large")
        return _tools.unpack.decompress(frame)
    except zstandard.ZstdError as error:
        raise ValueError("not a zstd frame") from error
