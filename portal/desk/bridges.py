"""Rules that join two rooms: which of their records files belong to."""

from collections.abc import Callable
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.files.links import LinkKind
from portal.core.projects.access import projects_seen, tasks_seen
from portal.core.projects.models import Project, Task
from portal.crm.access import seen
from portal.crm.customers.models import Customer
from portal.crm.tickets import access as tickets
from portal.crm.tickets.models import Ticket
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


def _tickets(user: User, right: str) -> QuerySet[Ticket]:
    return tickets.tickets_seen(user, right)


def _internal(user: User, right: str) -> QuerySet[Ticket]:
    """Files of internal comments hang on the right to read those."""
    return _tickets(user, right) if user.has_permission("tickets.internal") else Ticket.objects.none()


def _customers(user: User, right: str) -> QuerySet[Customer]:
    return seen(user, right, Customer.objects.filter(deleted_at=None))


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
        kind="ticket",
        label_plural=_("Tickets"),
        visible=lambda user: _tickets(user, "tickets.view"),
        editable=lambda user: _tickets(user, "tickets.work"),
        url=_page("crm:ticket_detail"),
    ),
    LinkKind(
        kind="ticket_internal",
        label_plural=_("Tickets, internal"),
        visible=lambda user: _internal(user, "tickets.view"),
        editable=lambda user: _internal(user, "tickets.work"),
        url=_page("crm:ticket_detail"),
    ),
    LinkKind(
        kind="customer",
        label_plural=_("Customers"),
        visible=lambda user: _customers(user, "customers.view"),
        editable=lambda user: _customers(user, "customers.edit"),
        url=_page("crm:customer_detail"),
    ),
]
