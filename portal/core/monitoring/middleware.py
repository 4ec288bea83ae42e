"""Each request measured, and its facts at hand for whatever is logged meanwhile."""

import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from portal.core.monitoring import logs
from portal.core.monitoring.counters import counted

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class MeasureMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with logs.during(request):
            response = self.get_response(request)
            ms = (time.perf_counter() - began) * 1000
            surface, status = logs.surface_of(request.path), response.status_code
            counted(
                "requests",
                ms=ms,
                surface=surface,
                method=request.method if request.method in _METHODS else "OTHER",
                route=logs.route_of(request),
                status=str(status),
            )
            code = ""
            if status >= 400:
                code = getattr(request, "error_code", "") or f"HTTP_{status}"
                counted("errors", surface=surface, code=code)
            if _brought_a_file(request, surface):
                counted("uploads", surface=surface, outcome=code or "stored")
            logs.access(request, status=status, ms=ms, code=code)
        return response


def _brought_a_file(request: HttpRequest, surface: str) -> bool:
    """Every multipart body of the APIs holds a file; a form of the portal may."""
    if request.method not in ("POST", "PUT") or request.content_type != "multipart/form-data":
        return False
    return surface != "portal" or bool(getattr(request, "_files", None)) or hasattr(request, "received")
