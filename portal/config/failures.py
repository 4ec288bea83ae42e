"""What is answered where a request failed outside of every view: a problem with a code to an API, a page to people."""

import sys

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api.kit import V1, faults
from api.mobile.v1.surface import MOBILE
from portal.ui import views


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Also 503 and 507 with Retry-After: a session that cannot be read, because the database is away, fails here."""
    error = sys.exception()
    if not request.path_info.startswith("/api/") or not isinstance(error, Exception):
        return views.server_error(request)
    surface = MOBILE if request.path_info.startswith("/api/mobile/") else V1
    return surface.finish(request, surface.refuse(request, faults.refusal(request, error)))
