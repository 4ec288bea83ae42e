"""Compliance reports over the API (specification 001, FR-050 to FR-053)."""

import csv
import io
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from portal.core.audit.models import Action
from portal.core.tenancy.scope import platform
from portal.lab.models import ComplianceReport
from portal.lab.reports import services
from tests.api.conftest import Cast, Person
from tests.api.test_lab import UNKNOWN, refusal, result, sample

pytestmark = pytest.mark.django_db
URL = "/reports/compliance"


@pytest.fixture
def samples(cast: Cast) -> list[dict[str, Any]]:
    failing = sample(cast.bob)
    result(cast.bob, failing)
    passing = sample(cast.bob, location="Maârif", type="groundwater", collectionDate="2026-10-05T08:00:00Z")
    result(cast.bob, passing, value="1.50")
    sample(cast.bob, location="Maârif")
    return [failing, passing]


def issue(person: Person, **body: Any) -> dict[str, Any]:
    response = person.post(URL, body)
    assert response.status_code == 200, response.content
    return dict(response.json()["data"])


@pytest.mark.covers("E001-018", "001-FR-050", "001-FR-052")
def test_report_freezes_the_figures(cast: Cast, samples: list[dict[str, Any]]) -> None:
    report = issue(cast.alice, language="fr", title="Novembre", dateFrom="2026-10-01", dateTo="2026-11-30")

    assert (report["title"], report["language"]) == ("Novembre", "fr")
    assert report["number"].startswith("CR-")
    assert report["filters"] == {"dateFrom": "2026-10-01", "dateTo": "2026-11-30"}
    assert report["summary"] == {
        "samples": 3, "results": 2, "pass": 1, "warning": 0, "fail": 1, "pending": 1, "percentConforming": 50.0,
    }  # fmt: skip
    (first, *_rest) = report["exceedances"]
    assert (first["sampleId"], first["valueText"], first["standard"], first["limit"]) == (
        samples[0]["id"],
        "12.00",
        "MA",
        50,
    )
    cast.alice.delete(f"/samples/{samples[0]['id']}")
    again = cast.carol.get(f"{URL}/{report['id']}").json()["data"]
    assert again == report
    assert [row["worst"] and row["worst"]["verdict"] for row in again["sites"]] == ["FAIL", None]


@pytest.mark.covers("001-FR-051", "E001-018")
def test_report_filters(cast: Cast, samples: list[dict[str, Any]]) -> None:
    for body, count in (
        ({}, 3),
        ({"dateFrom": "2026-11-01"}, 2),
        ({"dateTo": "2026-10-05T08:00:00Z"}, 1),
        ({"type": "groundwater"}, 1),
        ({"location": "MAARIF"}, 2),
        ({"location": "Amina"}, 0),
        ({"complianceStatus": "fail"}, 1),
        ({"complianceStatus": ["pass", "pending"]}, 2),
        ({"standards": ["WHO"]}, 3),
    ):
        assert issue(cast.alice, **body)["summary"]["samples"] == count, body
    assert {row["standard"] for row in issue(cast.alice, standards=["WHO"])["standards"]} == {"WHO"}


@pytest.mark.covers("001-EDGE-03")
def test_bad_filters_are_named_and_issue_nothing(cast: Cast) -> None:
    for body, field in (
        ({"dateFrom": "x"}, "dateFrom"),
        ({"dateFrom": "2026-12-01", "dateTo": "2026-11-01"}, "dateTo"),
        ({"type": "lemonade"}, "type"),
        ({"type": ["groundwater"]}, "type"),
        ({"complianceStatus": "bad"}, "complianceStatus"),
        ({"complianceStatus": {"a": 1}}, "complianceStatus"),
        ({"standards": ["XX"]}, "standards"),
        ({"standards": 7}, "standards"),
        ({"language": "de"}, "language"),
        ({"language": []}, "language"),
        ({"title": "x" * 201}, "title"),
        ({"title": 7}, "title"),
        ({"location": "x" * 301}, "location"),
        ({"location": "a\0"}, "location"),
    ):
        assert refusal(cast.alice.post(URL, body)) == (400, "VALIDATION_ERROR", field), body
    assert refusal(cast.alice.post(f"{URL}?format=docx", {})) == (400, "VALIDATION_ERROR", "format")
    assert refusal(cast.alice.call("post", URL, "["))[:2] == (400, "VALIDATION_ERROR")
    assert refusal(cast.alice.post(URL, {"title": "x" * 2_000_000}))[:2] == (413, "PAYLOAD_TOO_LARGE")
    with platform():
        assert ComplianceReport.objects.count() == 0


@pytest.mark.covers("E001-018", "C66")
def test_idempotency_key_issues_one_report(cast: Cast) -> None:
    first, again = (cast.alice.post(URL, {"language": "ar"}, Idempotency_Key="k") for _ in range(2))

    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert refusal(cast.alice.post(URL, {"language": "fr"}, Idempotency_Key="k"))[:2] == (409, "IDEMPOTENCY_CONFLICT")
    assert cast.alice.get(URL).json()["meta"]["total"] == 1


@pytest.mark.covers("C10", "001-FR-062")
def test_rights_and_tenants(cast: Cast, nobody: Person) -> None:
    report = issue(cast.alice)

    for suffix in ("", "/csv", "/xlsx", "/pdf"):
        path = f"{URL}/{report['id']}{suffix}"
        assert nobody.get(path).status_code == 401
        assert refusal(cast.mallory.get(path))[:2] == (404, "RESOURCE_NOT_FOUND")
        assert refusal(cast.alice.get(f"{URL}/{UNKNOWN}{suffix}"))[:2] == (404, "RESOURCE_NOT_FOUND")
        if suffix:
            assert refusal(cast.bob.get(path))[:2] == (403, "PERMISSION_DENIED")
    for person in (cast.bob, cast.carol):
        assert refusal(person.post(URL, {}))[:2] == (403, "PERMISSION_DENIED")
    assert cast.mallory.get(URL).json()["data"] == []


@pytest.mark.covers("001-FR-053", "C85")
def test_report_as_pdf_csv_and_xlsx(cast: Cast, samples: list[dict[str, Any]], trail: Any) -> None:
    report = issue(cast.alice, language="fr")
    path = f"{URL}/{report['id']}"

    pdf = cast.carol.get(f"{path}/pdf")
    arabic = cast.carol.get(f"{path}/pdf", Accept_Language="ar")
    english = cast.carol.get(f"{path}/pdf?language=en", Accept_Language="ar")
    table = cast.carol.get(f"{path}/csv")
    book = cast.carol.get(f"{path}/xlsx?language=en")

    for answer, language in ((pdf, "fr"), (arabic, "ar"), (english, "en")):
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert answer["Content-Disposition"] == f'attachment; filename="{report["number"]}-{language}.pdf"'
        assert answer.content.startswith(b"%PDF-")
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert (table["Content-Type"], rows[0]["valueText"], rows[0]["standard"]) == (
        "text/csv; charset=utf-8",
        "12.00",
        "MA",
    )
    assert rows[0]["parameterName"] == "Nitrates (en NO3)"
    assert load_workbook(io.BytesIO(book.content)).sheetnames[0] == "Summary"
    assert [entry.changes["format"] for entry in trail(Action.EXPORT)] == ["pdf-fr", "pdf-ar", "pdf-en", "csv", "xlsx"]
    assert refusal(cast.carol.get(f"{path}/pdf?language=de")) == (400, "VALIDATION_ERROR", "language")


@pytest.mark.covers("001-FR-053", "C85")
def test_report_is_issued_as_pdf_at_once(cast: Cast) -> None:
    for answer in (
        cast.alice.post(f"{URL}?format=pdf", {"language": "ar"}),
        cast.alice.post(URL, {"language": "ar"}, Accept="application/pdf"),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert answer.content.startswith(b"%PDF-")


@pytest.mark.covers("001-FR-053")
def test_a_long_report_is_made_by_a_worker(cast: Cast, monkeypatch: Any, samples: list[dict[str, Any]]) -> None:
    monkeypatch.setattr(services, "ROWS_AT_ONCE", 0)

    answer = cast.alice.post(f"{URL}?format=pdf", {})

    assert (answer.status_code, answer["Retry-After"]) == (202, "5")
    report = answer.json()["data"]
    assert answer["Location"] == f"/api/v1{URL}/{report['id']}/pdf?language=en"
    again = cast.carol.get(f"{URL}/{report['id']}/pdf?language=en")
    assert (again.status_code, again["Retry-After"], again.json()["message"]) == (202, "5", "The PDF is being made.")
    with platform():
        services.report_render(report=ComplianceReport.objects.get(pk=report["id"]), language="en")
    assert cast.carol.get(f"{URL}/{report['id']}/pdf?language=en").content.startswith(b"%PDF-")
    monkeypatch.setattr(services, "LINES_AT_ONCE", 0)
    later = cast.carol.get(f"{URL}/{report['id']}/xlsx?language=fr")
    assert (later.status_code, later["Retry-After"]) == (202, "5")
    assert later["Location"] == f"/api/v1{URL}/{report['id']}/xlsx?language=fr"


@pytest.mark.covers("E001-018", "001-SC-005")
def test_list_shows_heads_without_reading_the_tables(cast: Cast, samples: list[dict[str, Any]]) -> None:
    reports = [issue(cast.alice, title=f"No. {number}") for number in range(3)]

    with CaptureQueriesContext(connection) as three:
        rows = cast.carol.get(URL).json()["data"]
    issue(cast.alice)
    with CaptureQueriesContext(connection) as four:
        first = cast.carol.get(f"{URL}?limit=1&page=2").json()

    assert [row["title"] for row in rows] == ["No. 2", "No. 1", "No. 0"]
    assert rows[2] == {name: reports[0][name] for name in rows[2]}
    assert "exceedances" not in rows[0]
    assert (len(three), first["data"], first["meta"]["total"]) == (len(four), [rows[0]], 4)
    assert refusal(cast.carol.get(f"{URL}?sort=title")) == (400, "VALIDATION_ERROR", "sort")


@pytest.mark.covers("001-FR-091")
def test_the_document_names_a_reports_fields(cast: Cast, nobody: Person, samples: list[dict[str, Any]]) -> None:
    document = json.loads(nobody.get("/openapi.json").content)
    report = issue(cast.alice)
    for status in ("completed", "validated"):
        cast.alice.put(f"/samples/{samples[0]['id']}", {"status": status})
    certificate = cast.alice.post(f"/samples/{samples[0]['id']}/certificates").json()["data"]

    shapes = document["components"]["schemas"]
    for name, shown in (
        ("ReportOut", report),
        ("Summary", report["summary"]),
        ("StandardFigures", report["standards"][0]),
        ("Site", report["sites"][0]),
        ("Worst", report["sites"][0]["worst"]),
        ("Exceedance", report["exceedances"][0]),
        ("CertificateOut", certificate),
        ("CertificateHead", cast.carol.get("/certificates").json()["data"][0]),
        ("CertifiedResult", certificate["results"][0]),
        ("Conformity", certificate["standards"][0]),
        ("Stated", certificate["stated"]),
        ("Item", certificate["item"]),
    ):
        assert set(shapes[name]["properties"]) == set(shown), name
    answers = document["paths"]["/api/v1/reports/compliance/{report_id}/pdf"]["get"]["responses"]
    assert set(answers["200"]["content"]) == {"application/pdf"}
    assert "Retry-After" in answers["202"]["description"]
