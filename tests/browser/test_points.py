"""The map of sampling points in a real browser: groups, points, the list beside it, the picker of a form."""

import pytest
from playwright.sync_api import Page, expect

from portal.core.tenancy.scope import tenant
from portal.lab.points import services
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast


@pytest.mark.covers("001-FR-010")
def test_points_are_shown_grouped_and_placed(cast: Cast, page: Page) -> None:
    def two_points() -> None:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            for number, latitude in (1, 33.5), (2, 33.9):
                data = {"code": f"P-{number}", "name": f"بئر {number}", "type": "groundwater", "latitude": latitude}
                services.point_create(data=data | {"longitude": -7.6}, by=cast.alice)

    aside(two_points)
    enter_as(page, cast.alice, language="ar")

    page.goto("/points/map")
    expect(page.locator("#map")).to_have_attribute("data-shown", "2")
    page.locator(".leaflet-marker-icon[title*='بئر 1']").press("Enter")
    expect(page.locator(".leaflet-popup-content a")).to_have_text("بئر 1")
    for _click in range(5):
        page.locator(".leaflet-control-zoom-out").click()
        page.wait_for_timeout(350)  # the map moves for a quarter of a second
    expect(page.locator(".map-group")).to_have_text("2")

    page.goto("/points/new")
    page.locator("#map").click(position={"x": 200, "y": 150})
    expect(page.locator("#id_latitude")).not_to_have_value("")
    page.locator("#id_code").fill("P-3")
    page.locator("#id_name").fill("عين")
    page.locator("form button[type=submit].btn-primary").click()
    expect(page.locator("h1")).to_contain_text("عين")
    expect(page.locator(".pin-place")).to_have_count(1)
