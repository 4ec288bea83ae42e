"""Reads of projects, members, tasks and comments. `user` is who asks: nobody reads past their own sight (`access`)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from portal.core.accounts import figures
from portal.core.accounts.models import User
from portal.core.audit.models import AuditEntry
from portal.core.common import clock
from portal.core.common.text import normalise
from portal.core.projects import access, wire
from portal.core.projects.choices import OPEN_TASK, PRIORITY_ORDER, ProjectStatus, TaskStatus
from portal.core.projects.models import Project, ProjectMember, Task, TaskComment
from portal.core.sync.registry import Row
from portal.core.tenancy import scope


def project_list(
    *,
    user: User,
    search: str = "",
    statuses: Collection[str] = (),
    member: UUID | None = None,
    created_by: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Project]:
    """Newest first. `since` and `until` (exclusive): projects whose window touches that time, a missing bound is open.
    `search` is contained in name or description, in one spelling."""
    rows = access.projects_seen(user)
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    if statuses:
        rows = rows.filter(status__in=statuses)
    if member is not None:
        rows = rows.filter(pk__in=ProjectMember.objects.filter(user=member).values("project"))
    if created_by is not None:
        rows = rows.filter(created_by=created_by)
    if since is not None:
        rows = rows.filter(Q(end_date=None) | Q(end_date__gte=since))
    if until is not None:
        rows = rows.filter(Q(start_date=None) | Q(start_date__lt=until))
    return rows


def with_figures(projects: QuerySet[Project]) -> QuerySet[Project]:
    """With `task_total`, `task_done`, `task_overdue` and `member_total` of each."""

    def tasks(*wanted: Q) -> Coalesce:
        found = Task.objects.filter(*wanted, project=OuterRef("pk"), deleted_at=None).order_by().values("project")
        return Coalesce(Subquery(found.annotate(n=Count("pk")).values("n")), 0)

    members = ProjectMember.objects.filter(project=OuterRef("pk")).order_by().values("project")
    return projects.annotate(
        task_total=tasks(~Q(status=TaskStatus.CANCELLED)),
        task_done=tasks(Q(status__in=(TaskStatus.COMPLETED, TaskStatus.SUBMITTED))),
        task_overdue=tasks(overdue()),
        member_total=Coalesce(Subquery(members.annotate(n=Count("pk")).values("n")), 0),
    )


def overdue() -> Q:
    """Open tasks whose due date has passed."""
    return Q(status__in=OPEN_TASK, due_date__lt=clock.now())


def task_list(
    *,
    user: User,
    project: UUID | None = None,
    search: str = "",
    statuses: Collection[str] = (),
    priorities: Collection[str] = (),
    assignee: UUID | None = None,
    unassigned: bool = False,
    late: bool | None = None,
    due_from: datetime | None = None,
    due_to: datetime | None = None,
) -> QuerySet[Task]:
    """Newest first. `due_to` is exclusive, `late`: overdue ones, or the others."""
    rows = access.tasks_seen(user)
    if project is not None:
        rows = rows.filter(project=project)
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    if statuses:
        rows = rows.filter(status__in=statuses)
    if priorities:
        rows = rows.filter(priority__in=priorities)
    if assignee is not None:
        rows = rows.filter(assigned_to=assignee)
    if unassigned:
        rows = rows.filter(assigned_to=None)
    if late is not None:
        rows = rows.filter(overdue()) if late else rows.exclude(pk__in=Task.objects.filter(overdue()).values("pk"))
    if due_from is not None:
        rows = rows.filter(due_date__gte=due_from)
    if due_to is not None:
        rows = rows.filter(due_date__lt=due_to)
    return rows


def urgency() -> Case:
    """0 for the lowest priority."""
    order = [When(priority=name, then=Value(place)) for place, name in enumerate(PRIORITY_ORDER)]
    return Case(*order, default=Value(0), output_field=IntegerField())


def my_tasks(user: User) -> QuerySet[Task]:
    """What the person has to do: overdue first, then by due date, those without one last, urgent before the rest."""
    rows = access.tasks_seen(user).filter(assigned_to=user, status__in=OPEN_TASK).select_related("project")
    return rows.order_by("due_date", urgency().desc(), "-created_at", "-id")


def member_list(*, project: UUID) -> QuerySet[ProjectMember]:
    rows: QuerySet[ProjectMember] = ProjectMember.objects.filter(project=project, user__deleted_at=None)
    return rows.select_related("user__role").order_by("user__name", "id")


def assignable(*, project: UUID | None) -> list[User]:
    """The people to whom tasks of a project (None: of none) can be given, by name."""
    people = (
        User.objects.select_related("role")
        .filter(organization_id=scope.organization_id(), is_active=True, deleted_at=None)
        .order_by("name", "id")
    )
    if project is not None:
        members = ProjectMember.objects.filter(project=project).values("user")
        people = people.filter(Q(all_projects=True) | Q(pk__in=members))
    return [person for person in people if person.has_permission("tasks.work")]


def comment_list(*, task: UUID) -> QuerySet[TaskComment]:
    rows: QuerySet[TaskComment] = TaskComment.objects.filter(task=task, deleted_at=None).select_related("author")
    return rows.order_by("created_at", "id")


def task_history(*, task: UUID) -> QuerySet[AuditEntry]:
    """Everything that happened to a task and its comments, newest first."""
    comments = [str(id) for id in TaskComment.objects.filter(task=task).values_list("pk", flat=True)]
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(
        Q(entity="task", object_pk=str(task)) | Q(entity="task_comment", object_pk__in=comments)
    )
    return rows.order_by("-timestamp", "-id")


def project_history(*, project: UUID) -> QuerySet[AuditEntry]:
    """What happened to a project itself, newest first."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(entity="project", object_pk=str(project))
    return rows.order_by("-timestamp", "-id")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the tasks that somebody sees: how many per status, overdue, and without an assignee."""

    by_status: dict[str, int]
    overdue: int
    unassigned: int

    @property
    def total(self) -> int:
        return sum(count for status, count in self.by_status.items() if status != TaskStatus.CANCELLED)

    @property
    def done(self) -> int:
        return self.by_status[TaskStatus.COMPLETED] + self.by_status[TaskStatus.SUBMITTED]

    @property
    def percent(self) -> int:
        return round(100 * self.done / self.total) if self.total else 0


def task_figures(tasks: QuerySet[Task]) -> Figures:
    """One query."""
    counts: dict[str, Any] = {f"s_{status}": Count("pk", filter=Q(status=status)) for status in TaskStatus.values}
    found = tasks.order_by().aggregate(
        **counts,
        late=Count("pk", filter=overdue()),
        free=Count("pk", filter=Q(assigned_to=None, status__in=OPEN_TASK)),
    )
    return Figures({status: found[f"s_{status}"] for status in TaskStatus.values}, found["late"], found["free"])


def figures_of_platform() -> figures.Projects:
    """`accounts.figures.Projects`; called in the platform scope."""
    counts = dict(Project.objects.filter(deleted_at=None).order_by().values_list("status").annotate(n=Count("pk")))
    return figures.Projects(*(counts.get(status, 0) for status in ProjectStatus.values))


def plain(rows: QuerySet[Any]) -> QuerySet[Any, Row]:
    """Rows as `wire` takes them."""
    return rows.values(*(field.attname for field in rows.model._meta.concrete_fields))


def project_card(*, user: User, id: UUID) -> dict[str, Any]:
    """On the wire, with figures of its tasks. Raises NotFound."""
    project = access.project_for(user, id)
    return wire.projects(list(plain(Project.objects.filter(pk=project.pk))))[0]


def task_card(*, user: User, id: UUID) -> dict[str, Any]:
    """On the wire. Raises NotFound."""
    task = access.task_for(user, id)
    return wire.tasks(list(plain(Task.objects.filter(pk=task.pk))))[0]


def labels(projects: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of projects, deleted ones too, for records that point to them."""
    wanted: Sequence[UUID] = [id for id in projects if id is not None]
    return dict(Project.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}
