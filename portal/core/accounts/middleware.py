"""The language of a request, and the organisation that a SuperAdmin helps."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from portal.core.accounts.models import User
from portal.core.accounts.selectors.support import support_open

_KNOWN = frozenset(code for code, _name in settings.LANGUAGES)


def browser_language(header: str) -> str:
    """The first language of an Accept-Language header that we speak, or the empty text."""
    wishes = []
    for position, part in enumerate(header[:200].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        wishes.append((-quality, position, tag.split("-")[0].lower()))
    return next((code for quality, _, code in sorted(wishes) if code in _KNOWN and quality < 0), "")


class SupportMiddleware:
    """While a support session is open, its SuperAdmin sees the portal as one of the organisation would (C32).

    `request.support` is the session; the person carries its organisation for this request, in memory alone. The APIs
    name the organisation in a header instead.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        request.support = None  # type: ignore[attr-defined]
        if not request.path_info.startswith("/api/") and isinstance(user, User) and user.is_superadmin:
            session = support_open(user=user)
            if session is not None:
                request.support = session  # type: ignore[attr-defined]
                user.organization = session.organization
        return self.get_response(request)


class LanguageMiddleware:
    """The person's choice, then the browser's, then the organisation's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = self.choose(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response

    def choose(self, request: HttpRequest) -> str:
        header = browser_language(request.headers.get("Accept-Language", ""))
        if request.path_info.startswith("/api/"):
            return header or ("ar" if request.path_info.startswith("/api/mobile/") else settings.LANGUAGE_CODE)
        user = request.user if request.user.is_authenticated else None
        chosen = (user.language if user else "") or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if chosen in _KNOWN:
            return chosen
        default = user.organization.language if user and user.organization else settings.LANGUAGE_CODE
        return header or default
