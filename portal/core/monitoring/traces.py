"""OpenTelemetry traces, where `MARSAD_OTLP_ENDPOINT` names a collector: requests, SQL statements, jobs.

Without it nothing of OpenTelemetry is imported. Spans carry route templates and SQL without its values; paths, query
strings and headers stay here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings

from portal.core.monitoring import logs

_NAMES: Final = {
    "requestId": "marsad.request_id",
    "userId": "enduser.id",
    "deviceId": "marsad.device_id",
    "organizationId": "marsad.organization_id",
}
_tracer: list[Any] = []


def start(exporter: Any = None) -> Callable[[], None] | None:
    """Begin to trace; a function that ends it, None where no collector is named. `exporter` is for tests."""
    if exporter is None and not settings.OTLP_ENDPOINT:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "marsad"}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=settings.OTLP_ENDPOINT)))
    django, psycopg = DjangoInstrumentor(), PsycopgInstrumentor()
    django.instrument(
        tracer_provider=provider, request_hook=_request, response_hook=_response, excluded_urls="health/,metrics"
    )
    psycopg.instrument(tracer_provider=provider, skip_dep_check=True)
    _tracer[:] = [provider.get_tracer("marsad")]

    def end() -> None:
        _tracer.clear()
        django.uninstrument()
        psycopg.uninstrument()
        provider.shutdown()

    return end


@contextmanager
def job_span(name: str, **facts: Any) -> Iterator[None]:
    """A span around a job; nothing while traces are off."""
    if not _tracer:
        yield
        return
    with _tracer[0].start_as_current_span(f"job {name}", attributes=facts):
        yield


def _request(span: Any, request: Any) -> None:
    """A path may hold a secret (a share link), a query string what people searched for."""
    for name in ("http.url", "http.target", "url.full", "url.path", "url.query"):
        if name in (span.attributes or {}):
            span.set_attribute(name, "")


def _response(span: Any, request: Any, response: Any) -> None:
    known = logs.facts_of(request)
    for ours, name in _NAMES.items():
        if ours in known:
            span.set_attribute(name, known[ours])
