"""Requests per minute (C101), counted in Django's cache: per process, or for all machines with Redis."""

import time
from dataclasses import dataclass, replace
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portal.core.common.errors import DomainError

# Specification 004 limits its own surface, in every mode but `off`.
PER_MINUTE: Final = {"login": 10, "sync": 600, "upload": 300, "heavy": 120, "other": 3000}
PER_MINUTE_MOBILE: Final = {"m.auth": 10, "m.read": 100, "m.write": 50, "m.upload": 20, "m.sync": 30}


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of the running minute."""

    bucket: str
    limit: int
    remaining: int
    reset: int  # seconds
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them, and in the older three that many clients read."""
        name = self.bucket.rpartition(".")[2]
        return {
            "RateLimit-Policy": f'"{name}";q={self.limit};w=60',
            "RateLimit": f'"{name}";r={self.remaining};t={self.reset}',
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


def count(request: HttpRequest, bucket: str, who: str) -> None:
    """Count one request of a person, device or address; raises RATE_LIMIT_EXCEEDED (429) above the bucket's limit."""
    mode = settings.MARSAD_RATE_LIMITS
    limit = PER_MINUTE_MOBILE.get(bucket) if mode != "off" else None
    if limit is None and mode == "on":
        limit = PER_MINUTE[bucket]
    if limit is None:
        return
    minute, second = divmod(int(time.time()), 60)
    key = f"rate:{bucket}:{who}:{minute}"
    cache.add(key, 0, 120)
    counted = cache.incr(key)
    request.rate = Rate(bucket, limit, max(0, limit - counted), 60 - second, key)  # type: ignore[attr-defined]
    if counted > limit:
        raise DomainError(
            _("Too many requests. Try again in a moment."),
            status=429,
            code="RATE_LIMIT_EXCEEDED",
            meta={"retryAfter": 60 - second, "limit": limit},
        )


def give_back(request: HttpRequest) -> None:
    """A repeated request that got its first answer costs nothing."""
    rate: Rate | None = getattr(request, "rate", None)
    if rate is not None and rate.remaining < rate.limit:
        cache.decr(rate.key)
        request.rate = replace(rate, remaining=rate.remaining + 1)  # type: ignore[attr-defined]
