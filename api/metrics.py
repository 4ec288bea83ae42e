"""Figures for Prometheus: for whoever holds the token, or for the machine itself; never public."""

import ipaddress
import secrets

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.core.accounts.policy import public
from portal.core.monitoring import prometheus

_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


def _allowed(request: HttpRequest) -> bool:
    """Who holds the token; without one a program on this machine, no proxy for somebody else, and not in production."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").encode()
        return secrets.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())
    if settings.PRODUCTION or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@public("a program that collects figures has no account; it shows a token, or runs on the machine itself")
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not _allowed(request):
        raise Http404
    return HttpResponse(prometheus.text(), content_type=prometheus.CONTENT_TYPE)


urlpatterns = [path("", metrics, name="metrics")]
