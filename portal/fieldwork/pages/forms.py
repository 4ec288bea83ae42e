"""Forms of projects and tasks. Names are the columns'; on the wire they are written `likeThis`."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.projects import access, selectors
from portal.core.projects.choices import (
    OPEN_PROJECT,
    PROJECT_CHANGES,
    TASK_CHANGES,
    ProjectStatus,
    TaskPriority,
    TaskStatus,
)
from portal.core.projects.models import Project, Task
from portal.core.tenancy import scope
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.forms import AUTO, RecordForm, ServiceForm, TickedForm

NOBODY = _("Nobody yet")


def _day(moment: datetime | None) -> date | None:
    return timezone.localtime(moment).date() if moment else None


class ProjectForm(RecordForm):
    names: ClassVar[dict[str, str]] = {"startDate": "start_date", "endDate": "end_date"}

    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(AUTO))
    description = forms.CharField(
        label=_("Description"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 4})
    )
    start_date = DateField(label=_("Start"), required=False, help_text=_("Left empty, the window has no beginning."))
    end_date = DateField(
        label=_("End"), required=False, help_text=_("The last day; left empty, the window stays open.")
    )
    status = forms.ChoiceField(label=_("Status"), choices=ProjectStatus.choices, initial=ProjectStatus.DRAFT)

    def __init__(self, *args: Any, project: Project | None = None, **kwargs: Any) -> None:
        if project is not None:
            kwargs["initial"] = {name: getattr(project, name) for name in ("name", "description", "status", "version")}
            kwargs["initial"] |= {name: _day(getattr(project, name)) for name in ("start_date", "end_date")}
        super().__init__(*args, **kwargs)
        if project is not None:
            field = self.fields["status"]
            assert isinstance(field, forms.ChoiceField)
            ways = (project.status, *PROJECT_CHANGES[project.status])
            field.choices = [(value, label) for value, label in ProjectStatus.choices if value in ways]

    def value(self, name: str) -> Any:
        said = self.cleaned_data[name]
        if name == "start_date" and said:
            return clock.wire(midnight(said))
        if name == "end_date" and said:
            end = day_after(said)
            return clock.wire(end - timedelta(seconds=1)) if end else None
        return super().value(name)


class TaskForm(RecordForm):
    names: ClassVar[dict[str, str]] = {
        "projectId": "project",
        "assignedTo": "assigned_to",
        "dueDate": "due_date",
        "estimatedDuration": "estimated_duration",
    }

    title = forms.CharField(label=_("Title"), max_length=200, widget=forms.TextInput(AUTO))
    project: "forms.ModelChoiceField[Project]" = forms.ModelChoiceField(
        None, label=_("Project"), required=False, empty_label=_("No project")
    )
    assigned_to: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None,
        label=_("Assigned to"),
        required=False,
        empty_label=NOBODY,
        help_text=_("People who see the project and work on tasks."),
    )
    priority = forms.ChoiceField(label=_("Priority"), choices=TaskPriority.choices, initial=TaskPriority.MEDIUM)
    due_date = DateField(label=_("Due"), required=False)
    estimated_duration = forms.IntegerField(
        label=_("Estimated duration (minutes)"), required=False, min_value=1, max_value=525_600
    )
    description = forms.CharField(
        label=_("Description"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 3})
    )
    instructions = forms.CharField(
        label=_("Instructions"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 3})
    )
    requirements = forms.CharField(
        label=_("Requirements"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(AUTO | {"rows": 3}),
        help_text=_("One a line."),
    )

    def __init__(
        self, *args: Any, user: User, task: Task | None = None, project: Project | None = None, **kwargs: Any
    ) -> None:
        if task is not None:
            kept = ("title", "priority", "description", "instructions", "estimated_duration", "version")
            kwargs["initial"] = {name: getattr(task, name) for name in kept} | {
                "project": task.project_id,
                "assigned_to": task.assigned_to_id,
                "due_date": _day(task.due_date),
                "requirements": "\n".join(task.requirements),
            }
        else:
            kwargs["initial"] = {"project": project.pk if project else None}
        super().__init__(*args, **kwargs)
        held = task.project_id if task else None
        rows = access.projects_seen(user).order_by("name", "id")
        choices = rows.filter(status__in=OPEN_PROJECT)
        if held is not None:
            choices |= rows.filter(pk=held)
        self._offer("project", choices)
        if user.has_permission("tasks.edit"):
            people = [p.pk for p in selectors.assignable(project=None)]
            self._offer("assigned_to", User.objects.filter(pk__in=people).order_by("name", "id"))
        else:
            self._offer("assigned_to", User.objects.filter(pk=user.pk))

    def _offer(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows
        field.widget.attrs["data-search"] = ""

    def value(self, name: str) -> Any:
        said = self.cleaned_data[name]
        if name == "due_date":
            return said.isoformat() if said else None
        if name == "requirements":
            return [line.strip() for line in said.splitlines() if line.strip()]
        return super().value(name)


class WorkForm(RecordForm):
    """What the person who has a task says of it."""

    status = forms.ChoiceField(label=_("Status"))
    notes = forms.CharField(
        label=_("Notes"), max_length=20_000, required=False, widget=forms.Textarea(AUTO | {"rows": 4})
    )

    def __init__(self, *args: Any, task: Task, office: bool, **kwargs: Any) -> None:
        kwargs["initial"] = {"status": task.status, "notes": task.notes, "version": task.version}
        super().__init__(*args, **kwargs)
        field = self.fields["status"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = ways(task, office=office)


def ways(task: Task, *, office: bool) -> list[tuple[str, str]]:
    """The status of a task and those that it can go to, for the office or for the person who has it."""
    allowed = {task.status, *TASK_CHANGES[task.status]}
    if not office:
        allowed -= {"cancelled", "pending"} - {task.status}
    if task.assigned_to_id is None:
        allowed -= {"assigned"}
    return [(value, str(label)) for value, label in TaskStatus.choices if value in allowed]


class MemberForm(ServiceForm):
    names: ClassVar[dict[str, str]] = {"userId": "user", "roleInProject": "role_in_project"}

    user: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(None, label=_("Person"))
    role_in_project = forms.CharField(
        label=_("Role in the project"), max_length=100, required=False, widget=forms.TextInput(AUTO)
    )

    def __init__(self, *args: Any, project: Project, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = selectors.member_list(project=project.pk).values("user")
        field = self.fields["user"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = (
            User.objects.filter(organization_id=scope.organization_id(), is_active=True, deleted_at=None)
            .exclude(pk__in=held)
            .order_by("name", "id")
        )
        field.widget.attrs["data-search"] = ""


class BulkForm(TickedForm):
    """One change for all tasks that are ticked."""

    assignee: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        None, label=_("Assign to"), required=False, empty_label=_("Assign to…")
    )
    priority = forms.ChoiceField(
        label=_("Priority"), required=False, choices=[("", _("Priority…")), *TaskPriority.choices]
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("Status…")), *((v, label) for v, label in TaskStatus.choices if v != TaskStatus.ASSIGNED)],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["assignee"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.filter(pk__in=[p.pk for p in selectors.assignable(project=None)]).order_by("name")
        for bound in self.fields.values():
            bound.widget.attrs["class"] = "form-select"

    def changes(self) -> dict[str, Any]:
        said = self.cleaned_data
        found = {name: said[name] for name in ("priority", "status") if said[name]}
        return found | ({"assignedTo": str(said["assignee"].pk)} if said["assignee"] else {})
