"""Pages of views and dashboards: who opens what, what they say, and that a change shows."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.conf import settings as django_settings
from django.test import Client

from portal.collect.charts import demo
from portal.collect.charts.models import View
from portal.collect.dashboards import pdf, selectors
from portal.collect.dashboards.models import Dashboard, DashboardWidget
from portal.collect.forms import demo as forms_demo
from portal.collect.forms.models import Form
from portal.core.projects import services as projects
from portal.core.tenancy.scope import tenant
from tests.collect.by_hand import Row
from tests.collect.test_charts import a_form, submit
from tests.core.people import Cast, session_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def form(cast: Cast) -> Form:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        project, _new = projects.project_create(data={"name": "P", "status": "Active"}, by=cast.alice)
        made = a_form(project["id"], cast)
        moment = datetime(2026, 2, 14, 9, tzinfo=UTC)
        submit(
            made, [Row({"behaviour": "رعي", "herd_size": 7}, moment, str(cast.bob.pk), "received") for _n in range(3)]
        )
    return made


def browser(user: Any) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.cookies[django_settings.SESSION_COOKIE_NAME] = session_of(user)
    return client


@pytest.mark.covers("003-ANA-07", "C51", "C53")
def test_a_view_is_built_shown_and_put_on_a_dashboard(cast: Cast, form: Form) -> None:
    alice, carol = browser(cast.alice), browser(cast.carol)
    said = {"name": "Herds", "form": str(form.pk), "chart_type": "pie", "aggregation": "count", "group_by": ""}
    page = alice.get(f"/views/builder?form={form.pk}").content.decode()
    assert ("Behaviour" in page, "Depth" in page) == (True, False)  # a field inside a repeat is not offered
    wrong = alice.post("/views/builder", said)
    assert (wrong.status_code, "Say what to group by" in wrong.content.decode()) == (422, True)
    preview = alice.post("/views/builder/preview", {**said, "group_by": "behaviour", "name": ""}).content.decode()
    assert ("رعي" in preview, "<html" in preview) == (True, False)
    lines = {"filter_0_field": "herd_size", "filter_0_op": "gte", "filter_0_value": "٩"}
    assert (
        "No submission has an answer"
        in alice.post("/views/builder/preview", {**said, "group_by": "behaviour", **lines}).content.decode()
    )
    lines["filter_0_value"] = "many"
    refused = alice.post("/views/builder/preview", {**said, "group_by": "behaviour", **lines}).content.decode()
    assert "This is no value of “herd_size”" in refused
    made = alice.post("/views/builder", {**said, "group_by": "behaviour"})
    address = made["Location"]
    view = address.rpartition("/")[2]

    for path in ("/views", address, f"/projects/{form.project_id}/views"):
        for reader in (alice, carol):
            answer = reader.get(path)
            assert (answer.status_code, "Herds" in answer.content.decode()) == (200, True), path
        assert browser(cast.bob).get(path).status_code == 403
        assert browser(cast.mallory).get(path).status_code in ((200,) if path == "/views" else (404,))
    assert "3" in carol.get(f"{address}?part=figures").content.decode()
    assert carol.get(f"{address}.csv").status_code == 403
    assert b"".join(alice.get(f"{address}.csv").streaming_content).decode("utf-8-sig").splitlines() == [  # type: ignore[attr-defined]
        "Behaviour,Number of submissions", "رعي,3",
    ]  # fmt: skip
    edited = {**said, "name": "Sizes", "chart_type": "number", "aggregation": "sum", "field": "herd_size", "version": 1}
    assert alice.post(f"{address}/edit", edited)["Location"] == address
    assert ">21<" in carol.get(address).content.decode()

    board = alice.post("/dashboards/new", {"name": "Board", "theme": "dark", "refresh": "300"})["Location"]
    assert alice.post(f"{board}/widgets/new", {"view": view}).status_code == 302
    shown = carol.get(board).content.decode()
    assert all(part in shown for part in ("Sizes", 'data-bs-theme="dark"', "every 300s", ">21<"))
    with tenant(cast.a.pk):
        widget = DashboardWidget.objects.get()
        assert orjson.loads(Dashboard.objects.get().metadata or "") == {"theme": "dark", "refreshInterval": 300}
    layout = {str(widget.pk): {"x": 6, "y": 2, "w": 6, "h": 3}}
    moved = alice.post(f"{board}/layout", {"layout": orjson.dumps(layout).decode()})
    assert moved.json() == layout
    for bad in ("[", orjson.dumps({str(widget.pk): {"x": 11, "w": 6}}).decode()):
        assert alice.post(f"{board}/layout", {"layout": bad}).status_code == 400
    assert alice.post(f"{board}/widgets/{widget.pk}", {"view": view, "x": 0, "y": 0, "w": 3, "h": 2}).status_code == 302
    assert alice.post(f"{board}/pdf").status_code == 302
    assert carol.post(f"{board}/pdf").status_code == 403
    for path in (
        f"{board}/delete",
        f"{board}/edit",
        f"{board}/widgets/{widget.pk}",
        f"{address}/delete",
        "/dashboards",
    ):
        assert alice.get(path).status_code == 200, path
    assert alice.post(f"{board}/widgets/{widget.pk}/remove").status_code == 302
    assert alice.post(f"{board}/delete").status_code == alice.post(f"{address}/delete").status_code == 302
    with tenant(cast.a.pk):
        assert not View.objects.filter(deleted_at=None).exists()
        assert not DashboardWidget.objects.exists()


@pytest.mark.covers("003-ANA-02")
def test_the_demo_fills_every_kind_and_prints(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        projects.project_create(data={"name": "P", "status": "Active"}, by=cast.alice)
        forms_demo.WELLS, forms_demo.HOUSEHOLDS, kept = 12, 8, (forms_demo.WELLS, forms_demo.HOUSEHOLDS)  # type: ignore[misc]
        try:
            forms_demo.fill()
        finally:
            forms_demo.WELLS, forms_demo.HOUSEHOLDS = kept  # type: ignore[misc]
        demo.fill()
        kinds = list(View.objects.values_list("chart_type", flat=True))
        assert {kind: kinds.count(kind) for kind in set(kinds)} == dict.fromkeys(
            ("number", "pie", "donut", "line", "bar", "stackedBar"), 3
        )
        for board in Dashboard.objects.all():
            data = selectors.dashboard_data(widgets=selectors.widget_list(dashboard=board), user=cast.alice)
            assert [one["error"] for one in data] == [None] * len(data)
        content = pdf.render(board, user=cast.alice, language="ar")
    assert content.startswith(b"%PDF-")
