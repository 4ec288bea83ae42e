"""Home by role, and the own account."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.common import clock
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_result, a_sample, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


# --- home ------------------------------------------------------------------------------
def test_home_counts_the_laboratory(cast: Cast) -> None:
    today = {"collectionDate": clock.wire(clock.now())}
    failing = a_sample(cast.alice, **today)
    a_result(failing, cast.alice, "60")
    a_result(a_sample(cast.alice, **today), cast.alice, "12")
    a_sample(cast.alice, location="waiting here", **today)

    shown = page(cast.alice).get("/")

    figures = shown.context["lab"]
    assert (figures.failing, figures.conforming, figures.pending, figures.waiting) == (1, 1, 1, 1)
    assert figures.share == 50
    assert [result.sample_id for result in shown.context["exceedances"]] == [failing.pk]
    assert "waiting here" in shown.content.decode()


def test_home_stops_counting_what_is_many(cast: Cast, monkeypatch: Any) -> None:
    for _number in range(3):
        a_sample(cast.alice)
    monkeypatch.setattr("portal.desk.selectors.MOST", 1)

    shown = page(cast.alice).get("/")

    assert (shown.context["lab"].waiting, shown.context["waiting"][0].said) == (2, "1+")
    assert shown.content.decode().count('dir="ltr">1+<') == 4  # laboratory, what waits, entries and changes of the log


def test_an_empty_laboratory_teaches_three_steps(cast: Cast) -> None:
    shown = page(cast.alice).get("/").content.decode()

    assert "Register a sample" in shown
    assert 'href="/samples/new"' in shown
    assert 'href="/samples/new"' not in page(cast.carol).get("/").content.decode()


@pytest.mark.covers("003-TST-02")
@pytest.mark.parametrize("name", ["alice", "bob", "carol", "mallory", "root", "dina"])
def test_every_role_has_a_home_and_a_menu_that_opens(cast: Cast, name: str) -> None:
    cast.dina = cast.person("dina", "Auditor", cast.a)  # type: ignore[attr-defined]
    a_sample(cast.alice)
    client = page(getattr(cast, name))

    home = client.get("/")

    assert home.status_code == 200
    for section in home.context["menu"]():
        for entry in section.entries:
            assert client.get(entry.url, follow=True).status_code == 200, entry.url


def test_the_platform_administrator_sees_organisations_with_counts(cast: Cast) -> None:
    a_sample(cast.alice)

    rows = {row["organization"].name: row for row in page(cast.root).get("/").context["organizations"]}

    assert (rows["A"]["samples"], rows["A"]["people"]) == (1, 3)
    assert (rows["B"]["samples"], rows["B"]["people"]) == (0, 1)


def test_a_block_of_home_renews_itself(cast: Cast) -> None:
    a_sample(cast.alice)

    shown = page(cast.carol).get("/?block=lab", headers=FRAGMENT).content.decode()

    assert '<section class="home-block home-wide" id="home-lab"' in shown
    assert "<html" not in shown
    assert page(cast.carol).get("/?block=audit").status_code == 404


def test_home_costs_the_same_however_much_there_is(cast: Cast) -> None:
    client = page(cast.alice)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/").status_code == 200
        return len(captured)

    a_result(a_sample(cast.alice), cast.alice, "60")
    queries()  # what a process looks up once
    few = queries()
    for _ in range(4):
        a_result(a_sample(cast.alice), cast.alice, "60")

    assert queries() <= few  # fewer where the latest entries refer to fewer kinds of record
