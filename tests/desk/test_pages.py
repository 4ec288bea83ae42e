"""Home by role, and the own account."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.accounts.models import Device, User
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_result, a_sample, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def stored(user: User) -> User:
    with platform():
        return User.objects.get(pk=user.pk)


# --- home ------------------------------------------------------------------------------
def test_home_counts_the_laboratory(cast: Cast) -> None:
    failing = a_sample(cast.alice)
    a_result(failing, cast.alice, "60")
    a_result(a_sample(cast.alice), cast.alice, "12")
    a_sample(cast.alice, location="waiting here")

    shown = page(cast.alice).get("/")

    figures = shown.context["lab"]
    assert (figures.failing, figures.conforming, figures.pending, figures.waiting) == (1, 1, 1, 1)
    assert figures.share == 50
    assert [result.sample_id for result in shown.context["exceedances"]] == [failing.pk]
    assert "waiting here" in shown.content.decode()


def test_an_empty_laboratory_teaches_three_steps(cast: Cast) -> None:
    shown = page(cast.alice).get("/").content.decode()

    assert "Register a sample" in shown
    assert 'href="/samples/new"' in shown
    assert 'href="/samples/new"' not in page(cast.carol).get("/").content.decode()


@pytest.mark.parametrize("name", ["alice", "bob", "carol", "mallory", "root", "dina"])
def test_every_role_has_a_home_and_a_menu_that_opens(cast: Cast, name: str) -> None:
    cast.dina = cast.person("dina", "Auditor", cast.a)  # type: ignore[attr-defined]
    a_sample(cast.alice)
    client = page(getattr(cast, name))

    home = client.get("/")

    assert home.status_code == 200
    for section in home.context["menu"]():
        for entry in section.entries:
            assert client.get(entry.url).status_code == 200, entry.url


def test_the_platform_administrator_sees_organisations_with_counts(cast: Cast) -> None:
    a_sample(cast.alice)

    rows = {row["organization"].name: row for row in page(cast.root).get("/").context["organizations"]}

    assert (rows["A"]["samples"], rows["A"]["people"]) == (1, 3)
    assert (rows["B"]["samples"], rows["B"]["people"]) == (0, 1)


def test_home_reloads_as_a_fragment(cast: Cast) -> None:
    a_sample(cast.alice)

    shown = page(cast.carol).get("/", headers=FRAGMENT).content.decode()

    assert '<div id="home"' in shown
    assert "<html" not in shown


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


# --- me ----------------------------------------------------------------------------------
def profile_of(user: User, **changes: Any) -> dict[str, Any]:
    fields = ("name", "phone", "department", "language", "version")
    return {name: getattr(user, name) for name in fields} | changes


def test_the_own_profile_is_changed(cast: Cast) -> None:
    client = page(cast.carol)

    answer = client.post("/me", profile_of(cast.carol, name="Carol Ann", phone="+212 600", language="fr"))

    assert answer.status_code == 302
    assert (stored(cast.carol).name, stored(cast.carol).phone, stored(cast.carol).language) == (
        "Carol Ann",
        "+212 600",
        "fr",
    )
    assert 'lang="fr"' in client.get("/me").content.decode()


def test_a_stale_or_empty_profile_changes_nothing(cast: Cast) -> None:
    client = page(cast.carol)

    stale = client.post("/me", profile_of(cast.carol, name="Other", version=99))
    empty = client.post("/me", profile_of(cast.carol, name=" "))

    assert {stale.status_code, empty.status_code} == {422}
    assert stored(cast.carol).name == "carol"


def test_a_new_password_keeps_this_browser_signed_in(cast: Cast) -> None:
    client, other = page(cast.carol), page(cast.carol)
    form = {"current_password": "a password of the tests", "new_password": "another one 7", "again": "another one 7"}

    wrong = client.post("/me/security", form | {"current_password": "guess"})
    differs = client.post("/me/security", form | {"again": "another one 8"})
    done = client.post("/me/security", form)

    assert "current_password" in wrong.context["form"].errors
    assert "again" in differs.context["form"].errors
    assert done.status_code == 302
    assert stored(cast.carol).check_password("another one 7")
    assert client.get("/me").status_code == 200
    assert other.get("/me").status_code == 302


def test_own_devices_and_no_others(cast: Cast) -> None:
    with tenant(cast.a.pk):
        for user in (cast.carol, cast.alice):
            Device.objects.create(organization=cast.a, user=user, device_id=f"tablet of {user.name}")

    shown = page(cast.carol).get("/me/devices").content.decode()

    assert "tablet of carol" in shown
    assert "tablet of alice" not in shown
    assert page(cast.root).get("/me/devices").status_code == 200


def test_apps_are_signed_out(cast: Cast) -> None:
    epoch = cast.carol.token_epoch

    assert page(cast.carol).post("/me/devices/sign-out").status_code == 302
    assert page(cast.carol).get("/me/devices/sign-out").status_code == 405
    assert stored(cast.carol).token_epoch == epoch + 1
