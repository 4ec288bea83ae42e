"""A limit on what anybody may ask of a public page, counted in Django's cache like the API's limits (C101)."""

import functools
import time
from collections.abc import Callable, Container
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.ui.views import too_many_requests

View = Callable[..., HttpResponseBase]
PER_PERSON: Final = 1200  # pages and fragments a minute
PER_ADDRESS: Final = 240  # of people who are not signed in, who may share it
PER_ADDRESS_SIGN_IN: Final = 30  # passwords that are tried from one address
_OWN_LIMITS: Final = ("/api/", "/health/", "/metrics", "/static/")


class PagesThrottleMiddleware:
    """A limit on what one person, or one address that is not signed in, may ask of the portal in a minute; stands
    after the authentication and the language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.MARSAD_RATE_LIMITS == "on" and not request.path.startswith(_OWN_LIMITS):
            who, most = (str(request.user.pk), PER_PERSON) if request.user.is_authenticated else ("", PER_ADDRESS)
            bucket, who = ("pages", who) if who else ("guests", getattr(request, "client_ip", ""))
            if request.method == "POST" and request.path == "/login":
                bucket, most = "sign-in", PER_ADDRESS_SIGN_IN
            wait = _wait(bucket, who, most)
            if wait:
                return too_many_requests(request, retry_after=wait)
        return self.get_response(request)


def _wait(bucket: str, who: str, most: int) -> int:
    """Count one request; seconds to wait where it is one too many, else 0."""
    minute, second = divmod(int(time.time()), 60)
    key = f"rate:{bucket}:{who}:{minute}"
    cache.add(key, 0, 120)
    return 60 - second if cache.incr(key) > most else 0


def throttled(*, bucket: str, per_minute: int, modes: Container[str] = ("on",)) -> Callable[[View], View]:
    """At most so many requests a minute from one address in these modes; above it the page of a 429."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            wait = _wait(bucket, getattr(request, "client_ip", ""), per_minute)
            if wait and settings.MARSAD_RATE_LIMITS in modes:
                return too_many_requests(request, retry_after=wait)
            return view(request, *args, **kwargs)

        return limited

    return mark
