"""Requests per minute (C101), counted in Django's cache: per process, or for all machines with Redis."""

import time
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from portal.core.common.errors import DomainError

PER_MINUTE: Final = {"login": 10, "sync": 600, "other": 3000}


def count(bucket: str, who: str) -> None:
    """Count one request of a person (or address); raises RATE_LIMIT_EXCEEDED (429) above the bucket's limit."""
    if settings.MARSAD_RATE_LIMITS != "on":
        return
    minute, second = divmod(int(time.time()), 60)
    key = f"rate:{bucket}:{who}:{minute}"
    cache.add(key, 0, 120)
    if cache.incr(key) > PER_MINUTE[bucket]:
        raise DomainError(
            _("Too many requests. Try again in a moment."),
            status=429,
            code="RATE_LIMIT_EXCEEDED",
            meta={"retryAfter": 60 - second, "limit": PER_MINUTE[bucket]},
        )
