"""A card moves over the board by mouse and by keyboard, and another page shows it."""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from portal.core.projects import services
from portal.core.tenancy.scope import tenant
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast
from tests.pictures import HERE, photo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.covers("000-RT-01", "000-RT-02")
def test_a_card_is_moved_by_mouse_and_by_keyboard(page: Page, cast: Cast) -> None:
    def make() -> str:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            project, _new = services.project_create(data={"name": "رصد الآبار", "status": "Active"}, by=cast.alice)
            data = {"title": "قياس البئر", "assignedTo": str(cast.bob.pk), "projectId": str(project["id"])}
            services.task_create(data=data, by=cast.alice)
            return str(project["id"])

    project = aside(make)
    enter_as(page, cast.alice, language="ar")
    page.goto("/tasks/board")
    other = page.context.new_page()
    other.goto(f"/projects/{project}")
    expect(other.locator(".tile-value").first).to_have_text("0 / 1")
    column = page.locator(".board-column")

    page.locator(".board-card").drag_to(column.nth(2))
    expect(column.nth(2).locator(".board-card")).to_have_count(1)
    card = page.locator(".board-card")
    card.focus()
    page.keyboard.press("Space")
    expect(card).to_have_class("board-card is-lifted")
    page.keyboard.press("ArrowLeft")  # forward, in a page from right to left
    expect(page.locator("#board-said")).not_to_be_empty()
    page.keyboard.press("Space")
    expect(column.nth(3).locator(".board-card")).to_have_count(1)
    expect(card).to_be_focused()
    expect(other.locator(".tile-value").first).to_have_text("1 / 1")

    # a column that the card cannot go to does not take it
    page.keyboard.press("Space")
    for _step in range(2):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    expect(column.nth(3).locator(".board-card")).to_have_count(1)

    # photographs go to the project in parts, and lie in its gallery
    page.goto(f"/images/new?project={project}")
    pictures: list[FilePayload] = [
        {"name": f"بئر {n}.jpg", "mimeType": "image/jpeg", "buffer": photo(HERE, size=(60 + n, 48)).getvalue()}
        for n in (1, 2)
    ]
    page.set_input_files("#upload-file", pictures)
    expect(page.locator("[data-uploads] [data-state]")).to_have_text(["تم", "تم"])
    page.locator(".drop-controls a").click()
    expect(page.locator(".photo-name").first).to_contain_text("بئر")
    expect(page.locator(".photo")).to_have_count(2)
