"""Pages of standards, limits, choice and re-evaluations: who may what, forms, fragments, errors, no query per row."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.jobs.models import Job
from portal.core.tenancy.scope import tenant
from portal.lab import decisions, selectors, standards
from portal.lab.models import Limit, LimitConfirmation, Parameter, Reevaluation, Standard
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_result, a_sample, now, page
from tests.lab.test_rules import LIMIT, OWN, provisional

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def own(cast: Cast) -> tuple[Standard, Limit]:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        made = standards.standard_create(data=OWN, by=cast.alice)
        nitrate = Parameter.objects.get(code="NO3")
        return made, standards.limit_save(standard=made, parameter=nitrate, data=LIMIT, by=cast.alice)


def choice(**changes: Any) -> dict[str, Any]:
    return {
        "order": ["MA", "WHO", "EU", "EPA"], "role-MA": "legal", "role-WHO": "guideline", "role-EU": "information",
        "role-EPA": "information", "decision_rule": "simple_acceptance", "warning_share": "90",
        "censored_members": "zero", "reason": "the decree of May",
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    ("name", "read", "edit", "manage"),
    [("alice", 200, 200, 200), ("mona", 200, 200, 403), ("carol", 200, 403, 403), ("bob", 403, 403, 403)],
)
def test_who_may_open_what(cast: Cast, name: str, read: int, edit: int, manage: int) -> None:
    cast.mona = cast.person("mona", "Manager", cast.a)  # type: ignore[attr-defined]
    made, limit = own(cast)
    client = page(getattr(cast, name))

    for url in ("/standards", "/standards/compare", f"/standards/{made.pk}", f"/limits/{limit.pk}"):
        assert client.get(url).status_code == read, url
    of_standard = [f"/standards/{made.pk}/{part}" for part in ("edit", "edition", "delete", "limits")]
    for url in ("/standards/new", "/standards/re-evaluations", *of_standard, f"/limits/{limit.pk}/edit"):
        assert client.get(url).status_code == edit, url
    assert client.get("/standards/choice").status_code == manage


def test_another_organisation_sees_and_changes_nothing(cast: Cast) -> None:
    made, limit = own(cast)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        from tests.lab.test_rules import proposed

        row = proposed(cast.alice, {})
    client = page(cast.mallory)

    for url in (f"/standards/{made.pk}", f"/limits/{limit.pk}", f"/standards/re-evaluations/{row.pk}"):
        assert client.get(url).status_code == 404
    for url in (
        *(f"/standards/{made.pk}/{part}" for part in ("edit", "edition", "delete", "limits/new")),
        *(f"/limits/{limit.pk}/{part}" for part in ("edit", "delete", "confirm", "withdraw")),
        *(f"/standards/re-evaluations/{row.pk}/{part}" for part in ("confirm", "cancel", "resume", "again")),
    ):
        assert client.post(url, {}).status_code == 404, url
    assert "LAB" not in client.get("/standards").content.decode()
    with tenant(cast.a.pk):
        assert Standard.objects.filter(pk=made.pk).exists()
        assert Reevaluation.objects.get(pk=row.pk).state == Reevaluation.State.READY


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_every_page_in_three_languages(cast: Cast, language: str) -> None:
    made, limit = own(cast)
    client = page(cast.alice, language)

    for url in (
        "/standards", "/standards/compare?matrix=drinking&on=2036-02-01&only=differs", "/standards/choice",
        "/standards/new", "/standards/re-evaluations", f"/standards/{made.pk}", f"/standards/{made.pk}/limits",
        f"/limits/{limit.pk}", f"/limits/{limit.pk}/edit",
    ):  # fmt: skip
        shown = client.get(url)
        assert shown.status_code == 200, url
        assert f'lang="{language}"' in shown.content.decode()


# --- side by side ------------------------------------------------------------------------------
def cells(html: str, code: str) -> str:
    row = html.partition(f">{code}<")[2]
    return row.partition("</tr>")[0]


def test_standards_side_by_side_on_a_day(cast: Cast) -> None:
    client = page(cast.carol)

    today = cells(client.get("/standards/compare?q=lead&standard=EU&standard=WHO").content.decode(), "PB")
    later = client.get("/standards/compare?q=lead&on=2036-01-12", headers=FRAGMENT).content.decode()

    assert "≤ 10 µg/L" in today
    assert "strictest" not in today
    assert "≤ 5 µg/L" in cells(later, "PB")
    assert "strictest" in cells(later, "PB")
    assert "<html" not in later


def test_the_comparison_costs_the_same_for_every_page_size(cast: Cast) -> None:
    client = page(cast.carol)

    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    queries("/standards/compare")

    assert queries("/standards/compare?per_page=100") == queries("/standards/compare?per_page=25")


# --- choice and re-evaluation --------------------------------------------------------------------
def test_a_button_moves_a_standard_without_saving(cast: Cast) -> None:
    shown = page(cast.alice).post("/standards/choice", choice(move="WHO:up", reason=""))

    assert [row["key"] for row in shown.context["rows"]] == ["WHO", "MA", "EU", "EPA"]
    with tenant(cast.a.pk):
        assert decisions.current()["standards"][0]["key"] == "MA"
        assert not Reevaluation.objects.exists()


def test_the_choice_shows_what_would_change_and_asks(cast: Cast) -> None:
    result = a_result(a_sample(cast.alice), cast.alice, "0.4", parameterName="MN", unit="mg/L")
    client = page(cast.alice)

    answer = client.post("/standards/choice", choice(**{"role-MA": "guideline", "role-WHO": "legal"}))
    shown = client.get(answer.url)  # type: ignore[attr-defined]

    assert shown.context["statuses"] == [("warning", "fail", 1)]
    assert "Samples: compliance" in shown.content.decode()
    assert now(result).compliance_status == "warning"
    with tenant(cast.a.pk):
        row = Reevaluation.objects.get()
    assert client.post(f"/standards/re-evaluations/{row.pk}/confirm").status_code == 302
    with tenant(cast.a.pk):
        row.refresh_from_db()
        assert row.state == Reevaluation.State.RUNNING
        assert Job.objects.get().kind == "lab.reevaluation_run"
    live = client.get(f"/standards/re-evaluations/{row.pk}/live").content.decode()
    assert "every 1s" in live
    assert "<html" not in live


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Nothing is different"),
        ({"role-MA": "guideline"}, "has to be the legal one"),
        ({"warning_share": "20"}, "between 50 and 100"),
        ({"warning_share": "x"}, "Enter a number."),
        ({"reason": ""}, "required"),
    ],
)
def test_a_choice_that_makes_no_sense_says_so(cast: Cast, changes: dict[str, str], said: str) -> None:
    answer = page(cast.alice).post("/standards/choice", choice(**changes))

    assert answer.status_code == 422
    assert said in answer.content.decode()
    with tenant(cast.a.pk):
        assert not Reevaluation.objects.exists()


def test_a_re_evaluation_is_left_or_counted_again(cast: Cast) -> None:
    a_result(a_sample(cast.alice), cast.alice, "60")
    client = page(cast.alice)
    first = client.post("/standards/re-evaluations", {"reason": "limits were corrected"}).url  # type: ignore[attr-defined]

    second = client.post(f"{first}/again").url  # type: ignore[attr-defined]
    assert second != first
    assert client.post(f"{second}/cancel").status_code == 302
    assert client.post(f"{second}/confirm", follow=True).status_code == 200

    with tenant(cast.a.pk):
        assert set(Reevaluation.objects.values_list("state", flat=True)) == {"cancelled"}
        assert not Job.objects.exists()


def test_a_failed_run_can_go_on(cast: Cast) -> None:
    a_result(a_sample(cast.alice), cast.alice, "60")
    client = page(cast.alice)
    client.post("/standards/choice", choice(decision_rule="guard_band"))
    with tenant(cast.a.pk):
        row = Reevaluation.objects.get()
    client.post(f"/standards/re-evaluations/{row.pk}/confirm")
    with tenant(cast.a.pk):
        Job.objects.update(status="failed", error="the disk was full")

    shown = client.get(f"/standards/re-evaluations/{row.pk}").content.decode()
    assert "the disk was full" in shown
    assert "/resume" in shown
    client.post(f"/standards/re-evaluations/{row.pk}/resume")

    with tenant(cast.a.pk):
        assert Job.objects.filter(kind="lab.reevaluation_run").count() == 2


# --- standards and limits -----------------------------------------------------------------------------
def limit_form(**changes: Any) -> dict[str, Any]:
    return {"matrix": "drinking", "kind": "maximum", "upper": "٢٥٫٥", "effective_from": "2026-01-01"} | changes


def test_an_own_standard_gets_limits_in_a_grid(cast: Cast) -> None:
    client = page(cast.alice)
    form = {"key": "LAB", "edition": "1", "reference": "LAB 1", "role": "legal", "name_en": "Own limits"}
    grid = client.post("/standards/new", form).url  # type: ignore[attr-defined]
    with tenant(cast.a.pk):
        lead = str(Parameter.objects.get(code="PB").pk)

    added = client.post(f"{grid}/new", limit_form(parameter=lead), headers=FRAGMENT).content.decode()
    twice = client.post(f"{grid}/new", limit_form(parameter=lead), headers=FRAGMENT)
    with tenant(cast.a.pk):
        limit = Limit.objects.get(standard__key="LAB")
    prefix = f"l{limit.pk.hex[-8:]}-"
    wrong = {f"{prefix}{name}": value for name, value in limit_form(upper="", unit="µg/L").items()}
    refused = client.post(f"/limits/{limit.pk}/edit", wrong, headers=FRAGMENT)
    changed = client.post(f"/limits/{limit.pk}/edit", wrong | {f"{prefix}upper": "20"}, headers=FRAGMENT)

    assert "≤ 25.5 µg/L" in added
    assert twice.status_code == 422
    assert "There is a limit for this parameter" in twice.content.decode()
    assert refused.status_code == 422
    assert "≤ 20 µg/L" in changed.content.decode()
    assert "≤ 20 µg/L" in client.get(grid).content.decode()
    client.post(f"/limits/{limit.pk}/delete")
    assert "No limits yet" in client.get(grid).content.decode()


def test_a_provisional_limit_is_confirmed_and_its_history_told(cast: Cast) -> None:
    with tenant(cast.a.pk):
        limit = provisional()
    client = page(cast.alice)

    empty = client.post(f"/limits/{limit.pk}/confirm", {"clause": " "})
    assert empty.status_code == 422
    client.post(f"/limits/{limit.pk}/confirm", {"clause": "Tableau 3"})
    shown = client.get(f"/limits/{limit.pk}").content.decode()
    reader = page(cast.carol).get(f"/limits/{limit.pk}").content.decode()

    assert "Tableau 3" in shown
    assert "Withdraw the confirmation" in shown
    assert "Withdraw the confirmation" not in reader
    assert "alice" in shown.partition('id="history-title"')[2]
    client.post(f"/limits/{limit.pk}/withdraw")
    with tenant(cast.a.pk):
        assert not LimitConfirmation.objects.exists()


def test_a_new_edition_begins_with_a_copy(cast: Cast) -> None:
    with tenant(cast.a.pk):
        who = selectors.standard_list().get(key="WHO")
        count = selectors.limit_list(standard=who.pk).count()
    client = page(cast.alice)
    data = {"edition": "2030", "reference": "WHO GDWQ 2030", "effective_from": "2030-01-01"}

    early = client.post(f"/standards/{who.pk}/edition", data | {"effective_from": "2001-01-01"})
    grid = client.post(f"/standards/{who.pk}/edition", data).url  # type: ignore[attr-defined]

    assert early.status_code == 422
    assert client.get(grid).context["page"].paginator.count == count
    with tenant(cast.a.pk):
        made = Standard.objects.get(edition="2030")
        assert (made.organization_id, made.effective_from) == (cast.a.pk, date(2030, 1, 1))


def test_a_standard_that_verdicts_name_stays(cast: Cast) -> None:
    made, _limit = own(cast)
    a_result(a_sample(cast.alice), cast.alice, "60")
    client = page(cast.alice)

    shown = client.post(f"/standards/{made.pk}/delete", follow=True).content.decode()

    assert "Verdicts refer to this edition" in shown
    with tenant(cast.a.pk):
        assert Limit.objects.get(standard=made).upper == Decimal(10)
