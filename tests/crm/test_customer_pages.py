"""Pages of customers: who opens what, and that each thing that can be done there is done."""

from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core.accounts.models import User
from portal.core.tenancy import words
from portal.core.tenancy.scope import platform, tenant
from portal.crm import counting
from portal.crm.customers import services
from portal.crm.customers.imports import services as imports
from portal.crm.customers.imports.models import CustomerImport
from portal.crm.customers.models import Customer, CustomerNote, CustomField, MergeLog, Tag
from portal.crm.customers.pages import customers
from tests.core.people import Cast
from tests.lab.test_pages import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(tmp_path: Any, settings: Any) -> Cast:
    settings.STATIC_ROOT = tmp_path
    return Cast()


def a_customer(user: User, **more: Any) -> UUID:
    assert user.organization_id
    with tenant(user.organization_id, by=user.actor()):
        return services.customer_create(data={"companyName": "مياه الأطلس", **more}, by=user, force=True).pk


def test_who_opens_what(cast: Cast) -> None:
    customer = a_customer(cast.alice, tags=["VIP"], phone="+212522123456", customFields={"zone": "N"})
    expected = {
        "Admin": (200, 200, 200, 200),
        "SalesAgent": (200, 200, 403, 403),
        "Viewer": (200, 403, 403, 403),
        "Technician": (403, 403, 403, 403),
    }
    for role, (seen, edited, imported, settled) in expected.items():
        person = cast.person(role.lower(), role, cast.a)
        assert page(person).get(f"/customers/{customer}").status_code == seen, role
        assert page(person).get("/customers").status_code == seen
        assert page(person).get(f"/customers/{customer}/edit").status_code == edited
        assert page(person).get("/customers/imports/new").status_code == imported
        assert page(person).get("/crm/settings/tags").status_code == settled
    for tab in ("/timeline", "/notes", "/files", "/history"):
        assert page(cast.carol).get(f"/customers/{customer}{tab}").status_code == 200, tab
    assert page(cast.mallory).get(f"/customers/{customer}").status_code == 404
    assert "مياه الأطلس" in page(cast.alice).get("/customers?q=مياة+الاطلس&status=lead").content.decode()
    assert "مياه الأطلس" not in page(cast.alice).get("/customers?status=active").content.decode()


def test_ten_more_rows_cost_no_more_queries(cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page(cast.alice).get("/customers")
        return len(asked)

    a_customer(cast.alice, tags=["A"], assignedTo=str(cast.bob.pk))
    queries()
    few = queries()
    for _more in range(10):
        a_customer(cast.alice, tags=["A", "B"], assignedTo=str(cast.alice.pk))
    assert queries() == few


def test_a_list_is_counted_once_and_not_to_its_end(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Atlas Eaux", "Rif Eaux", "Atlas Conserves"):
        a_customer(cast.alice, companyName=name)
    monkeypatch.setattr(customers, "MOST", 1)
    monkeypatch.setattr(counting, "MOST", 1)
    with CaptureQueriesContext(connection) as asked:
        shown = page(cast.alice).get("/customers").content.decode()
    counts = [one["sql"] for one in asked if "COUNT(*)" in one["sql"] and "crm_customer" in one["sql"]]
    assert len(counts) == 1
    assert "LIMIT 2" in counts[0]  # one more than is leafed through says that there are more
    assert "Atlas" in shown

    # a word that is known to be everywhere is not counted at all, and finds the same
    with tenant(cast.a.pk, by=cast.alice.actor()):
        rows = Customer.objects.filter(deleted_at=None).order_by("name")
        few = list(words.containing(rows, "eaux atlas"))
        monkeypatch.setattr(words, "found", lambda finder, text, most: "often")
        assert list(words.containing(rows, "eaux atlas")) == few == list(rows.filter(name="Atlas Eaux"))
    with CaptureQueriesContext(connection) as asked:
        shown = page(cast.alice).get("/customers?q=eaux").content.decode()
    assert not [one for one in asked if "COUNT(*)" in one["sql"] and "search_text" in one["sql"]]
    assert shown.count("Eaux") > 0


def test_a_customer_is_made_changed_merged_and_deleted_on_pages(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice, "portal.core.accounts.backends.EmailBackend")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        CustomField.objects.create(organization=cast.a, key="meters", label="Meters", kind="number")
    said = {
        "company_name": "Atlas SARL",
        "status": "lead",
        "new_tags": "VIP, eau",
        "country": "MA",
        "custom_meters": "12",
    }
    assert client.post("/customers/new", {"status": "lead"}).status_code == 422
    assert client.post("/customers/new", said).status_code == 302
    again = client.post("/customers/new", said)
    assert again.status_code == 409
    assert "Save it all the same" in again.content.decode()
    assert client.post("/customers/new", {**said, "force": "on", "city": "Rabat"}).status_code == 302
    with platform():
        one, two = Customer.objects.order_by("created_at")
        assert one.custom_fields == {"meters": 12}
        tag = Tag.objects.get(name="VIP")
    form = {**said, "version": 1, "status": "prospect", "city": "Fes", "tags": [str(tag.pk)], "new_tags": ""}
    assert client.post(f"/customers/{one.pk}/edit", {**form, "force": "on"}).status_code == 302
    assert client.post(f"/customers/{one.pk}/edit", {**form, "city": "Agadir", "force": "on"}).status_code == 422
    client.post(f"/customers/{one.pk}/status", {"status": "active"})
    client.post(f"/customers/{one.pk}/notes", {"content": "first", "is_pinned": "on"})
    with platform():
        one.refresh_from_db()
        note = CustomerNote.objects.get()
        assert (one.status, one.city, note.is_pinned) == ("active", "Fes", True)
    client.post(f"/customers/{one.pk}/notes/{note.pk}", {"content": "second"})
    client.post(f"/customers/{one.pk}/notes/{note.pk}/act", {"do": "pin"})
    file = SimpleUploadedFile("plan.txt", b"plan", "text/plain")
    assert client.post(f"/customers/{one.pk}/files", {"file": file}).status_code == 302
    assert "plan.txt" in client.get(f"/customers/{one.pk}/files").content.decode()
    assert "second" in client.get(f"/customers/{one.pk}").content.decode()

    done = client.post("/customers/bulk", {"ids": [one.pk, two.pk], "do": "change", "tag": tag.pk, "mode": "remove"})
    assert "2 customers were changed" in done.content.decode()
    to_merge = client.post("/customers/bulk", {"ids": [one.pk, two.pk], "do": "merge"})
    assert client.get(to_merge.url).status_code == 200
    body = {"id": [one.pk, two.pk], "target": one.pk, "field_city": two.pk}
    assert "Rabat" in client.post("/customers/merge", body).content.decode()
    client.post("/customers/merge", {**body, "merge": "1"})
    with platform():
        one.refresh_from_db()
        log = MergeLog.objects.get()
        assert one.city == "Rabat"
    assert client.get(f"/customers/{one.pk}/history").status_code == 200
    client.post(f"/customers/{one.pk}/merges/{log.pk}/split")
    client.post(f"/customers/{two.pk}/delete", {"reason": "twice"})
    client.post(f"/crm/settings/tags/{tag.pk}", {"name": "Gold", "color": "#112233"})
    assert client.get("/crm/settings").status_code == 302
    client.post(
        "/crm/settings/fields", {"key": "zone", "label": "Zone", "kind": "choice", "choices": "N, S", "order": 1}
    )
    with platform():
        two.refresh_from_db()
        assert (two.deleted_at is not None, two.merged_into_id) == (True, None)
        assert Tag.objects.filter(name="Gold").exists()
        assert CustomField.objects.get(key="zone").options == ["N", "S"]
    assert b"Atlas" in b"".join(client.get("/customers/export.json").streaming_content)


def test_a_file_is_imported_on_pages(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice, "portal.core.accounts.backends.EmailBackend")
    file = SimpleUploadedFile("c.csv", "Société,Ville\nAtlas,Fès\nRif,\n".encode())
    mapping = client.post("/customers/imports/new", {"file": file}).url
    assert "companyName" in client.get(mapping).content.decode()
    said = {"column_0": "companyName", "column_1": "city", "mode": "create", "match_by": "email"}
    said |= {"on_duplicate": "skip", "empty_cells": "keep", "encoding": "utf-8", "delimiter": ","}
    assert client.post(mapping, {**said, "column_0": ""}).status_code == 422
    here = client.post(mapping, said).url
    assert "import-progress" in client.get(here).content.decode()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        run = CustomerImport.objects.get()
        while (state := imports.step(run_id=run.pk, by=cast.alice)) and state.busy:
            pass
    assert "Would be created" in client.get(here).content.decode()
    client.post(f"{here}/act", {"do": "run"})
    with tenant(cast.a.pk, by=cast.alice.actor()):
        while (state := imports.step(run_id=run.pk, by=cast.alice)) and state.busy:
            pass
        assert Customer.objects.count() == 2
    assert "Revert" in client.get(here).content.decode()
    assert b"".join(client.get(f"{here}/errors.csv").streaming_content)
    assert "c.csv" in client.get("/customers/imports").content.decode()
