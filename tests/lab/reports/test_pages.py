"""The portal pages of reports, and the public page that confirms one."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from portal.core.accounts.models import User
from portal.core.tenancy.scope import tenant
from portal.lab.models import ComplianceReport
from portal.lab.reports import services
from tests.core.people import Cast, session_of
from tests.lab.reports import data

pytestmark = pytest.mark.django_db
URL = "/reports/compliance"


@pytest.fixture
def cast() -> Cast:
    cast = Cast()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        data.fill(cast.alice, samples=15)
    return cast


@pytest.fixture
def report(cast: Cast) -> ComplianceReport:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return services.report_issue(filters={}, language="en", title="<b>Eau</b>", by=cast.alice)


@pytest.fixture(autouse=True)
def static_files(tmp_path: Path, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path  # WhiteNoise warns where the folder is missing


def page(user: User | None, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    if user:
        client.cookies[settings.SESSION_COOKIE_NAME] = session_of(user)
    return client


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_list_and_report_show_the_figures(cast: Cast, report: ComplianceReport, language: str) -> None:
    client = page(cast.carol, language)

    listing = client.get(URL).content.decode()
    shown = client.get(f"{URL}/{report.pk}").content.decode()

    assert report.number in listing
    assert "&lt;b&gt;Eau&lt;/b&gt;" in listing
    assert report.snapshot_hash in shown
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in shown
    assert "<b>Eau" not in shown
    assert "=HYPERLINK(1)" in shown
    assert "style=" not in shown.replace("data-bs-style=", "")


def test_an_administrator_issues_a_report(cast: Cast) -> None:
    client = page(cast.alice)
    form = {"title": "", "language": "fr", "dateFrom": "2026-01-01", "complianceStatus": ["fail", "pass"]}

    answer = client.post(f"{URL}/new", form)

    with tenant(cast.a.pk):
        report = ComplianceReport.objects.get()
    assert answer.url == f"{URL}/{report.pk}"  # type: ignore[attr-defined]
    assert report.language == "fr"
    assert report.filters == {"dateFrom": "2026-01-01", "complianceStatus": ["fail", "pass"]}


def test_a_wrong_form_comes_back_with_its_fields(cast: Cast) -> None:
    answer = page(cast.alice).post(f"{URL}/new", {"language": "en", "dateFrom": "2026-05-02", "dateTo": "2026-05-01"})

    assert answer.status_code == 422
    assert "The end lies before the beginning." in answer.content.decode()
    with tenant(cast.a.pk):
        assert not ComplianceReport.objects.exists()


def test_the_form_counts_while_it_is_filled(cast: Cast) -> None:
    client = page(cast.alice)
    with tenant(cast.a.pk):
        from portal.lab.models import Sample

        held = Sample.objects.filter(deleted_at=None, compliance_status="fail").count()

    counted = client.get(f"{URL}/new/count", {"complianceStatus": "fail"}).content.decode()
    broken = client.get(f"{URL}/new/count", {"dateFrom": "x"}).content.decode()

    assert f'<bdi dir="ltr">{held}</bdi>' in counted
    assert "Some filters are not valid yet." in broken


@pytest.mark.parametrize(
    ("name", "status"), [("alice", 200), ("carol", 200), ("bob", 403), ("mallory", 404), ("root", 403)]
)
@pytest.mark.parametrize("suffix", ["", ".csv", ".xlsx", ".json", ".pdf?language=ar"])
def test_who_may_read_and_take_away(cast: Cast, report: ComplianceReport, name: str, status: int, suffix: str) -> None:
    assert page(getattr(cast, name)).get(f"{URL}/{report.pk}{suffix}").status_code == status


def test_a_viewer_gets_no_form(cast: Cast) -> None:
    client = page(cast.carol)

    assert client.get(f"{URL}/new").status_code == 403
    assert client.post(f"{URL}/new", {"language": "en"}).status_code == 403
    assert "New report" not in client.get(URL).content.decode()
    with tenant(cast.a.pk):
        assert not ComplianceReport.objects.exists()


def test_nobody_without_a_session(report: ComplianceReport) -> None:
    answer = page(None).get(f"{URL}/{report.pk}.pdf")

    assert answer.status_code == 302
    assert answer.url.startswith("/login")  # type: ignore[attr-defined]


def test_a_long_pdf_is_announced(cast: Cast, report: ComplianceReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ROWS_AT_ONCE", 0)

    answer = page(cast.alice).get(f"{URL}/{report.pk}.pdf?language=fr")

    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == answer.headers["Refresh"] == "2"
    assert page(cast.alice).get(f"{URL}/{report.pk}.pdf?language=xx").status_code == 400
    monkeypatch.setattr(services, "LINES_AT_ONCE", 0)
    book = page(cast.alice).get(f"{URL}/{report.pk}.xlsx")
    assert (book.status_code, book.headers["Retry-After"]) == (202, "2")
    assert "The workbook of" in book.content.decode()


def test_anybody_verifies_number_and_hash(report: ComplianceReport) -> None:
    digest = report.snapshot_hash.removeprefix("sha256:")

    good = page(None).get(f"/verify/{report.number}", {"h": digest}).content.decode()
    bad = page(None).get(f"/verify/{report.number}", {"h": "0" * 64})

    assert "This report is genuine." in good
    assert "<bdi>A</bdi>" in good
    assert bad.status_code == 200
    assert "Not confirmed" in bad.content.decode()
    assert "<bdi>A</bdi>" not in bad.content.decode()
    assert page(None).get("/verify/CR-2026-000001").status_code == 200
