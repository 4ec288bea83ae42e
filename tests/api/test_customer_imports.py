"""Imports of customers: counts that are exact, whatever breaks on the way."""

import io
import json
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.core.tenancy.scope import platform, tenant
from portal.crm.customers.imports import files, services
from portal.crm.customers.imports.models import CustomerImport, CustomerImportRow
from portal.crm.customers.models import Customer
from tests.api.conftest import Cast, Person
from tests.api.test_customers import customer, data, refused

pytestmark = pytest.mark.django_db

CSV = """Société;Contact;E-mail;Téléphone;Ville;Étiquettes;Statut
Eaux de Fès SARL;Amina;amina@fes.example;0535 11 22 33;Fès;VIP, eau;active
;;nobody@x.example;;;;
Atlas;Omar;known@x.example;;Casablanca;;
Eaux de Fès;Amina;AMINA@fes.example;;;;
Taïz Water;;bad-mail;;Taïz;;
مياه الأطلس;سعيد;;+967 1 234567;صنعاء;;prospect
"""


def send(person: Person, content: bytes, name: str = "customers.csv", **options: Any) -> Any:
    file = SimpleUploadedFile(name, content)
    body = {"file": file, "options": json.dumps(options)}
    return Client().post("/api/v1/customers/import", body, headers=person.headers)


@pytest.mark.covers("E002-014")
def test_check_import_errors_and_revert(cast: Cast) -> None:
    known = customer(cast.alice, companyName="Atlas", email="known@x.example")

    checked = data(send(cast.alice, CSV.encode("utf-8-sig"), dryRun=True, onDuplicate="update"))
    assert (checked["status"], checked["dryRun"], checked["total"]) == ("validated", True, 6)
    assert (checked["toCreate"], checked["toUpdate"], checked["failed"], checked["skipped"]) == (2, 1, 2, 1)
    assert (checked["dupInFile"], checked["dupInDb"], checked["imported"]) == (1, 1, 0)
    assert checked["mapping"]["Étiquettes"] == "tags"
    assert [(error["row"], error["column"], error["field"], error["value"]) for error in checked["errors"]] == [
        (2, "Société", "companyName", ""),
        (5, "E-mail", "email", "bad-mail"),
    ]
    assert data(cast.alice.get("/customers/stats"))["total"] == 1

    path = f"/customers/imports/{checked['importId']}"
    made = data(cast.alice.post(f"{path}/run"))
    assert (made["status"], made["created"], made["updated"], made["failed"]) == ("done", 2, 1, 2)
    assert refused(cast.alice.post(f"{path}/run"), 409)[0] == "VERSION_CONFLICT"
    assert data(cast.alice.get("/customers/stats"))["byStatus"]["active"] == 1
    [fes] = data(cast.alice.get("/customers?email=amina@fes.example"))
    assert (fes["phone"], sorted(tag["name"] for tag in fes["tags"])) == ("+212535112233", ["VIP", "eau"])
    assert data(cast.alice.get(f"/customers/{known['id']}"))["city"] == "Casablanca"
    lines = b"".join(cast.alice.get(f"{path}/errors").streaming_content).decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert lines[0].endswith(",Row,Reason")

    data(cast.alice.patch(f"/customers/{fes['id']}", {"city": "Meknès"}))
    back = data(cast.alice.post(f"{path}/revert"))
    assert (back["status"], back["removed"], back["restored"], back["kept"]) == ("reverted", 1, 1, 1)
    assert [left["name"] for left in back["left"]] == ["Eaux de Fès SARL"]
    assert data(cast.alice.get(f"/customers/{known['id']}"))["city"] == ""
    assert data(cast.alice.get("/customers/stats"))["total"] == 2
    assert refused(cast.alice.post(f"{path}/revert"), 422)[0] == "ILLEGAL_TRANSITION"
    assert cast.mallory.get(path).status_code == 404
    assert cast.carol.get(path).status_code == 403


def test_modes_matches_and_kinds_of_files(cast: Cast) -> None:
    customer(cast.alice, companyName="Old", externalId="C-1", city="Fes", email="old@x.example")

    rows = [{"externalId": "C-1", "companyName": "New", "city": ""}, {"externalId": "C-2", "companyName": "Two"}]
    asked = {"mode": "update", "matchBy": ["externalId"], "emptyCells": "clear"}
    got = data(send(cast.alice, json.dumps(rows).encode(), "c.json", **asked))
    assert (got["updated"], got["failed"], got["errors"][0]["code"]) == (1, 1, "RESOURCE_NOT_FOUND")
    [row] = data(cast.alice.get("/customers?externalId=C-1"))
    assert (row["companyName"], row["city"], row["email"]) == ("New", "", "old@x.example")

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (["Name", "Code", "Team"], ["New", "C-1", "x"], ["Two", "C-2", "y"]):
        sheet.append(line)
    stream = io.BytesIO()
    book.save(stream)
    asked = {"mode": "upsert", "mapping": {"Name": "companyName", "Code": "externalId", "Team": "customFields.team"}}
    got = data(send(cast.alice, stream.getvalue(), "c.xlsx", **asked))
    assert (got["created"], got["updated"], got["unchanged"]) == (1, 1, 0)
    assert data(cast.alice.get("/customers?externalId=C-2"))[0]["customFields"] == {"team": "y"}
    assert data(send(cast.alice, stream.getvalue(), "c.xlsx", **asked))["unchanged"] == 2

    arabic = "الشركة,المدينة\nمياه الأطلس,الرباط\n".encode("windows-1256")
    assert data(send(cast.alice, arabic, defaults={"status": "active"}))["created"] == 1
    assert data(cast.alice.get("/customers?q=مياه"))[0]["status"] == "active"

    for content, options, field in (
        (b"", {}, "file"),
        (b"%PDF-1.7 x", {}, "file"),
        (b"a,b\n1,2\n", {}, "mapping"),
        (b"name\nx\n", {"mapping": {"nix": "city"}}, "mapping"),
        (b"name\nx\n", {"mode": "all"}, "mode"),
        (b"name\nx\n", {"matchBy": ["shoe"]}, "matchBy"),
    ):
        assert refused(send(cast.alice, content, **options), 400)[1] == field
    with platform():
        assert CustomerImport.objects.count() == 4


def test_a_killed_import_goes_on_where_it_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "BATCH", 10)
    user = cast.alice.user
    content = "name,email\n" + "".join(f"Firm {n},f{n}@x.example\n" for n in range(35))
    with tenant(cast.a.pk, by=user.actor()):
        run = services.import_upload(file=io.BytesIO(content.encode()), name="f.csv", said={}, by=user)
        services.import_begin(run=run, dry_run=False, by=user)  # queued, as a long file is
        for _batch in range(3):  # rows, then two batches of ten
            services.step(run_id=run.pk, by=user)

    def killed(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    def batch() -> None:
        with tenant(cast.a.pk, by=user.actor()):
            services.step(run_id=run.pk, by=user)

    with monkeypatch.context() as patch:
        patch.setattr(services, "_keep", killed)  # after the customers of the batch were written
        with pytest.raises(KeyboardInterrupt):
            batch()
    with tenant(cast.a.pk, by=user.actor()):
        assert Customer.objects.count() == 20
        run.refresh_from_db()
        assert (run.position, run.counts["created"], run.broken) == (20, 20, False)
        while (state := services.step(run_id=run.pk, by=user)) and state.busy:
            pass
        assert Customer.objects.count() == 35
        assert (
            CustomerImportRow.objects.filter(run=run, outcome="created").values("customer_id").distinct().count() == 35
        )
        run.refresh_from_db()
        services.import_revert(run=run, by=user, at_once=True)
        assert not Customer.objects.filter(deleted_at=None).exists()


def test_more_rows_than_allowed_are_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ROWS", 2)
    assert refused(send(cast.alice, b"name\na\nb\nc\n"), 400)[0] == "VALIDATION_ERROR"
    assert data(cast.alice.get("/customers/stats"))["total"] == 0
