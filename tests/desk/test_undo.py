"""What can be set back in one step offers to: statuses, stages, assignments, notifications, saved filters."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from portal.core.accounts.models import SavedFilter
from portal.core.notifications import inbox
from portal.core.projects.models import Task
from portal.core.projects.services import task_create
from portal.core.tenancy import seeds
from portal.core.tenancy.scope import platform, tenant
from portal.crm.tickets import services as tickets
from tests.core.people import Cast
from tests.crm.test_sales_pages import a_customer, a_deal
from tests.lab.test_pages import now, page

pytestmark = pytest.mark.django_db


def take_back(client: Client, address: str) -> Any:
    """Press the button of the message on a page."""
    html = client.get(address).content.decode()
    form = re.search(r'<form class="ms-auto" method="post" action="([^"]+)">(.*?)</form>', html, re.DOTALL)
    assert form, html
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', form[2])
    return client.post(form[1], {name: unescape(value) for name, value in fields if name != "csrfmiddlewaretoken"})


@pytest.mark.covers("000-RT-01")
def test_what_was_done_is_taken_back(settings: Any, tmp_path: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    cast = Cast()
    seeds.run()
    alice, bob = page(cast.alice), page(cast.bob)
    customer = a_customer(cast.alice)
    deal = a_deal(cast.alice, customer)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        ticket = tickets.ticket_create(data={"title": "Leak"}, by=cast.alice)
        made, _new = task_create(data={"title": "Read the meter", "assignedTo": str(cast.bob.pk)}, by=cast.alice)
        task = Task.objects.get(pk=made["id"])

    alice.post(f"/tickets/{ticket.pk}/status", {"status": "open"})
    alice.post(f"/tickets/{ticket.pk}/status", {"status": "waiting_customer"})
    assert now(ticket).status == "waiting_customer"
    alice.get(f"/customers/{customer.pk}")  # shows the message of the first step, too
    alice.post(f"/tickets/{ticket.pk}/status", {"status": "open"})
    take_back(alice, f"/tickets/{ticket.pk}")
    assert now(ticket).status == "waiting_customer"
    alice.get("/tickets")
    alice.post(f"/tickets/{ticket.pk}/status", {"status": "on_hold", "reason": "parts"})
    alice.post(f"/tickets/{ticket.pk}/assign", {"assigned_to": str(cast.alice.pk)})
    alice.get("/tickets")
    alice.post(f"/tickets/{ticket.pk}/assign", {"assigned_to": ""})
    take_back(alice, f"/tickets/{ticket.pk}")
    assert now(ticket).assigned_to_id == cast.alice.pk
    alice.get("/tickets")

    alice.post(f"/customers/{customer.pk}/status", {"status": "prospect"})
    take_back(alice, f"/customers/{customer.pk}")
    assert now(customer).status == "lead"
    alice.get("/customers")
    alice.post(f"/customers/{customer.pk}/status", {"status": "active"})
    assert "Undo" not in alice.get(f"/customers/{customer.pk}").text  # nobody becomes a lead again

    alice.post(f"/sales/{deal.pk}/move", {"stage": "proposal"})
    take_back(alice, f"/sales/{deal.pk}")
    with tenant(cast.a.pk):
        assert type(deal).objects.select_related("stage").get(pk=deal.pk).stage.key == "lead"

    bob.post(f"/tasks/{task.pk}/step", {"status": "in_progress"})
    take_back(bob, "/tasks/mine")
    assert now(task).status == "assigned"

    with tenant(cast.a.pk):
        [copy] = inbox.copy_list(user=cast.bob, unread=True)
    bob.get("/tasks/mine")
    bob.post("/notifications/read-all")
    assert inbox.unread_count(cast.bob) == 0
    take_back(bob, "/notifications")
    assert inbox.unread_count(cast.bob) == 1
    bob.post(f"/notifications/{copy.notification_id}/delete")
    assert inbox.unread_count(cast.bob) == 0
    take_back(bob, "/notifications")
    assert inbox.unread_count(cast.bob) == 1
    assert page(cast.carol).post(f"/notifications/{copy.notification_id}/delete", {"undo": "1"}).status_code == 404

    kept = {"place": "crm:customer_list", "next": "/customers", "name": "leads", "query": "status=lead", "shared": "on"}
    alice.post("/lists/filters", kept)
    with platform():
        row = SavedFilter.objects.get()
    alice.get("/customers")
    alice.post(f"/lists/filters/{row.pk}/delete", {"next": "/customers"})
    take_back(alice, "/customers")
    with platform():
        again = SavedFilter.objects.get()
    assert (again.name, again.query, again.shared) == ("leads", "status=lead", True)
