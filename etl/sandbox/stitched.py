"""Pages whose gzip form is stitched from parts that are deflated once, so that serving a page costs almost nothing.

Deflate blocks may be stored or compressed; a part that is deflated alone and ends with a full flush refers to nothing
before it and ends on a byte boundary, so that such parts and stored blocks can be joined in any order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from isal import isal_zlib

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_FINAL_BLOCK = b"\x03\x00"
_LONGEST_STORED = 65_535


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes that are used repeatedly, with their deflated form."""

    plain: bytes
    packed: bytes


def part(plain: bytes) -> Part:
    """Deflate bytes so that the result is valid anywhere in a deflate body."""
    squeeze = isal_zlib.compressobj(2, isal_zlib.DEFLATED, -15)
    return Part(plain, squeeze.compress(plain) + squeeze.flush(isal_zlib.Z_FULL_FLUSH))


@dataclass(frozen=True, slots=True)
class Stitched:
    """A body made of new bytes and prepared parts."""

    pieces: Sequence[bytes | Part]

    def plain(self) -> bytes:
        """Return the body uncompressed."""
        return b"".join([piece if isinstance(piece, bytes) else piece.plain for piece in self.pieces])

    def packed(self) -> bytes:
        """Return the body as a gzip file, with its new bytes stored."""
        plain = self.plain()
        trailer = struct.pack("<II", isal_zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
        return b"".join([_GZIP_HEADER, *_blocks(self.pieces), _FINAL_BLOCK, trailer])


def _blocks(pieces: Iterable[bytes | Part]) -> Iterable[bytes]:
    for piece in pieces:
        if isinstance(piece, Part):
            yield piece.packed
            continue
        for start in range(0, len(piece), _LONGEST_STORED):
            stored = piece[start : start + _LONGEST_STORED]
            yield struct.pack("<BHH", 0, len(stored), len(stored) ^ 0xFFFF)
            yield stored
