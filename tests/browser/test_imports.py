"""A file of a laboratory on its whole way through the browser: upload, columns, check, import, revert."""

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal.core.tenancy.scope import tenant
from portal.lab.imports import services
from portal.lab.imports.models import ImportRun
from portal.lab.models import Result, Sample
from tests.browser.conftest import aside, enter_as
from tests.core.people import Cast

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = (
    "رمز العينة;الموقع;نوع المياه;تاريخ أخذ العينة;القائم بأخذ العينة;النترات (ملغ/ل);الرصاص (µg/L)\r\n"
    "B-1;بئر أحمد;بئر;٢٠/١١/٢٠٢٦ ٠٩:١٥;أمينة;١٢٫٥;غير مكتشف\r\n"
    "B-2;عين الذئاب;ماء الشرب;٢١/١١/٢٠٢٦;عمر;٨٠;<0.5\r\n"
    "B-3;عين الذئاب;نار;٢١/١١/٢٠٢٦;عمر;٨٠;\r\n"
)


def counts(cast: Cast) -> tuple[int, int]:
    with tenant(cast.a.pk):
        return Sample.objects.filter(deleted_at=None).count(), Result.objects.filter(deleted_at=None).count()


@contextmanager
def worker(cast: Cast) -> Iterator[None]:
    """Takes the steps that a worker's job takes, in a thread of its own."""
    ended = threading.Event()

    def step() -> None:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            for run in ImportRun.objects.filter(status__in=["checking", "importing", "reverting"]):
                services.step(run_id=run.pk, reason="wrong file")

    def work() -> None:
        while not ended.wait(0.2):
            aside(step)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_file_on_its_whole_way(page: Page, cast: Cast, tmp_path: Path) -> None:
    file = tmp_path / "نتائج.csv"
    file.write_text(TABLE, encoding="utf-16")
    enter_as(page, cast.alice, language="ar")

    page.goto("/imports/new")
    page.set_input_files("input[type=file]", file)
    page.locator("form[enctype] button[type=submit]").click()
    preview = page.locator("#import-preview")
    expect(preview.locator("tbody tr")).to_have_count(3)
    expect(preview).to_contain_text("١٢٫٥")
    expect(preview.locator(".text-danger, .bg-red-lt")).to_have_count(1)

    page.locator("select[name=column-5]").select_option("")  # the preview follows each choice
    expect(preview).not_to_contain_text("١٢٫٥")
    page.locator("select[name=column-5]").select_option("p:NO3")
    expect(preview).to_contain_text("١٢٫٥")
    page.locator("#mapping .btn-primary").click()
    expect(page.locator("#import-progress")).to_be_visible()
    page.reload()  # the progress survives it
    expect(page.locator("#import-progress")).to_be_visible()

    with worker(cast):
        expect(page.locator(".import-tiles")).to_be_visible()
        assert aside(lambda: counts(cast)) == (0, 0)
        with page.expect_download() as download:
            page.locator("a[href$='errors.csv']").first.click()
        refused = list(csv.reader(Path(download.value.path()).read_text("utf-8-sig").splitlines()))
        assert [row[0] for row in refused[1:]] == ["4"]
        page.locator("form[action$='/import'] button").click()
        expect(page.locator("a[href$='/revert']")).to_be_visible()
        assert aside(lambda: counts(cast)) == (2, 4)

        page.locator("a[href$='/revert']").click()
        page.fill("input[name=reason]", "wrong file")
        page.locator(".card-footer .btn-danger").click()
        expect(page.locator(".import-tiles")).to_be_visible()
    assert aside(lambda: counts(cast)) == (0, 0)
