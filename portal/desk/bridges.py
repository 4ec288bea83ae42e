"""Rules that join two rooms or parts: which of their records files belong to, which deals contracts open."""

from collections.abc import Callable, Collection
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.files import links
from portal.core.files.links import LinkKind
from portal.core.projects.access import projects_seen, tasks_seen
from portal.core.projects.models import Project, Task
from portal.core.tenancy.models import Organization
from portal.core.tenancy.services import SETTINGS
from portal.crm.access import seen
from portal.crm.contracts.access import contracts_seen
from portal.crm.contracts.choices import IN_FORCE
from portal.crm.contracts.models import Contract
from portal.crm.contracts.renewals import mark_deal, on_expiring
from portal.crm.contracts.selectors import proposed_value
from portal.crm.customers.models import Customer
from portal.crm.sales.services import deal_create
from portal.lab.models import Sample


def _samples(user: User, right: str) -> QuerySet[Sample]:
    rows = Sample.objects.filter(deleted_at=None)
    return rows if user.has_permission(right) else rows.none()


def _page(name: str) -> Callable[[UUID], str]:
    return lambda id: reverse(name, args=[id])


def _projects(user: User, right: str) -> QuerySet[Project]:
    return projects_seen(user) if user.has_permission(right) else Project.objects.none()


def _tasks(user: User, right: str) -> QuerySet[Task]:
    return tasks_seen(user) if user.has_permission(right) else Task.objects.none()


def _customers(user: User, right: str) -> QuerySet[Customer]:
    return seen(user, right, Customer.objects.filter(deleted_at=None))


def _contracts_held(ids: Collection[UUID]) -> str:
    """A contract in force keeps its papers."""
    held = Contract.objects.filter(pk__in=ids, status__in=IN_FORCE, deleted_at=None).first()
    return _("Contract %(number)s is in force and keeps this file.") % {"number": held.number} if held else ""


OPEN_DEALS: Final = "contractsOpenDeals"


def open_deal(contract: Contract) -> None:
    """Where the organisation's setting says so, a contract that begins to expire opens a deal for its person in charge,
    once per contract and end."""
    settings = Organization.objects.values_list("settings", flat=True).get(pk=contract.organization_id)
    by = contract.owner or contract.created_by
    if not settings.get(OPEN_DEALS) or contract.deal_for == contract.end_date:
        return
    if by is None or not by.is_active or not by.has_permission("sales.edit"):
        return
    named = {"number": contract.number, "title": contract.title}
    deal = deal_create(
        data={
            "title": (gettext("Renewal of %(number)s: %(title)s") % named)[:200],
            "customer_id": contract.customer_id,
            "value": proposed_value(contract),
            "currency": contract.currency,
            "fx_rate": None if contract.fx_rate == 1 else contract.fx_rate,
            "expected_close_date": contract.end_date,
        },
        by=by,
    )
    mark_deal(contract, deal.pk)


def register() -> None:
    links.register(*LINKS)
    SETTINGS[OPEN_DEALS] = (lambda value: isinstance(value, bool), _("Enter true or false."))
    on_expiring.append(open_deal)


LINKS = [
    LinkKind(
        kind="project",
        label_plural=_("Projects"),
        visible=lambda user: _projects(user, "projects.view"),
        editable=lambda user: _projects(user, "projects.edit"),
        url=_page("fieldwork:project_detail"),
    ),
    LinkKind(
        kind="task",
        label_plural=_("Tasks"),
        visible=lambda user: _tasks(user, "tasks.view"),
        editable=lambda user: _tasks(user, "tasks.work"),
        url=_page("fieldwork:task_detail"),
    ),
    LinkKind(
        kind="sample",
        label_plural=_("Samples"),
        visible=lambda user: _samples(user, "samples.view"),
        editable=lambda user: _samples(user, "samples.edit"),
        label=lambda sample: sample.code,
        url=_page("lab:sample_detail"),
    ),
    LinkKind(
        kind="contract",
        label_plural=_("Contracts"),
        visible=contracts_seen,
        editable=lambda user: contracts_seen(user, "contracts.edit"),
        label=lambda contract: contract.number,
        url=_page("crm:contract_detail"),
        held=_contracts_held,
    ),
    LinkKind(
        kind="customer",
        label_plural=_("Customers"),
        visible=lambda user: _customers(user, "customers.view"),
        editable=lambda user: _customers(user, "customers.edit"),
        url=_page("crm:customer_detail"),
    ),
]
