"""Photographs for the tests, with the metadata of a camera."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

HERE = {1: "N", 2: (33.0, 35.0, 30.0), 3: "W", 4: (7.0, 36.0, 0.0)}  # 33.5916667, -7.6
WHEN = {0x9003: "2026:11:20 10:15:00", 0x9011: "+01:00"}  # 09:15 UTC


def photo(
    gps: dict[int, Any] | None = None,
    detail: dict[int, Any] | None = None,
    main: dict[int, Any] | None = None,
    *,
    kind: str = "JPEG",
    size: tuple[int, int] = (64, 48),
    mode: str = "RGB",
    **options: Any,
) -> io.BytesIO:
    """A grey gradient whose EXIF has these tags of the GPS, Exif and main blocks."""
    exif = Image.Exif()
    exif.update(main or {})
    if detail:
        exif.get_ifd(0x8769).update(detail)
    if gps:
        exif.get_ifd(0x8825).update(gps)
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, kind, exif=exif.tobytes(), **options)
    return out


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> io.BytesIO:
    """A PNG that says it is that large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *(chunk(*each) for each in chunks), chunk(b"IEND", b"")]
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
