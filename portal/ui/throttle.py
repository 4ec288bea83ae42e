"""A limit on what anybody may ask of a public page, counted in Django's cache like the API's limits (C101)."""

import functools
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.ui.views import too_many_requests

View = Callable[..., HttpResponseBase]


def throttled(*, bucket: str, per_minute: int) -> Callable[[View], View]:
    """At most so many requests a minute from one address, in every mode but `off`; above it the page of a 429."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            minute, second = divmod(int(time.time()), 60)
            key = f"rate:{bucket}:{getattr(request, 'client_ip', '')}:{minute}"
            cache.add(key, 0, 120)
            if settings.MARSAD_RATE_LIMITS != "off" and cache.incr(key) > per_minute:
                return too_many_requests(request, retry_after=60 - second)
            return view(request, *args, **kwargs)

        return limited

    return mark
