"""Record ids: UUID version 7, made by the server, so that new rows land at the end of their index."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10))
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def parse_uuid(value: object) -> UUID | None:
    """The UUID in a client's text (any 8-4-4-4-12 hexadecimal, C46), or None."""
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or len(value) != 36 or value.count("-") != 4:
        return None
    try:
        return UUID(value)
    except ValueError:
        return None
