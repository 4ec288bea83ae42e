"""The grid of a worksheet in a browser: keyboard alone, a block from a spreadsheet, undo, somebody who was quicker."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.lab.models import Result
from portal.lab.worksheets.board import Board
from portal.lab.worksheets.grid import grid_save
from portal.lab.worksheets.models import Worksheet
from portal.lab.worksheets.services import Place
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast
from tests.lab.quality.test_worksheets import a_criterion, a_sample, a_worksheet, acting, cell, items

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def a_run(cast: Cast) -> Worksheet:
    """Two samples, a duplicate of the second, nitrate and lead."""

    def make() -> Worksheet:
        with acting(cast.alice):
            a_criterion(cast.alice)
            first, second = a_sample(cast.alice), a_sample(cast.alice)
            places = [Place("sample", sample=first.pk), Place("sample", sample=second.pk)]
            return a_worksheet(cast.alice, *places, Place("duplicate", sample=second.pk), codes=("NO3", "PB"))

    return aside(make)


def stored(cast: Cast) -> list[str]:
    def read() -> list[str]:
        with acting(cast.alice):
            return sorted(Result.objects.values_list("value_text", flat=True))

    return aside(read)


def somebody_enters(cast: Cast, sheet: Worksheet, value: str) -> None:
    def write() -> None:
        with acting(cast.alice):
            first = items(sheet)[0]
            held = Board(sheet).held(first, sheet.columns.first().parameter_id)  # type: ignore[union-attr]
            grid_save(worksheet=sheet, cells=[cell(first.pk, value, held.version)], by=cast.alice)

    aside(write)


def paste(page: Page, text: str) -> None:
    """What Ctrl+V of a block does."""
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
            document.activeElement.dispatchEvent(event);
        }""",
        text,
    )


def values(page: Page) -> list[Any]:
    return page.locator(".cell-input").evaluate_all("boxes => boxes.map(box => box.value)")


@pytest.mark.covers("001-FR-020", "001-FR-022")
def test_a_worksheet_is_filled_by_keyboard_and_from_a_spreadsheet(page: Page, cast: Cast) -> None:
    sheet = a_run(cast)
    enter_as(page, cast.alice)
    page.goto(f"/worksheets/{sheet.pk}")
    boxes = page.locator(".cell-input")
    note = page.locator("#sheet-status")

    boxes.first.focus()
    page.keyboard.type("70")
    expect(page.locator(".cell").first).to_contain_text("Fail")  # while typing, before anything is saved
    page.keyboard.press("ArrowRight")
    expect(boxes.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(boxes.nth(3)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(boxes.nth(2)).to_be_focused()

    paste(page, "٤٠٫١\t<0,5\r\n41.0\tmany\r\n5\t6\r\n")
    expect(note).to_contain_text("not saved yet: 4.")
    expect(note).to_contain_text("left out: 2.")
    assert values(page) == ["70", "", "٤٠٫١", "<0,5", "41.0", "many"]
    page.keyboard.press("Control+z")
    assert values(page) == ["70", "", "", "", "", ""]
    paste(page, "٤٠٫١\t<0,5\n41.0\tmany")
    expect(page.locator(".cell").nth(4)).to_contain_text("2.22 %")
    page.keyboard.press("Control+s")

    expect(note).to_contain_text("Saved: 4.")
    expect(note).to_contain_text("Refused: 1;")
    expect(boxes.nth(5)).to_be_focused()
    expect(boxes.nth(5)).to_have_attribute("aria-invalid", "true")
    expect(boxes.nth(5)).to_have_accessible_description(re.compile("“many” is not a measured value"))
    assert values(page)[5] == "many"
    assert stored(cast) == ["70", "<0,5", "٤٠٫١"]

    boxes.first.fill("71")
    somebody_enters(cast, sheet, "55")
    page.keyboard.press("Control+s")
    expect(page.locator(".cell").first).to_contain_text("Somebody else has entered 55 here.")
    page.get_by_role("button", name="Keep mine").click()
    page.keyboard.press("Control+s")
    expect(note).to_contain_text("Saved: 1.")
    assert stored(cast) == ["71", "<0,5", "٤٠٫١"]

    somebody_enters(cast, sheet, "56")
    tell(page, sheet)
    expect(boxes.first).to_have_value("56")
    expect(note).to_contain_text("Entered by others just now: 1.")
    boxes.first.fill("57")
    somebody_enters(cast, sheet, "58")
    tell(page, sheet)
    expect(page.locator(".cell").first).to_contain_text("Somebody else has entered 58 here.")
    page.get_by_role("button", name="Take theirs").click()
    expect(boxes.first).to_have_value("58")
    page.keyboard.press("Alt+ArrowDown")
    expect(note).to_contain_text("Now at position 2.")
    expect(boxes.nth(2)).to_be_focused()
    assert values(page)[:4] == ["٤٠٫١", "<0,5", "58", ""]

    boxes.nth(5).fill("")
    enter_as(page, cast.alice, language="ar")
    page.goto(f"/worksheets/{sheet.pk}")
    boxes.first.focus()
    page.keyboard.press("ArrowLeft")  # to the left is the next column
    expect(boxes.nth(1)).to_be_focused()
    expect(boxes.nth(1)).to_have_accessible_name(f"{sample_code(cast, sheet)} – الرصاص")


def tell(page: Page, sheet: Worksheet) -> None:
    """What the socket does when it hears of a change."""
    page.evaluate("id => document.body.dispatchEvent(new CustomEvent(`marsad:worksheet.changed:${id}`))", str(sheet.pk))


def sample_code(cast: Cast, sheet: Worksheet) -> str:
    def read() -> str:
        with acting(cast.alice):
            return str(items(sheet)[0].sample)

    return aside(read)
