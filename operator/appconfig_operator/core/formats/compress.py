"""Gzip (RFC 1952) with the same bytes for the same input.

The header is written here: Python's own contains a time, and an operating system that depends on the version of Python.
The compressed bytes depend on zlib; a different build of zlib may compress the same content differently, once.
"""

from __future__ import annotations

import zlib

# Magic number, deflate, no flags (so no file name), no time, slowest and best compression, unknown operating system.
_HEADER = bytes.fromhex("1f8b 08 00 00000000 02 ff")
_LEVEL = 9


def compress(content: bytes) -> bytes:
    """Compress content into one gzip member."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(content) + deflate.flush()
    trailer = zlib.crc32(content).to_bytes(4, "little") + (len(content) % 2**32).to_bytes(4, "little")
    return _HEADER + packed + trailer
