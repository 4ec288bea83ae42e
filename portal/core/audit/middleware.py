"""The request id and the client's address, as the audit log and the error bodies show them."""

import ipaddress
import re
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_SAFE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def client_address(request: HttpRequest) -> str:
    """The peer's address; behind a trusted proxy, the last address in `X-Forwarded-For` that is not a proxy."""
    hops = [request.META.get("REMOTE_ADDR", "") or ""]
    if settings.TRUSTED_PROXIES:
        hops += reversed([hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()])
    found = ""
    for hop in hops:
        try:
            address = ipaddress.ip_address(hop)
        except ValueError:
            break  # what a client wrote itself, in front of the last address that is known
        found = str(address)
        if not any(address in network for network in settings.TRUSTED_PROXIES):
            break
    return found


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if _SAFE.match(given) else str(uuid4())  # type: ignore[attr-defined]
        request.client_ip = client_address(request)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response
