"""Tables and filters of projects and tasks."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.projects import access, selectors
from portal.core.projects.choices import ProjectStatus, TaskPriority, TaskStatus
from portal.core.projects.models import Project, Task
from portal.core.tenancy import scope
from portal.fieldwork.templatetags.fieldwork import due, looks, progress, window
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, NumberColumn, Table, TextColumn, TickColumn
from portal.ui.templatetags.marsad import EMPTY, ltr

_ALL = gettext_lazy("All")
LATE = [("yes", gettext_lazy("Overdue")), ("no", gettext_lazy("Not overdue"))]


class DayFilter(django_filters.Filter):
    field_class = DateField


def people(request: HttpRequest | None) -> QuerySet[User]:
    """Everybody of the organisation who may have work, for filters."""
    if request is None:
        return User.objects.none()
    return User.objects.filter(organization_id=scope.organization_id(), deleted_at=None, is_active=True).order_by(
        "name", "id"
    )


def projects(request: HttpRequest | None) -> QuerySet[Project]:
    if request is None:
        return Project.objects.none()
    return access.projects_seen(person(request)).order_by("name", "id")


class ProjectFilter(django_filters.FilterSet):
    """`project_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=ProjectStatus.choices)
    member = django_filters.ModelChoiceFilter(label=gettext_lazy("Member"), queryset=people, empty_label=_ALL)
    since = DayFilter(label=gettext_lazy("Running on or after"))
    until = DayFilter(label=gettext_lazy("Running on or before"))

    def filter_queryset(self, queryset: QuerySet[Project]) -> QuerySet[Project]:
        said = self.form.cleaned_data
        return selectors.with_figures(
            selectors.project_list(
                user=person(self.request),
                search=said.get("q") or "",
                statuses=said.get("status") or (),
                member=said["member"].pk if said.get("member") else None,
                since=midnight(said["since"]) if said.get("since") else None,
                until=day_after(said["until"]) if said.get("until") else None,
            )
        )


class ProjectTable(Table):
    name = TextColumn(linkify=("fieldwork:project_detail", {"project_id": django_tables2.A("pk")}))
    status = django_tables2.Column()
    start_date = django_tables2.Column(verbose_name=gettext_lazy("Window"), empty_values=())
    done = django_tables2.Column(
        verbose_name=gettext_lazy("Tasks done"), accessor="task_total", order_by=("task_total",), empty_values=()
    )
    task_overdue = NumberColumn(verbose_name=gettext_lazy("Overdue"))
    member_total = NumberColumn(verbose_name=gettext_lazy("Members"))
    updated_at = DateTimeColumn(verbose_name=gettext_lazy("Changed"))

    class Meta:
        model = Project
        fields = ("name", "status", "start_date", "done", "task_overdue", "member_total", "updated_at")
        order_by = ("-updated_at",)

    def render_status(self, record: Project) -> SafeString:
        return looks(record.status)

    def render_start_date(self, record: Project) -> SafeString:
        return window(record)

    def render_done(self, record: Any) -> SafeString:
        if not record.task_total:
            return EMPTY
        share = progress(round(100 * record.task_done / record.task_total))
        return format_html(
            '<span class="share-box">{}{}</span>', share, ltr(f"{record.task_done} / {record.task_total}")
        )


class TaskFilter(django_filters.FilterSet):
    """`task_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    project = django_filters.ModelChoiceFilter(label=gettext_lazy("Project"), queryset=projects, empty_label=_ALL)
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=TaskStatus.choices)
    priority = django_filters.MultipleChoiceFilter(label=gettext_lazy("Priority"), choices=TaskPriority.choices)
    assignee = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Assigned to"), queryset=people, empty_label=_ALL, null_label=gettext_lazy("Nobody")
    )
    late = django_filters.ChoiceFilter(label=gettext_lazy("Due date"), choices=LATE, empty_label=_ALL)
    due_from = DayFilter(label=gettext_lazy("Due from"))
    due_to = DayFilter(label=gettext_lazy("Due until"))

    def chosen(self) -> dict[str, Any]:
        """What `task_list` is asked for."""
        said = self.form.cleaned_data
        assignee = said.get("assignee")
        return {
            "search": said.get("q") or "",
            "project": said["project"].pk if said.get("project") else None,
            "statuses": said.get("status") or (),
            "priorities": said.get("priority") or (),
            "assignee": assignee.pk if isinstance(assignee, User) else None,
            "unassigned": assignee == "null",
            "late": {"yes": True, "no": False}.get(said.get("late") or ""),
            "due_from": midnight(said["due_from"]) if said.get("due_from") else None,
            "due_to": day_after(said["due_to"]) if said.get("due_to") else None,
        }

    def filter_queryset(self, queryset: QuerySet[Task]) -> QuerySet[Task]:
        return selectors.task_list(user=person(self.request), **self.chosen()).select_related("project", "assigned_to")


class TaskTable(Table):
    tick = TickColumn("title")
    title = TextColumn(linkify=("fieldwork:task_detail", {"task_id": django_tables2.A("pk")}))
    status = django_tables2.Column()
    priority = django_tables2.Column()
    assigned_to = TextColumn(
        verbose_name=gettext_lazy("Assigned to"), accessor="assigned_to__name", order_by=("assigned_to__name",)
    )
    due_date = django_tables2.Column(empty_values=())
    project = TextColumn(verbose_name=gettext_lazy("Project"), accessor="project__name", order_by=("project__name",))
    updated_at = DateTimeColumn(verbose_name=gettext_lazy("Changed"))

    class Meta:
        model = Task
        fields = ("tick", "title", "status", "priority", "assigned_to", "due_date", "project", "updated_at")
        order_by = ("-updated_at",)

    def __init__(self, *args: Any, inside: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if inside:
            self.columns.hide("project")

    def render_status(self, record: Task) -> SafeString:
        return looks(record.status)

    def render_priority(self, record: Task) -> SafeString:
        return looks(record.priority)

    def render_due_date(self, record: Task) -> SafeString:
        return due(record)
