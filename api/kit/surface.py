"""What differs between our APIs: how answers and refusals are written, their headers, and whom calls are bound to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from pydantic import BaseModel

from api.kit import envelope
from api.kit.schemas import Envelope, Failure, ListEnvelope
from portal.core.common.errors import DomainError


@dataclass(frozen=True, slots=True)
class Surface:
    """One API's manner. `shape` makes the documented body around an operation's `data`.

    `admit` refuses a request for its headers, and may leave `request.said` (headers of the answer). `device_bound`:
    every call comes from the device that its token was given to (C38), and is counted by device.
    """

    success: Callable[..., HttpResponse]
    failure: Callable[[HttpRequest, DomainError], HttpResponse]
    shape: Callable[[Any], Any]
    failed: type[BaseModel]
    headers: Mapping[str, str] = field(default_factory=dict)
    device_bound: bool = False
    admit: Callable[[HttpRequest], None] = lambda request: None

    def finish(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        rate = getattr(request, "rate", None) if self.device_bound else None
        said = getattr(request, "said", {})
        for name, value in {**self.headers, **said, **(rate.headers if rate else {})}.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 faults.py logs what deserves it
        return response


def _v1_shape(shape: Any) -> Any:
    if get_origin(shape) is list:
        return ListEnvelope[get_args(shape)[0]]  # type: ignore[misc]
    return Envelope[shape]


V1 = Surface(envelope.success, envelope.failure, _v1_shape, Failure, {"API-Version": "1.0"})
