"""Expired logins inside htmx requests, and the organisation's time zone."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import resolve_url
from django.utils import timezone


class HtmxAuthMiddleware:
    """Turn a redirect to the login page into 401 with `HX-Redirect`; stands after `HtmxMiddleware`.

    An expired login must move the whole page, not put a login form into a table.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.htmx or not 300 <= response.status_code < 400:  # type: ignore[attr-defined]
            return response
        login = resolve_url(settings.LOGIN_URL)
        if response.headers.get("Location", "").partition("?")[0] != login:
            return response
        page = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
        target = f"{login}?{urlencode({REDIRECT_FIELD_NAME: page})}"
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": target})


class CompressPagesMiddleware(GZipMiddleware):
    """Pages and the features of their maps travel compressed, a tenth of their size; files and the API answer as they
    are. Django's padding guards the tokens in a page against guessing by its length."""

    KINDS = ("text/html", "application/geo+json")

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if not kind.startswith(self.KINDS) or (kind[:4] != "text" and request.path.startswith("/api/")):
            return response
        return super().process_response(request, response)


class SafeHeadersMiddleware:
    """What Django has no setting for: nothing of an answer is kept by browsers and proxies or shown inside of another
    site, unless the view says otherwise, and a page may use of the device only what the portal needs."""

    HEADERS: Final = {
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(
            (
                *(f"{name}=(self)" for name in ("camera", "clipboard-write", "fullscreen", "geolocation")),
                *(f"publickey-credentials-{name}=(self)" for name in ("create", "get")),
                *(f"{name}=()" for name in ("browsing-topics", "display-capture", "microphone", "midi", "payment")),
                *(f"{name}=()" for name in ("serial", "usb", "xr-spatial-tracking")),
            )
        ),
    }

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class OrganizationTimeZoneMiddleware:
    """Times of a signed-in person are shown in the organisation's time zone; stands after the authentication.

    The APIs speak UTC and know no sessions, whatever cookies a browser sends along.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            return self.get_response(request)
        organization = getattr(request.user, "organization", None)
        zone = getattr(organization, "time_zone", "") or settings.TIME_ZONE
        with timezone.override(ZoneInfo(zone)):
            return self.get_response(request)
