"""What is counted reaches Prometheus and the page; what is logged names who and what, and no secret."""

import io
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import DatabaseError, connection
from django.db.models import F
from django.test import Client, RequestFactory
from prometheus_client.parser import text_string_to_metric_families

from api import metrics as door
from portal.core.audit import security
from portal.core.monitoring import counters, figures, jobs, logs, traces, work
from portal.core.monitoring.counters import counted, flush
from portal.core.monitoring.models import Minute
from portal.core.tenancy.scope import tenant
from tests.api.conftest import PASSWORD, Cast, cast
from tests.api.test_sync import SAMPLE, item, pushed
from tests.lab.test_pages import page

__all__ = ["cast"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    counters._rows.clear()
    yield
    counters._rows.clear()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def read(**headers: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples that Prometheus reads, by name and labels."""
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


@pytest.mark.covers(
    "004-MON-01", "004-MON-02", "004-MON-03", "004-MON-04", "004-MON-05", "004-MON-06", "004-MON-07",
    "002-MON-02", "002-MON-03", "002-MON-05",
)  # fmt: skip
def test_a_day_in_figures(cast: Cast, settings: Any) -> None:
    before = read()
    client = Client()
    where = "/api/mobile/v1/auth/login"
    device = {"deviceId": "d-1", "deviceName": "Tablet", "platform": "android", "osVersion": "15", "appVersion": "1"}
    said = {"username": "bob", "password": PASSWORD, "deviceInfo": device}
    assert client.post(where, said, content_type="application/json").status_code == 200
    wrong = {"email": "bob@example.test", "password": "no"}
    assert client.post("/api/v1/auth/login", wrong, content_type="application/json").status_code == 401
    pushed(cast.bob, item("sample", SAMPLE))
    assert cast.bob.get(f"/samples/{uuid4()}").status_code == 404
    upload = {"headers": cast.alice.headers, "data": {"file": io.BytesIO(b"%PDF-1.7 a"), "name": "x"}}
    assert client.post("/api/v1/files/upload", **upload).status_code >= 400
    assert client.get("/login").status_code == 200
    assert client.get("/no/such/page/with-a-secret").status_code == 404
    counted("geo_denials", 2, rule="outside_area")
    with tenant(cast.a.pk):
        security.raise_event("lbac.violation", severity="high", subject="Bob")

    now = read()

    def more(name: str, **labels: str) -> float:
        key = (f"marsad_{name}", tuple(sorted(labels.items())))
        return now.get(key, 0) - before.get(key, 0)

    assert more("logins_total", surface="mobile", outcome="success") == 1
    assert more("logins_total", surface="v1", outcome="INVALID_CREDENTIALS") == 1
    assert more("devices_total", surface="mobile") == 1
    assert more("sync_items_total", operation="push", outcome="created") == 1
    assert more("errors_total", surface="v1", code="RESOURCE_NOT_FOUND") == 1
    assert more("geo_denials_total", rule="outside_area") == 2
    assert more("security_events_total", type="lbac.violation", severity="high") == 1
    route = {"surface": "v1", "method": "GET", "route": "/api/v1/samples/<id:sample_id>", "status": "404"}
    assert more("requests_seconds_count", **route) == 1
    assert more("requests_seconds_bucket", le="+Inf", **route) == 1
    assert more("requests_seconds_sum", **route) > 0
    assert more("requests_seconds_count", surface="portal", method="GET", route="(none)", status="404") == 1
    assert not any("secret" in str(key) for key in now)
    uploads = {key: value for key, value in now.items() if key[0] == "marsad_uploads_total"}
    assert sum(uploads.values()) - sum(v for k, v in before.items() if k[0] == "marsad_uploads_total") == 1
    gauges = {name for name, _labels in now}
    assert gauges >= {
        "marsad_queue_workers", "marsad_queue_age_seconds", "marsad_database_connections",
        "marsad_database_connections_limit", "marsad_database_bytes",
    }  # fmt: skip

    # two processes write the same minute: their sums are added
    rows = dict(counters._rows)
    assert flush() == len(rows)
    counters._rows.update(rows)
    assert flush() == len(rows)
    assert flush() == 0
    shown = figures.traffic(period="hour")
    assert (shown.logins.good, shown.logins.all) == (2, 4)
    assert (shown.sync.good, shown.sync.all) == (2, 2)
    assert shown.uploads.good == 0
    assert shown.uploads.all == 2
    assert dict(shown.errors)["RESOURCE_NOT_FOUND"] == 2
    assert sum(step.requests for step in shown.steps) == shown.requests == 2 * 7
    assert sum(step.counts.get("geo_denials", 0) for step in shown.steps) == 4
    assert sum(step.counts.get("refused_logins", 0) for step in shown.steps) == 2
    one = next(e for e in shown.endpoints if e.route == "/api/v1/samples/<id:sample_id>")
    assert (one.method, one.count, one.refused, one.failed) == ("GET", 2, 2, 0)
    assert 0 < one.p50 <= one.p95
    assert {e.surface for e in figures.traffic(period="day", surface="mobile").endpoints} == {"mobile"}

    # a day later the minutes have become hours, and the week's page says the same
    Minute.objects.update(minute=F("minute") - timedelta(days=2))
    jobs.roll_up(0)
    jobs.roll_up(0)
    week = figures.traffic(period="week")
    assert (week.requests, week.logins, week.p95) == (shown.requests, shown.logins, shown.p95)
    assert all(row.minute.minute == 0 for row in Minute.objects.all())
    assert figures.traffic(period="hour").requests == 0
    Minute.objects.update(minute=F("minute") - timedelta(days=36))
    jobs.roll_up(0)
    assert not Minute.objects.exists()


@pytest.mark.covers("002-MON-02", "002-MON-04")
def test_the_page_shows_the_figures(cast: Cast) -> None:
    empty = page(cast.root.user).get("/platform/metrics")
    assert empty.status_code == 200
    counters._rows.clear()
    for ms, status in ((3, "200"), (40, "200"), (700, "500")):
        counted("requests", ms=ms, surface="portal", method="GET", route="/samples", status=status)
    counted("jobs", ms=1200, task="lab.report", state="failed")
    counted("deliveries", channel="email", state="sent")
    flush()

    for language in ("ar", "fr", "en"):
        for period in ("hour", "day", "week"):
            answer = page(cast.root.user, language).get(f"/platform/metrics?period={period}&surface=portal&sort=p95")
            text = answer.content.decode()
            assert answer.status_code == 200
            assert all(word in text for word in ("GET /samples", "lab.report", "email · sent", "33.3 %"))
            assert 'hx-trigger="every 60s"' in text
    part = page(cast.root.user).get(
        "/platform/metrics?surface=mobile", headers={"HX-Request": "true", "HX-Request-Type": "partial"}
    )
    assert b"<html" not in part.content
    assert b"GET /samples" not in part.content
    assert page(cast.alice.user).get("/platform/metrics").status_code == 403


def test_figures_are_for_a_token_or_for_the_machine_itself(settings: Any) -> None:
    def status(address: str = "127.0.0.1", **headers: str) -> bool:
        return door._allowed(RequestFactory().get("/metrics", REMOTE_ADDR=address, headers=headers))

    assert status()
    assert status("::1")
    assert not status("10.0.0.7")
    assert not status("")
    assert not status(X_Forwarded_For="1.2.3.4")
    assert not status(Via="1.1 proxy")
    settings.PRODUCTION = True
    assert not status()
    settings.METRICS_TOKEN = "a long token"
    assert status("10.0.0.7", Authorization="Bearer a long token")
    assert not status(Authorization="Bearer a long tokem")
    assert not status()
    settings.PRODUCTION = False
    assert Client().get("/metrics").status_code == 404


def test_what_the_database_does_not_take_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    counted("devices", surface="v1")
    counted("requests", ms=5.0, surface="v1", method="GET", route="x", status="200")
    with monkeypatch.context() as broken:

        def refuse(*args: Any) -> None:
            raise DatabaseError

        broken.setattr(connection, "cursor", refuse)
        with pytest.raises(DatabaseError):
            flush()
        counted("devices", surface="v1")
    assert flush() == 2
    assert Minute.objects.get(kind="devices").count == 2
    with pytest.raises(ValueError, match="counted with"):
        counted("devices", area="v1")
    with pytest.raises(ValueError, match="counted with"):
        counted("jobs", task="x", state="failed")


@pytest.mark.parametrize(
    ("buckets", "share", "ms"),
    [
        ([0] * 17, 0.5, 0.0),
        ([10] + [0] * 16, 0.5, 0.5),
        ([0, 0, 0, 100] + [0] * 13, 0.95, 9.8),
        ([0] * 16 + [4], 0.5, 10000),
    ],
)
def test_percentiles_come_from_buckets(buckets: list[int], share: float, ms: float) -> None:
    assert figures.quantile(buckets, share) == pytest.approx(ms, abs=0.06)


# --- logs ----------------------------------------------------------------------------
@pytest.fixture
def written(settings: Any) -> Iterator[io.StringIO]:
    """All that the program logs while the test runs, as JSON lines."""
    settings.LOG_FORMAT = "json"
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.covers("004-LOG-01", "004-LOG-02", "004-LOG-04", "004-LOG-05", "004-LOG-06", "001-FR-102")
def test_a_line_says_who_and_what_and_no_secret(cast: Cast, written: io.StringIO) -> None:
    said = {"email": "bob@example.test", "password": PASSWORD + "-and-a-long-tail"}
    wrong = Client().post("/api/v1/auth/login", said, content_type="application/json")
    assert wrong.status_code == 401
    right = Client().post("/api/v1/auth/login", said | {"password": PASSWORD}, content_type="application/json")
    handed = right.json()["data"]
    portal = Client().post("/login", {"login": "bob@example.test", "password": PASSWORD})
    bearer = {"Authorization": f"Bearer {handed['accessToken']}", "X-Request-ID": "check-1", "X-Device-ID": "d-9"}
    Client().get("/api/v1/samples?search=my-search-words", headers=bearer)
    Client().get("/s/a-token-of-a-share-link")
    pushed(cast.bob, item("sample", SAMPLE))
    with tenant(cast.a.pk):
        security.raise_event("lbac.violation", severity="high", subject="Bob")
    try:
        raise ValueError(f"token={handed['refreshToken']} in 'Authorization: Bearer {handed['accessToken']}'")
    except ValueError:
        logging.getLogger("tests").exception("password=%s; cookie: sessionid=%s", PASSWORD, "abcdef123456")

    text = written.getvalue()
    lines = [orjson.loads(line) for line in text.splitlines()]
    secrets = (
        PASSWORD,
        handed["accessToken"],
        handed["refreshToken"],
        "abcdef123456",
        "my-search-words",
        "a-token-of-a-share",
    )
    assert not [secret for secret in secrets if secret in text]
    cookies = [cookie.value for cookie in portal.cookies.values() if len(cookie.value) > 8]
    assert cookies
    assert not [value for value in cookies if value in text]
    answered = [line for line in lines if line["logger"] == "marsad.request"]
    asked = next(line for line in answered if line.get("requestId") == "check-1")
    assert asked == asked | {
        "route": "/api/v1/samples", "method": "GET", "surface": "v1", "status": 200, "deviceId": "d-9",
        "userId": str(cast.bob.user.pk), "organizationId": str(cast.a.pk), "level": "INFO",
    }  # fmt: skip
    assert asked["ms"] > 0
    assert next(line for line in answered if line["status"] == 401)["code"] == "INVALID_CREDENTIALS"
    assert wrong["X-Request-ID"] in text
    assert next(line["sync"] for line in answered if "sync" in line) == {"operation": "push", "created": 1}
    event = next(line for line in lines if line["message"].startswith("security event"))
    assert (event["type"], event["severity"]) == ("lbac.violation", "high")
    assert "[blotted]" in next(line for line in lines if "exception" in line)["exception"]


@pytest.mark.covers("004-LOG-03")
def test_a_call_may_note_where_it_came_from(written: io.StringIO) -> None:
    request = RequestFactory().get("/api/mobile/v1/x")
    with logs.during(request):
        logs.note(coordinates=[44.2, 15.35])
        logs.access(request, status=200, ms=1.0, code="")
    logs.note(coordinates=[0, 0])  # outside of a request nothing happens
    line = orjson.loads(written.getvalue())
    assert (line["coordinates"], line["surface"], line["route"]) == ([44.2, 15.35], "mobile", "(none)")


# --- traces ----------------------------------------------------------------------------
@pytest.mark.covers("002-MON-02", "002-INT-05")
def test_traces_of_requests_statements_and_jobs(cast: Cast, settings: Any) -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    class Context:
        class job:  # noqa: N801
            task_name, id = "lab.report", 7

    other = connection.copy()

    def go() -> str:
        with other.cursor() as cursor:
            cursor.execute("SELECT %s", ["a value"])
        return "done"

    assert traces.start() is None
    spans = InMemorySpanExporter()
    middleware = list(settings.MIDDLEWARE)
    end = traces.start(spans)
    assert end is not None
    try:
        answer = cast.bob.get("/samples?search=words", X_Request_ID="trace-1")
        assert answer.status_code == 200
        assert async_to_sync(work.measure)(sync_to_async(go), Context, None) == "done"
    finally:
        end()
        settings.MIDDLEWARE = middleware
        other.close()
    found = {span.name: span for span in spans.get_finished_spans()}
    asked = next(span for name, span in found.items() if "samples" in name)
    assert asked.attributes is not None
    assert asked.attributes["marsad.request_id"] == "trace-1"
    assert asked.attributes["enduser.id"] == str(cast.bob.user.pk)
    assert "words" not in str(asked.attributes)
    statements = [span for span in found.values() if "db.statement" in (span.attributes or {})]
    assert "a value" not in str([span.attributes for span in statements])
    assert any(span.context.trace_id == found["job lab.report"].context.trace_id for span in statements)


def test_the_first_counts_of_eight_threads_make_one_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(counters.KINDS, "tests", counters.Kind("Of the tests", ("n",), timed=True))
    gate = threading.Barrier(8)

    def count() -> None:
        gate.wait()
        counted("tests", ms=1.0, n="x")

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(count) for _turn in range(8)]:
            done.result()

    assert sum(row[0] for (_minute, kind, _labels), row in counters._rows.items() if kind == "tests") == 8
