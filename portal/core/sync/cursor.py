"""The opaque place of a device in the feed (`sync.md` section 5)."""

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.utils.crypto import salted_hmac

_PACKED: Final = struct.Struct(">B16s16sqq8s")
_VERSION: Final = 1
_SIGNATURE: Final = 16  # bytes


@dataclass(frozen=True, slots=True)
class Cursor:
    """All up to `seq` is known; the reader began with nothing at `started`; `reach` is a hash of what it may see."""

    epoch: UUID
    device: UUID
    seq: int
    started: datetime
    reach: bytes


def reach_of(parts: list[tuple[str, str]]) -> bytes:
    return hashlib.blake2b(repr(sorted(parts)).encode(), digest_size=8).digest()


def _sign(packed: bytes) -> bytes:
    return salted_hmac("portal.core.sync.cursor", packed, algorithm="sha256").digest()[:_SIGNATURE]


def encode(cursor: Cursor) -> str:
    packed = _PACKED.pack(
        _VERSION, cursor.epoch.bytes, cursor.device.bytes, cursor.seq, int(cursor.started.timestamp()), cursor.reach
    )
    return base64.urlsafe_b64encode(_sign(packed) + packed).rstrip(b"=").decode()


def decode(text: str) -> Cursor | None:
    """None for anything that this installation did not sign."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        version, epoch, device, seq, started, reach = _PACKED.unpack(raw[_SIGNATURE:])
    except (ValueError, struct.error):
        return None
    if version != _VERSION or not hmac.compare_digest(raw[:_SIGNATURE], _sign(raw[_SIGNATURE:])):
        return None
    return Cursor(UUID(bytes=epoch), UUID(bytes=device), seq, datetime.fromtimestamp(started, UTC), reach)
