"""A dashboard is arranged by keyboard and by mouse, and moves when a submission arrives."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from portal.collect.charts import services as charts
from portal.collect.dashboards import services as dashboards
from portal.collect.dashboards.models import DashboardWidget
from portal.collect.forms.models import Form
from portal.core.notifications.events import publish
from portal.core.projects import services as projects
from portal.core.tenancy.scope import tenant
from tests.browser.conftest import aside, enter_as
from tests.collect.by_hand import Row
from tests.collect.test_charts import a_form, submit
from tests.core.people import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.covers("C51", "003-ANA-07", "003-TST-02")
def test_a_dashboard_is_arranged_and_moves_with_the_data(page: Page, cast: Cast) -> None:
    def row(behaviour: str) -> Row:
        return Row({"behaviour": behaviour}, datetime(2026, 2, 14, 9, tzinfo=UTC), None, "received")

    def make() -> tuple[UUID, UUID]:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            project, _new = projects.project_create(data={"name": "P", "status": "Active"}, by=cast.alice)
            form = a_form(project["id"], cast)
            submit(form, [row("رعي")])
            widgets = []
            for kind, config, x in (("number", {}, 0), ("bar", {"groupBy": "behaviour"}, 6)):
                data = {"projectId": str(project["id"]), "name": kind, "chartType": kind}
                view = charts.view_create(data=data | {"config": {"formId": str(form.pk), **config}}, by=cast.alice)
                widgets.append({"viewId": str(view.pk), "position": {"x": x, "y": 0, "w": 4, "h": 3}})
            board = dashboards.dashboard_create(data={"name": "لوحة", "widgets": widgets}, by=cast.alice)
            return board.pk, form.pk

    def arrive() -> None:
        with tenant(cast.a.pk):
            form = Form.objects.get(pk=form_id)
            submit(form, [row("راحة")])
            publish("submission.created", entity="submission", id=form.pk, project=form.project_id)

    def places() -> list[tuple[int, int, int, int]]:
        with tenant(cast.a.pk):
            return list(DashboardWidget.objects.order_by("x").values_list("x", "y", "w", "h"))

    board, form_id = aside(make)
    enter_as(page, cast.alice, language="ar")
    page.goto(f"/dashboards/{board}")
    number = page.locator(".chart-number bdi")
    expect(number).to_have_text("1")
    expect(page.locator("canvas[data-drawn-text]")).to_have_count(1)
    with page.expect_response(lambda answer: "part=figures" in answer.url):
        aside(arrive)
    expect(number).to_have_text("2")
    expect(page.locator("#figures tbody tr")).to_have_count(2)

    page.get_by_role("button", name="ترتيب").or_(page.locator("[data-layout-edit]")).first.click()
    handle = page.locator("[data-handle]").first
    handle.focus()
    with page.expect_response(lambda answer: answer.url.endswith("/layout")):
        page.keyboard.press("ArrowLeft")  # forward, in a page from right to left
        page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("[data-layout-said]")).not_to_be_empty()
    assert aside(places) == [(1, 0, 4, 4), (6, 0, 4, 3)]
    second = page.locator("[data-widget]").nth(1)
    second.scroll_into_view_if_needed()
    box = second.bounding_box()
    assert box is not None
    across, down = box["x"] + box["width"] / 2, box["y"] + 10
    with page.expect_response(lambda answer: answer.url.endswith("/layout")):
        page.mouse.move(across, down)
        page.mouse.down()
        page.mouse.move(across, down + 3 * 88, steps=4)
        page.mouse.up()
    assert aside(places) == [(1, 0, 4, 4), (6, 3, 4, 3)]
