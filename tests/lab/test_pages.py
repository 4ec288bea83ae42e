"""The laboratory's portal pages: who may what, filters, forms, fragments, and no query per row."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import openpyxl
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core.accounts.models import User
from portal.core.audit.models import Action, AuditEntry
from portal.core.tenancy.scope import tenant
from portal.lab import services
from portal.lab.models import Parameter, Result, Sample, Standard
from tests.core.people import Cast, session_of

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path  # WhiteNoise warns where the folder is missing


def page(user: User | None, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    if user:
        client.cookies[settings.SESSION_COOKIE_NAME] = session_of(user)
    return client


def a_sample(user: User, **more: Any) -> Sample:
    data = {"type": "drinking_water", "location": "Anfa, tap 4", "collectionDate": "2026-11-20T09:15:30Z"}
    assert user.organization_id
    with tenant(user.organization_id, by=user.actor()):
        row, _created = services.sample_create(data=data | {"collectorName": "Amina"} | more, by=user)
        return Sample.objects.get(pk=row["id"])


def a_result(sample: Sample, user: User, value: str = "12", **more: Any) -> Result:
    data = {"parameterName": "NO3", "value": value, "unit": "mg/L NO3"} | more
    with tenant(sample.organization_id, by=user.actor()):
        row, _created = services.result_create(sample=sample.pk, data=data, by=user)
        return Result.objects.get(pk=row["id"])


def now(record: Any) -> Any:
    """The stored record as it is after the request."""
    with tenant(record.organization_id):
        return type(record).objects.get(pk=record.pk)


def nitrate() -> UUID:
    return Parameter.objects.get(organization=None, code="NO3").pk


# --- who may what ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "list_", "record", "form", "delete"),
    [
        ("alice", 200, 200, 200, 200),
        ("carol", 200, 200, 403, 403),
        ("bob", 403, 403, 403, 403),
        ("mallory", 200, 404, 404, 404),
        ("root", 403, 403, 403, 403),
    ],
)
def test_who_may_open_what(cast: Cast, name: str, list_: int, record: int, form: int, delete: int) -> None:
    sample = a_sample(cast.alice)
    result = a_result(sample, cast.alice)
    client = page(getattr(cast, name))
    url = f"/samples/{sample.pk}"

    assert client.get("/samples").status_code == list_
    assert {client.get(url + part).status_code for part in ("", "/live", "/history")} == {record}
    assert client.get(f"/results/{result.pk}", headers=FRAGMENT).status_code == record
    assert {client.get(url + "/edit").status_code, client.get(url + "/entry").status_code} == {form}
    assert {client.get(f"/results/{result.pk}/{part}").status_code for part in ("edit", "units")} == {form}
    assert {client.get(url + "/delete").status_code, client.get(f"/results/{result.pk}/delete").status_code} == {delete}


def test_a_stranger_changes_nothing(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    result = a_result(sample, cast.alice)
    client = page(cast.mallory)

    for url in (f"/samples/{sample.pk}/delete", f"/samples/{sample.pk}/results", f"/results/{result.pk}/delete"):
        assert client.post(url, {}).status_code == 404
    for url in ("/samples.csv", "/samples.xlsx"):
        assert page(cast.carol).get(url).status_code == 403

    assert now(sample).deleted_at is None
    assert now(result).deleted_at is None


def test_nobody_without_a_session(cast: Cast) -> None:
    answer = page(None).get("/samples")

    assert answer.status_code == 302
    assert answer.url == "/login?next=/samples"  # type: ignore[attr-defined]


# --- list -------------------------------------------------------------------------------
@pytest.mark.covers("001-FR-015", "001-FR-016", "001-FR-010")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=احمد", {"بئر أحمد"}),
        ("date_from=2026-11-20&date_to=2026-11-20", {"Anfa, tap 4"}),
        ("type=groundwater", {"بئر أحمد"}),
        ("location=ANFA", {"Anfa, tap 4"}),
        ("compliance=fail", {"بئر أحمد"}),
        ("standard=MA&verdict=FAIL", {"بئر أحمد"}),
        ("standard=MA&verdict=PASS", set()),
        ("status=received", {"Anfa, tap 4"}),
        ("q=nothing", set()),
        ("type=nonsense", {"Anfa, tap 4", "بئر أحمد"}),
    ],
)
def test_filters(cast: Cast, query: str, found: set[str]) -> None:
    a_sample(cast.alice, status="received")
    well = a_sample(cast.alice, location="بئر أحمد", type="groundwater", collectionDate="2026-11-19T23:59:59Z")
    a_result(well, cast.alice, "60")

    shown = page(cast.carol).get(f"/samples?{query}", headers=FRAGMENT).content.decode()

    assert {place for place in ("Anfa, tap 4", "بئر أحمد") if place in shown.partition("<tbody>")[2]} == found
    assert "<html" not in shown


def test_the_empty_list_teaches_the_next_step(cast: Cast) -> None:
    assert 'href="/samples/new"' in page(cast.alice).get("/samples").content.decode()
    assert "/samples/new" not in page(cast.carol).get("/samples").content.decode()


def test_rows_cost_no_queries(cast: Cast) -> None:
    client = page(cast.carol)
    a_sample(cast.alice)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/samples").status_code == 200
        return len(captured)

    few = queries()
    for _ in range(10):
        a_sample(cast.alice)

    assert queries() == few


def test_what_arrives_is_held_back_and_counted(cast: Cast) -> None:
    a_sample(cast.alice, location="first")
    client = page(cast.carol)
    whole = client.get("/samples").content.decode()
    seen = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    a_sample(cast.alice, location="Maarif")

    reload = client.get("/samples", {"seen": seen}, headers=FRAGMENT).content.decode()

    assert "&amp;seen=" in whole or "?seen=" in whole
    assert "1 new sample has arrived." in reload
    assert "Maarif" not in reload
    assert f"seen={seen.replace(':', '%3A')}" in reload
    assert "Maarif" in client.get("/samples", headers=FRAGMENT).content.decode()


@pytest.mark.parametrize("extension", ["csv", "xlsx"])
def test_exports_hold_exactly_the_filtered_list_and_are_recorded(cast: Cast, extension: str) -> None:
    a_sample(cast.alice, location="=1+1 Anfa", notes="-3.5")
    failing = a_sample(cast.alice, location="Maarif")
    a_result(failing, cast.alice, "60")
    client = page(cast.alice)

    everything = b"".join(client.get(f"/samples.{extension}?sort=location"))  # type: ignore[call-overload]
    some = b"".join(client.get(f"/samples.{extension}?compliance=fail"))  # type: ignore[call-overload]

    if extension == "csv":
        rows = list(csv.DictReader(io.StringIO(everything.decode("utf-8-sig"))))
        assert [row["location"] for row in rows] == ["'=1+1 Anfa", "Maarif"]
        assert rows[1]["complianceStatus"] == "fail"
        assert rows[1]["verdictMA"] == "FAIL"
        assert rows[0]["collectionDate"] == "2026-11-20T09:15:30Z"
        assert [row["code"] for row in csv.DictReader(io.StringIO(some.decode("utf-8-sig")))] == [failing.code]
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(everything)).active
        assert [row[2].value for row in sheet.iter_rows(min_row=2)] == ["=1+1 Anfa", "Maarif"]
        assert sheet["C2"].data_type == "s"
        assert [cell.value for cell in sheet[1]][-1] == "EPA"
        assert openpyxl.load_workbook(io.BytesIO(some)).active.max_row == 2
    with tenant(cast.a.pk):
        kept = AuditEntry.objects.filter(action=Action.EXPORT).order_by("pk")
        assert [entry.changes["filters"] for entry in kept] == [{}, {"compliance": "fail"}]


# --- sample ------------------------------------------------------------------------------
@pytest.mark.covers("001-FR-012")
def test_a_sample_is_registered(cast: Cast) -> None:
    form = {"type": "groundwater", "location": "بئر", "collection_date": "2026-11-20T09:15", "collector_name": "Amina"}
    form |= {"status": "registered", "latitude": "٣٣٫٥٩", "longitude": "-7,62"}

    answer = page(cast.alice).post("/samples/new", form)

    with tenant(cast.a.pk):
        sample = Sample.objects.get()
    assert answer.url == f"/samples/{sample.pk}#result-entry"  # type: ignore[attr-defined]
    assert (sample.latitude, sample.longitude) == (33.59, -7.62)
    assert sample.code == "S-2026-000001"


def test_errors_stand_at_their_fields(cast: Cast) -> None:
    taken = a_sample(cast.alice)
    form = {"type": "groundwater", "location": "", "collection_date": "2026-11-20T09:15", "collector_name": "Amina"}

    empty = page(cast.alice).post("/samples/new", form)
    double = page(cast.alice).post("/samples/new", form | {"location": "x", "status": "registered", "code": taken.code})
    half = page(cast.alice).post("/samples/new", form | {"location": "x", "status": "registered", "latitude": "1"})

    assert {empty.status_code, double.status_code, half.status_code} == {422}
    assert "location" in empty.context["form"].errors
    assert double.context["form"].errors == {"code": ["Another sample has this code."]}
    assert half.context["form"].errors == {"latitude": ["Latitude and longitude belong together."]}
    with tenant(cast.a.pk):
        assert Sample.objects.count() == 1


@pytest.mark.covers("001-FR-013")
def test_an_edit_writes_only_what_was_changed(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    client = page(cast.alice)
    initial = client.get(f"/samples/{sample.pk}/edit").context["form"]
    form = {name: initial[name].value() or "" for name in initial.fields}
    form |= {"collection_date": "2026-11-20T09:15", "location": "Maarif"}

    answer = client.post(f"/samples/{sample.pk}/edit", form)

    assert answer.status_code == 302
    assert now(sample).location == "Maarif"
    assert now(sample).collection_date == sample.collection_date  # with its seconds


@pytest.mark.covers("001-FR-031")
def test_a_change_in_the_meantime_is_shown_and_not_overwritten(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    client = page(cast.alice)
    form = {"type": sample.type, "location": "mine", "collection_date": "2026-11-20T09:15", "collector_name": "Amina"}
    form |= {"status": sample.status, "version": sample.version, "code": sample.code}
    with tenant(cast.a.pk, by=cast.alice.actor()):
        services.sample_update(id=sample.pk, data={"location": "theirs"}, by=cast.alice)

    refused = client.post(f"/samples/{sample.pk}/edit", form)
    kept = now(sample)
    again = client.post(f"/samples/{sample.pk}/edit", form | {"version": refused.context["form"]["version"].value()})

    assert refused.status_code == 422
    assert [(c.label, c.theirs, c.yours) for c in refused.context["clashes"]] == [("Location", "theirs", "mine")]
    assert kept.location == "theirs"
    assert again.status_code == 302
    assert now(sample).location == "mine"


@pytest.mark.covers("001-FR-014")
def test_a_deletion_says_what_goes_with_it_and_keeps_the_reason(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    a_result(sample, cast.alice)
    client = page(cast.alice)

    asked = client.get(f"/samples/{sample.pk}/delete").content.decode()
    answer = client.post(f"/samples/{sample.pk}/delete", {"reason": "entered twice"})

    assert "result goes with it" in asked
    assert answer.url == "/samples"  # type: ignore[attr-defined]
    assert client.get(f"/samples/{sample.pk}").status_code == 404
    with tenant(cast.a.pk):
        gone = AuditEntry.objects.filter(action=Action.DELETE)
        assert {(entry.entity, entry.reason) for entry in gone} == {
            ("sample", "entered twice"),
            ("result", "entered twice"),
        }


# --- results -----------------------------------------------------------------------------
@pytest.mark.covers("001-FR-021", "001-FR-025", "001-FR-017")
@pytest.mark.parametrize(
    ("value", "unit", "verdict"), [("٦٠", "mg/L NO3", "fail"), ("<0.5", "mg/L", "pass"), ("12,5", "mg/L N", "fail")]
)
def test_an_entered_result_comes_back_judged(cast: Cast, value: str, unit: str, verdict: str) -> None:
    sample = a_sample(cast.alice)
    form = {"parameter_id": nitrate(), "value": value, "unit": unit}

    answer = page(cast.alice).post(f"/samples/{sample.pk}/results", form, headers=FRAGMENT)

    shown = answer.content.decode()
    with tenant(cast.a.pk):
        result = Result.objects.get()
    assert answer.status_code == 200
    assert result.value_text == value
    assert result.compliance_status == now(sample).compliance_status == verdict
    assert f'id="result-{result.pk}"' in shown
    assert 'id="sample-head"' in shown
    assert 'hx-swap-oob="outerMorph"' in shown


@pytest.mark.covers("001-FR-024")
@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"value": "1.234,5"}, "value"),
        ({"value": "-1"}, "value"),
        ({"unit": "NTU"}, "unit"),
        ({"uncertainty": "much"}, "uncertainty"),
        ({"parameter_id": str(uuid4())}, "parameter_id"),
        ({"qualifier": "<", "value": ">5"}, "qualifier"),
    ],
)
def test_a_wrong_result_is_refused_at_its_field(cast: Cast, form: dict[str, str], field: str) -> None:
    sample = a_sample(cast.alice)
    sent = {"parameter_id": nitrate(), "value": "12", "unit": "mg/L NO3"} | form

    answer = page(cast.alice).post(f"/samples/{sample.pk}/results", sent, headers=FRAGMENT)

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    with tenant(cast.a.pk):
        assert not Result.objects.exists()


def test_the_units_are_those_of_the_parameter(cast: Cast) -> None:
    sample = a_sample(cast.alice)

    answer = page(cast.alice).get(
        f"/samples/{sample.pk}/entry", {"parameter_id": nitrate(), "value": "7"}, headers=FRAGMENT
    )

    form = answer.context["form"]
    assert [unit for unit, _label in form.fields["unit"].choices][:2] == ["mg/L NO3", "mg/L"]
    assert "NTU" not in dict(form.fields["unit"].choices)
    assert form["value"].value() == "7"


@pytest.mark.covers("001-FR-022", "001-FR-031")
def test_a_result_is_changed_and_a_clash_is_shown(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    result = a_result(sample, cast.alice)
    client = page(cast.alice)
    form = client.get(f"/results/{result.pk}/edit", headers=FRAGMENT).context["edit_form"]
    sent = {form.add_prefix(name): form[name].value() or "" for name in form.fields} | {form.add_prefix("value"): "60"}

    done = client.post(f"/results/{result.pk}/edit", sent | {form.add_prefix("reason"): "misread"}, headers=FRAGMENT)
    clash = client.post(f"/results/{result.pk}/edit", sent | {form.add_prefix("value"): "70"}, headers=FRAGMENT)

    assert done.status_code == 200
    assert clash.status_code == 422
    assert [(c.theirs, c.yours) for c in clash.context["clashes"]] == [("60", "70")]
    assert now(result).value_text == "60"
    with tenant(cast.a.pk):
        assert AuditEntry.objects.get(entity="result", action=Action.UPDATE).reason == "misread"


@pytest.mark.covers("001-FR-023")
def test_a_repeated_analysis_takes_the_place_of_the_first(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    first = a_result(sample, cast.alice, "60")
    client = page(cast.alice)
    form = client.get(f"/samples/{sample.pk}/entry", {"replaces": first.pk}, headers=FRAGMENT).context["form"]
    sent = {name: form[name].value() or "" for name in ("parameter_id", "unit", "replaces_id")} | {"value": "12"}

    entered = client.post(f"/samples/{sample.pk}/results", sent, headers=FRAGMENT).content.decode()
    passing = now(sample).compliance_status
    with tenant(cast.a.pk):
        second = Result.objects.get(replaces=first)
    client.post(f"/results/{second.pk}/delete", {"reason": "wrong bottle"}, headers=FRAGMENT)

    assert f'hx-target="#result-{first.pk}"' in entered
    assert "Replaced" in entered
    assert passing == "pass"
    assert now(sample).compliance_status == "fail"


def test_forms_work_without_scripts(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    result = a_result(sample, cast.alice)
    client = page(cast.alice)

    whole = client.get(f"/results/{result.pk}/edit")
    entered = client.post(f"/samples/{sample.pk}/results", {"parameter_id": nitrate(), "value": "1", "unit": "mg/L"})
    refused = client.post(f"/samples/{sample.pk}/results", {"parameter_id": nitrate(), "value": "x", "unit": "mg/L"})

    assert "<html" in whole.content.decode()
    assert f'action="/results/{result.pk}/edit"' in whole.content.decode()
    assert entered.url == f"/samples/{sample.pk}#results"  # type: ignore[attr-defined]
    assert refused.status_code == 422
    assert "<html" in refused.content.decode()


def test_a_verdict_explains_itself(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    a_result(sample, cast.alice, "55.33", unit="mg/L NO3")

    shown = page(cast.carol).get(f"/samples/{sample.pk}").content.decode()

    for text in (
        "≤ 50 mg/L NO3",
        "55.33 mg/L NO3",
        "The value is above the limit.",
        "simple acceptance",
        "2020",
        "Legal",
    ):
        assert text in shown


def test_an_open_page_asks_only_for_what_is_new(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    client = page(cast.carol)
    stamp = client.get(f"/samples/{sample.pk}").context["stamp"]

    same = client.get(f"/samples/{sample.pk}/live", {"stamp": stamp}, headers=FRAGMENT)
    a_result(sample, cast.alice, "60")
    newer = client.get(f"/samples/{sample.pk}/live", {"stamp": stamp}, headers=FRAGMENT)

    assert same.status_code == 204
    assert "60" in newer.content.decode()
    assert "<form" not in newer.content.decode()


def test_results_cost_no_queries_each(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    client = page(cast.alice)
    a_result(sample, cast.alice)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    paths = [f"/samples/{sample.pk}", f"/samples/{sample.pk}/history"]
    few = [queries(path) for path in [*paths, *paths]][2:]  # the first round fills what a process looks up once
    for _ in range(8):
        a_result(sample, cast.alice)

    assert [queries(path) for path in paths] == few


@pytest.mark.covers("001-FR-080", "001-FR-081")
def test_the_history_shows_old_and_new_values(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    result = a_result(sample, cast.alice)
    with tenant(cast.a.pk, by=cast.alice.actor(via="portal")):
        services.result_update(id=result.pk, data={"value": "13", "reason": "misread"}, by=cast.alice)
        services.sample_update(id=sample.pk, data={"status": "received"}, by=cast.alice)

    shown = page(cast.carol).get(f"/samples/{sample.pk}/history").content.decode()

    for text in ("misread", "<ins>", "Received", "Registered", "alice", "Nitrate"):
        assert text in shown


# --- parameters and standards ----------------------------------------------------------------
@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_parameters_and_standards_are_shown(cast: Cast, language: str) -> None:
    client = page(cast.carol, language)
    standard = Standard.objects.get(organization=None, key="MA")

    found = client.get("/parameters", {"q": "نترات"}, headers=FRAGMENT).content.decode()
    detail = client.get(f"/parameters/{nitrate()}").content.decode()
    limits = client.get(f"/standards/{standard.pk}", {"q": "nitrate"}).content.decode()

    assert "NO3" in found
    assert "TURB" not in found
    assert "≤ 50 mg/L NO3" in detail
    assert "≤ 50 mg/L NO3" in limits
    assert "NM 03.7.001" in client.get("/standards").content.decode()
    assert page(cast.bob).get("/parameters").status_code == 403


def test_parameters_cost_no_queries_each(cast: Cast) -> None:
    client = page(cast.carol)

    def queries(size: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/parameters?per_page={size}")
        return len(captured)

    assert queries(25) == queries(100)
