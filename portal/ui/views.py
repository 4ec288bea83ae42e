"""Language switch and error pages."""

import sys
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import activate
from django.views.decorators.http import require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import request_actor
from portal.core.accounts.services import language_choose
from portal.core.common.outages import outage

ONE_YEAR = 365 * 24 * 3600


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language in the cookie and, for a signed-in person, in the profile; then go back to `next`."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    code = request.POST.get("language", "")
    if code not in dict(settings.LANGUAGES):
        return response
    activate(code)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=ONE_YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    user = request.user
    if isinstance(user, User) and user.language != code:
        if user.is_superadmin:
            user.organization = None  # the one of a support session: their own row stands outside of all
        language_choose(user=user, language=code, by=request_actor(request, user=user))
    return response


def _refused(request: HttpRequest, status: HTTPStatus, **more: object) -> HttpResponse:
    """The page of a refusal. Its language switch leads to the path alone: the query may hold somebody's token."""
    return render(request, f"{status}.html", {"back": request.path, **more}, status=status)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _refused(request, HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _refused(request, HTTPStatus.NOT_FOUND)


def too_many_requests(request: HttpRequest, *, retry_after: int | None = None) -> HttpResponse:
    """The page of a throttled caller; `retry_after` in seconds goes into the page and the header."""
    response = _refused(request, HTTPStatus.TOO_MANY_REQUESTS, retry_after=retry_after)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without the request: whatever failed may have been the session, the user or the database. An outage is
    told as one (503, 507), with the seconds to wait."""
    lacking = outage(sys.exception())
    page = render_to_string("500.html", {"request_id": getattr(request, "request_id", ""), "lacking": lacking})
    if lacking is None:
        return HttpResponse(page, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    return HttpResponse(page, status=lacking.status, headers={"Retry-After": str(lacking.meta["retryAfter"])})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=HTTPStatus.FORBIDDEN)
