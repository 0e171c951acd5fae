"""Pictures of some kilobytes that unpack to hundreds of megabytes, made without taking those."""

import struct
import zlib
from collections.abc import Iterator


def png_bomb(side: int) -> bytes:
    """Return a black PNG of so many pixels in width and height, of one bit each."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", b"".join(_packed(side))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _packed(side: int) -> Iterator[bytes]:
    row, packing = b"\0" * (1 + (side + 7) // 8), zlib.compressobj()
    for _ in range(side):
        yield packing.compress(row)
    yield packing.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
