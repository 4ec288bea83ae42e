"""Papers that leave the house: their content is frozen, hashed, and confirmed on a public page."""

import hashlib
import json
from typing import Any

from django.conf import settings


def snapshot_hash(content: dict[str, Any]) -> str:
    """`sha256:` and the digest of the canonical JSON of a frozen `content`.

    Canonical: keys sorted by code point, no white space, UTF-8 without escapes beyond those that JSON demands,
    whole numbers without a point, others in the shortest text that reads back to the same double.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def verify_address(number: str, digest: str) -> str:
    """The public page that confirms the number and the hash of a paper."""
    return f"{settings.PUBLIC_URL}/verify/{number}?h={digest.removeprefix('sha256:')}"
