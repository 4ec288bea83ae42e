"""What is hashed and signed, to the byte; `docs/verify/verify_audit.py` does the same with nothing of ours.

A list of texts is hashed as JSON in the manner of PostgreSQL's `json_build_array`: `["a", null, "b"]` in UTF-8.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

# Name on the wire -> SQL of a row `e` of the log. Erasure removes the first two groups, never the third.
PAYLOAD: Final = {"changes": "{e}.changes::text", "label": "{e}.object_repr", "reason": "{e}.reason"}
ACTOR: Final = {
    "userId": "{e}.actor_id::text",
    "userName": "{e}.actor_name",
    "userEmail": "{e}.actor_email",
    "ipAddress": "host({e}.remote_addr)",
    "deviceId": "{e}.device",
    "userAgent": "{e}.agent",
    "impersonatorId": "{e}.impersonator_id::text",
    "latitude": "{e}.latitude::text",
    "longitude": "{e}.longitude::text",
}
META: Final = {
    "id": "{e}.id::text",
    "organizationId": "{e}.organization_id::text",
    "timestamp": "(extract(epoch FROM {e}.timestamp) * 1000000)::bigint::text",
    "action": "{e}.action::text",
    "entityType": "{e}.entity",
    "entityId": "{e}.object_pk",
    "outcome": "{e}.outcome",
    "userRole": "{e}.actor_role",
    "via": "{e}.via",
    "requestId": "{e}.cid",
}
SIGNED: Final = ("organizationId", "first", "count", "head", "root", "at", "previous")


def sql_array(group: dict[str, str], row: str) -> str:
    return f"json_build_array({', '.join(group.values())})::text".replace("{e}", row)


def sql_hash(group: dict[str, str], row: str, salt: str) -> str:
    return f"sha256({salt} || convert_to({sql_array(group, row)}, 'UTF8'))"


def sql_meta(row: str) -> str:
    return f"convert_to({sql_array(META, row)}, 'UTF8')"


def sql_leaf(hashes: str, meta: str) -> str:
    """`hashes` is the row that has the two hashes, `meta` the bytes of the rest."""
    return f"sha256('\\x00'::bytea || {hashes}.payload_hash || {hashes}.actor_hash || {meta})"


def genesis(chain: UUID) -> bytes:
    """What stands before a chain's first entry."""
    return hashlib.sha256(str(chain).encode()).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x02" + left + right).digest()


def merkle_levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The levels of a Merkle tree, leaves first, the root alone in the last; an odd node moves up as it is."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        level = [node(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
        levels.append(level + below[len(below) - len(below) % 2 :])
    return levels


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    return merkle_levels(leaves)[-1][0]


def merkle_path(levels: Sequence[Sequence[bytes]], at: int) -> list[str]:
    """The siblings from leaf `at` up to the root, `L` or `R` for the side on which each stands."""
    path = []
    for level in levels[:-1]:
        beside = at ^ 1
        if beside < len(level):
            path.append(("L" if beside < at else "R") + level[beside].hex())
        at //= 2
    return path


def moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def checkpoint_text(values: dict[str, Any]) -> bytes:
    """The bytes that a checkpoint's signature covers."""
    return json.dumps([values[name] for name in SIGNED], separators=(",", ":")).encode()
