"""Certificates of analysis and amendments of reports over the API."""

from typing import Any

import pytest

from portal.core.audit.models import Action
from portal.core.tenancy.scope import platform
from portal.lab.certificates.models import Certificate, CertificateFile
from portal.lab.models import ComplianceReport
from tests.api.conftest import Cast, Person
from tests.api.test_lab import UNKNOWN, refusal, result, sample

pytestmark = pytest.mark.django_db
URL = "/certificates"


@pytest.fixture
def one(cast: Cast) -> dict[str, Any]:
    made = sample(cast.bob)
    result(cast.bob, made)
    validate(cast, made)
    return made


def validate(cast: Cast, of: dict[str, Any]) -> None:
    for status in ("completed", "validated"):
        assert cast.alice.put(f"/samples/{of['id']}", {"status": status}).status_code == 200


def issue(cast: Cast, of: dict[str, Any], **body: Any) -> dict[str, Any]:
    response = cast.alice.post(f"/samples/{of['id']}/certificates", {"customer": "Anfa"} | body)
    assert response.status_code == 201, response.content
    return dict(response.json()["data"])


@pytest.mark.covers("C85")
def test_a_certificate_is_issued_read_and_amended(cast: Cast, one: dict[str, Any]) -> None:
    made = issue(cast, one, language="fr", condition="intact")

    assert made["number"].startswith("CA-")
    assert (made["status"], made["stated"]["condition"], made["language"]) == ("current", "intact", "fr")
    [row] = made["results"]
    assert (row["parameterName"], row["valueText"], row["unit"]) == ("Nitrates (en NO3)", "12.00", "mg/L N")
    assert cast.carol.get(f"{URL}/{made['id']}").json()["data"] == made
    english = cast.carol.get(f"{URL}/{made['id']}?language=en").json()["data"]
    assert english["results"][0]["parameterName"] == "Nitrate (as NO3)"
    assert english["snapshotHash"] == made["snapshotHash"]

    again = cast.alice.post(f"{URL}/{made['id']}/amendments", {"reason": "Name.", "customer": "Commune d'Anfa"})

    amended = again.json()["data"]
    assert (again.status_code, amended["amends"], amended["reason"]) == (201, made["id"], "Name.")
    assert amended["amendment"]["changes"] == [
        {"what": "customer", "parameterCode": "", "from": "Anfa", "to": "Commune d'Anfa"}
    ]
    assert amended["stated"]["condition"] == "intact"
    old = cast.carol.get(f"{URL}/{made['id']}").json()["data"]
    assert old == made | {"status": "superseded", "amendedBy": amended["number"]}
    for query, expected in (
        ("", [amended["number"], made["number"]]),
        ("?status=current", [amended["number"]]),
        ("?status=superseded", [made["number"]]),
        (f"?sampleId={one['id']}&sort=number&order=asc", [made["number"], amended["number"]]),
        ("?search=commune", [amended["number"]]),
        (f"?search={one['code']}", [amended["number"], made["number"]]),
        ("?dateFrom=2999-01-01", []),
        ("?dateTo=2000-01-01", []),
    ):
        assert [row["number"] for row in cast.carol.get(URL + query).json()["data"]] == expected, query


def test_refusals_leave_nothing(cast: Cast, one: dict[str, Any], nobody: Person) -> None:
    path, empty = f"/samples/{one['id']}/certificates", sample(cast.bob, code="S-EMPTY")

    assert nobody.post(path).status_code == 401
    for person in (cast.bob, cast.carol):
        assert refusal(person.post(path))[:2] == (403, "PERMISSION_DENIED")
    assert refusal(cast.mallory.post(path))[:2] == (404, "RESOURCE_NOT_FOUND")
    assert refusal(cast.alice.post(f"/samples/{UNKNOWN}/certificates"))[:2] == (404, "RESOURCE_NOT_FOUND")
    assert refusal(cast.alice.post(f"/samples/{empty['id']}/certificates"))[:2] == (409, "NOT_READY")
    assert refusal(cast.alice.post(path, {"customer": 7})) == (400, "VALIDATION_ERROR", "customer")
    made = issue(cast, one)
    assert refusal(cast.alice.post(path))[:2] == (409, "CERTIFICATE_IN_FORCE")
    assert refusal(cast.alice.post(f"{URL}/{made['id']}/amendments")) == (400, "VALIDATION_ERROR", "reason")
    assert refusal(cast.mallory.get(f"{URL}/{made['id']}"))[:2] == (404, "RESOURCE_NOT_FOUND")
    with platform():
        assert Certificate.objects.count() == 1


def test_the_pdf_is_made_by_a_worker_and_its_export_noted(cast: Cast, one: dict[str, Any], trail: Any) -> None:
    made = issue(cast, one)
    path = f"{URL}/{made['id']}/pdf"

    waiting = cast.carol.get(f"{path}?language=ar")
    with platform():
        certificate = Certificate.objects.get()
        CertificateFile.objects.create(
            organization=cast.a, certificate=certificate, language="ar", content=b"%PDF-", sha256="0" * 64
        )
    done = cast.carol.get(path, Accept_Language="ar")

    assert (waiting.status_code, waiting["Location"]) == (202, f"/api/v1{path}?language=ar")
    assert (done.status_code, done["Content-Type"], done.content) == (200, "application/pdf", b"%PDF-")
    assert done["Content-Disposition"] == f'attachment; filename="{made["number"]}-ar.pdf"'
    assert [entry.changes["format"] for entry in trail(Action.EXPORT)] == ["pdf-ar"]
    assert refusal(cast.bob.get(path))[:2] == (403, "PERMISSION_DENIED")
    assert refusal(cast.carol.get(f"{path}?language=de")) == (400, "VALIDATION_ERROR", "language")


@pytest.mark.covers("E001-018", "C85")
def test_a_report_is_amended(cast: Cast, one: dict[str, Any]) -> None:
    report = cast.alice.post("/reports/compliance", {"title": "May"}).json()["data"]
    cast.alice.put(f"/samples/{one['id']}", {"status": "amended", "reason": "late"})
    result(cast.bob, one, parameterName="PH", value="7.20", unit="pH unit")

    made = cast.alice.post(f"/reports/compliance/{report['id']}/amendments", {"reason": "A late result."})

    amended = made.json()["data"]
    assert (made.status_code, amended["amends"], amended["title"]) == (201, report["id"], "May")
    assert {"what": "summary.results", "about": "", "from": "1", "to": "2"} in amended["amendment"]["lines"]
    old = cast.carol.get(f"/reports/compliance/{report['id']}", Accept_Language="en").json()["data"]
    assert old == report | {"status": "superseded", "amendedBy": amended["number"]}
    path = f"/reports/compliance/{report['id']}/amendments"
    assert refusal(cast.alice.post(path, {"reason": "x"}))[:2] == (409, "ALREADY_AMENDED")
    assert refusal(cast.bob.post(path, {"reason": "x"}))[:2] == (403, "PERMISSION_DENIED")
    assert [row["number"] for row in cast.carol.get("/reports/compliance?status=current").json()["data"]] == [
        amended["number"]
    ]
    with platform():
        assert ComplianceReport.objects.count() == 2
