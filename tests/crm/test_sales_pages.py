"""Pages of sales: who opens what, moves with what a stage asks for, lines, figures, settings."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.core.accounts.models import User
from portal.core.tenancy import seeds
from portal.core.tenancy.scope import tenant
from portal.crm.customers import services as customers
from portal.crm.customers.models import Customer
from portal.crm.sales import services
from portal.crm.sales.models import Deal, Product, Quota, Stage
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    cast = Cast()
    seeds.run()
    return cast


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def a_customer(user: User, name: str = "شركة المياه") -> Customer:
    assert user.organization_id
    with tenant(user.organization_id, by=user.actor()):
        row = customers.draft({"company_name": name, "assigned_to": user}, by=user)
        customers.insert([(row, [])], by=user)
        return row


def a_deal(user: User, customer: Customer, **data: Any) -> Deal:
    assert user.organization_id
    with tenant(user.organization_id, by=user.actor()):
        return services.deal_create(data={"title": "عقد المراقبة", "customer_id": customer.pk, **data}, by=user)


def again(deal: Deal) -> Deal:
    with tenant(deal.organization_id):
        return Deal.objects.select_related("stage").get(pk=deal.pk)


def test_who_opens_what(cast: Cast) -> None:
    deal = a_deal(cast.alice, a_customer(cast.alice), value=Decimal(5))
    looks = (
        "/sales",
        "/sales/pipeline",
        "/sales/forecast",
        "/sales/analytics",
        "/sales/leaderboard",
        f"/sales/{deal.pk}",
    )
    looks += ("/crm/settings/stages", "/crm/settings/products")
    writes = ("/sales/new", f"/sales/{deal.pk}/edit")
    rules = ("/crm/settings/stages/new", "/crm/settings/products/new", "/crm/settings/targets")
    for role, expected in {
        "Manager": (200, 200, 200),
        "SalesAgent": (200, 200, 403),
        "SupportAgent": (200, 403, 403),
        "Auditor": (200, 403, 403),
        "Viewer": (200, 403, 403),
        "Technician": (403, 403, 403),
    }.items():
        client = page(cast.person(role.lower(), role, cast.a))
        for paths, status in zip((looks, writes, rules), expected, strict=True):
            assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, status), role
    assert page(cast.mallory).get(f"/sales/{deal.pk}").status_code == 404
    files = page(cast.alice).get("/sales/export.csv")
    assert b"".join(files.streaming_content).count(b"\r\n") == 2  # type: ignore[attr-defined]


@pytest.mark.covers("002-CRM-01")
def test_a_deal_is_written_moved_and_worked_on(cast: Cast) -> None:
    customer, client = a_customer(cast.alice), page(cast.alice)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        product = services.product_save(
            data={"sku": "A", "name": "Analyse", "unit_price": Decimal("12.5")}, by=cast.alice
        )

    # the form: an unknown customer, then lines in the digits of an Arabic keyboard
    body: dict[str, Any] = {
        "title": "تحاليل", "customer": str(cast.a.pk), "stage": "lead", "category": "commit", "currency": "USD",
        "lines-TOTAL_FORMS": "2", "lines-INITIAL_FORMS": "0", "lines-0-product": str(product.pk),
        "lines-0-quantity": "٣٫٥", "lines-0-discount": "10",
    }  # fmt: skip
    assert client.post("/sales/new", body).status_code == 422
    made = client.post("/sales/new", {**body, "customer": str(customer.pk)})
    with tenant(cast.a.pk):
        deal = Deal.objects.get(title="تحاليل")
        line = deal.lines.get()
    assert made.headers["Location"] == f"/sales/{deal.pk}"
    assert (deal.value, line.quantity, line.unit_price) == (Decimal("39.38"), Decimal("3.5"), Decimal("12.5"))
    assert "تحاليل" in client.get(f"/sales/{deal.pk}").text

    # a change by somebody else in between is shown, and saved over only then
    edit = {**body, "customer": str(customer.pk), "title": "تحاليل المياه", "version": "1"}
    services_version = again(deal).version
    assert services_version == 1
    with tenant(cast.a.pk, by=cast.alice.actor()):
        services.deal_update(id=deal.pk, data={"description": "x"}, by=cast.alice)
    assert client.post(f"/sales/{deal.pk}/edit", edit).status_code == 422
    assert client.post(f"/sales/{deal.pk}/edit", {**edit, "version": "2"}).status_code == 302

    # the board: a move that asks for nothing, one that asks, one that is refused
    move = f"/sales/pipeline/{deal.pk}/move"
    board = client.post(move, {"stage": "proposal"}, headers=FRAGMENT)
    assert (board.status_code, again(deal).stage.key) == (200, "proposal")
    assert "<dialog" not in board.text
    asked = client.post(move, {"stage": "lost"}, headers=FRAGMENT)
    assert "lost_reason" in asked.text
    assert again(deal).stage.key == "proposal"
    refused = client.post(move, {"stage": "lost", "asked": "1", "lost_reason": "other"}, headers=FRAGMENT)
    assert (refused.status_code, "Describe the other reason." in refused.text) == (422, True)
    lost = {
        "stage": "lost",
        "asked": "1",
        "lost_reason": "other",
        "lost_note": "ألغي",
        "close_date": str(timezone.localdate()),
    }
    assert client.post(move, lost, headers=FRAGMENT).status_code == 200
    assert (again(deal).status, again(deal).lost_note) == ("lost", "ألغي")
    assert client.post(move, {"stage": "won", "asked": "1"}, headers=FRAGMENT).status_code == 422
    # without a script a page of its own asks
    assert client.post(f"/sales/{deal.pk}/move", {"stage": "lead"}).status_code == 302
    assert "close_date" in client.post(f"/sales/{deal.pk}/move", {"stage": "won"}).text
    assert again(deal).status == "open"

    # activities, a copy, the box of the customer, many at once
    add = f"/sales/{deal.pk}/activities"
    assert client.post(add, {"type": "call"}).status_code == 422
    due = (timezone.localtime() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    client.post(add, {"type": "call", "description": "مكالمة", "due_at": due})
    with tenant(cast.a.pk):
        planned = Deal.objects.get(pk=deal.pk).activities.get()
    assert planned.done_at is None
    assert client.post(f"{add}/{planned.pk}/done", {"outcome": "تم"}).headers["Location"].endswith("#next")
    assert "تم" in client.get(f"/sales/{deal.pk}").text
    copy = client.post(f"/sales/{deal.pk}/clone").headers["Location"]
    assert "Deals" in client.get(f"/customers/{customer.pk}").text
    assert client.get("/sales/customers.json?q=المياه").json() == [{"value": str(customer.pk), "text": "شركة المياه"}]
    ids = [str(deal.pk), copy.rpartition("/")[2], str(cast.a.pk)]
    bulk = client.post("/sales/bulk", {"ids": ids, "stage": "qualified"})
    assert "2 deals were changed." in bulk.text
    assert client.post(f"/sales/{deal.pk}/delete", {"reason": "x"}).headers["Location"] == "/sales"

    # what keeps a customer, and what a merge moves
    client.post("/sales/bulk", {"ids": ids[1:2], "assignee": str(cast.bob.pk)})
    with tenant(cast.a.pk, by=cast.alice.actor()):
        with pytest.raises(Exception, match="Still in use") as kept:
            customers.customer_delete(id=customer.pk, by=cast.alice)
        assert kept.value.code == "IN_USE"  # type: ignore[attr-defined]
        customers.customer_delete(id=customer.pk, by=cast.alice, cascade="archive")
        assert not Deal.objects.filter(deleted_at=None).exists()


def test_settings_of_sales(cast: Cast) -> None:
    client = page(cast.alice, "ar")
    assert "فرصة أولية" in client.get("/crm/settings/stages").text
    new = {"name": "Tender", "kind": "open", "order": "2", "probability": "30", "required_fields": ["value"]}
    assert client.post("/crm/settings/stages/new", new).status_code == 302
    with tenant(cast.a.pk):
        stage = Stage.objects.get(key="tender")
        assert (stage.position, stage.required_fields) == (1, ["value"])
    assert client.post(f"/crm/settings/stages/{stage.pk}", {**new, "name": ""}).status_code == 422
    assert client.post(f"/crm/settings/stages/{stage.pk}/delete", {}).status_code == 302
    client.post("/crm/settings/products/new", {"sku": "A", "name": "تحليل", "unit_price": "١٢٫٥", "is_active": "on"})
    with tenant(cast.a.pk):
        product = Product.objects.get()
    assert product.unit_price == Decimal("12.5")
    assert client.post("/crm/settings/products/new", {"sku": "A", "name": "B", "unit_price": "1"}).status_code == 422
    assert client.post(f"/crm/settings/products/{product.pk}/delete").status_code == 302
    for amount, left in (("5000", 1), ("6000", 1), ("", 0)):
        assert client.post("/crm/settings/targets", {"month": "2026-11", "amount": amount}).status_code == 302
        with tenant(cast.a.pk):
            assert Quota.objects.count() == left


def test_more_deals_cost_no_more_queries(cast: Cast) -> None:
    customer, client = a_customer(cast.alice), page(cast.alice)
    counted = {}
    for _round in range(2):
        for number in range(6):
            a_deal(cast.alice, customer, value=Decimal(number + 1), stage="proposal")
        for path in ("/sales", "/sales/pipeline", "/sales/forecast", "/sales/analytics", "/sales/leaderboard"):
            client.get(path)
            with CaptureQueriesContext(
                connection,
            ) as seen:
                assert client.get(path).status_code == 200
            counted.setdefault(path, []).append(len(seen))
    assert all(few == many for few, many in counted.values()), counted
