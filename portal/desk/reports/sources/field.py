"""Tasks, images, submissions of forms, and the audit log."""

from typing import Any, Final
from uuid import UUID

from django.db.models import (
    BooleanField,
    DateField,
    DateTimeField,
    DecimalField,
    Expression,
    ExpressionWrapper,
    F,
    Field,
    Func,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.collect.charts.axes import Axis, axes
from portal.collect.forms.selectors import forms_seen
from portal.collect.language.schema import words
from portal.collect.submissions.choices import ReviewState
from portal.collect.submissions.selectors import submissions_seen
from portal.core.accounts.models import User
from portal.core.audit.models import Action, Outcome
from portal.core.audit.selectors import entry_list
from portal.core.common.errors import Invalid
from portal.core.projects.choices import TaskPriority, TaskStatus
from portal.core.projects.selectors import overdue, task_list
from portal.desk.reports.sources import Column, Kind, Source, boolean, choice, moment, number, someone, text
from portal.fieldwork.images.models import Image
from portal.fieldwork.images.selectors import images_seen

ANSWERS: Final = "answers."


def _tasks(user: User) -> QuerySet[Any]:
    return task_list(user=user)


def _entries(user: User) -> QuerySet[Any]:
    return entry_list()


def holds(condition: Q) -> Expression:
    return ExpressionWrapper(condition, output_field=BooleanField())


TASKS = Source(
    key="tasks",
    label=gettext_lazy("Tasks"),
    icon="checklist",
    permission="tasks.view",
    rows=_tasks,
    columns=(
        text("title", gettext_lazy("Title")),
        text("project", gettext_lazy("Project"), "project__name"),
        choice("status", gettext_lazy("Status"), choices=lambda: TaskStatus.choices),
        choice("priority", gettext_lazy("Priority"), choices=lambda: TaskPriority.choices),
        someone("assignedTo", gettext_lazy("Assigned to"), "assigned_to"),
        moment("dueDate", gettext_lazy("Due"), "due_date"),
        boolean("overdue", gettext_lazy("Overdue"), build=lambda: holds(overdue())),
        moment("assignedAt", gettext_lazy("Assigned"), "assigned_at"),
        number("estimatedDuration", gettext_lazy("Estimated duration (minutes)"), "estimated_duration"),
        someone("createdBy", gettext_lazy("Created by"), "created_by"),
        moment("createdAt", gettext_lazy("Created"), "created_at"),
        moment("updatedAt", gettext_lazy("Changed"), "updated_at"),
    ),
    usual=("title", "project", "status", "priority", "assignedTo", "dueDate"),
    time="createdAt",
    order=("createdAt", True),
    page="fieldwork:task_detail",
)

IMAGES = Source(
    key="images",
    label=gettext_lazy("Images"),
    icon="photo",
    permission="images.view",
    rows=images_seen,
    columns=(
        text("filename", gettext_lazy("Name of the file"), "file__filename"),
        text("project", gettext_lazy("Project"), "project__name"),
        text("task", gettext_lazy("Task"), "task__title"),
        someone("uploadedBy", gettext_lazy("Uploaded by"), "uploaded_by"),
        moment("takenAt", gettext_lazy("Taken"), "taken_at"),
        moment("createdAt", gettext_lazy("Uploaded"), "created_at"),
        choice("status", gettext_lazy("Status"), choices=lambda: Image.Status.choices),
        boolean("flagged", gettext_lazy("Flagged"), build=lambda: holds(~Q(flags=[]))),
        number("latitude", gettext_lazy("Latitude")),
        number("longitude", gettext_lazy("Longitude")),
        number("width", gettext_lazy("Width (pixels)")),
        number("height", gettext_lazy("Height (pixels)")),
    ),
    usual=("filename", "project", "task", "uploadedBy", "takenAt", "status"),
    time="takenAt",
    order=("createdAt", True),
    page="images:detail",
)

AUDIT = Source(
    key="audit",
    label=gettext_lazy("Audit log"),
    icon="shield-check",
    permission="audit.view",
    rows=_entries,
    columns=(
        moment("timestamp", gettext_lazy("Time")),
        choice(
            "action",
            gettext_lazy("Action"),
            build=lambda: Cast("action", TextField()),
            choices=lambda: Action.choices,
        ),
        text("resource", gettext_lazy("Kind of record"), "entity"),
        text("record", gettext_lazy("Record"), "object_repr"),
        text("person", gettext_lazy("Person"), "actor_name"),
        text("role", gettext_lazy("Role"), "actor_role"),
        choice("outcome", gettext_lazy("Outcome"), choices=lambda: Outcome.choices),
        text("via", gettext_lazy("Way in"), "via"),
    ),
    usual=("timestamp", "person", "action", "resource", "record", "outcome"),
    time="timestamp",
    order=("timestamp", True),
    page="audit:entry_detail",
)


# --- answers of a form ------------------------------------------------------------------------------------
# What is not of its question's kind (an old version of the form, an import) counts as no answer, and makes no cast
# fail. A day that no calendar knows is none.
_DAY: Final = r"(?!0000|0001|9999)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME: Final = r"[Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d{1,9})?)?([Zz]|[+-](0\d|1[0-4]):?[0-5]\d)"
_CALENDAR: Final = (
    "(SELECT CASE WHEN t ~ '^{pattern}$' THEN CASE WHEN substr(t, 9, 2)::int <= date_part('day', make_date("
    "substr(t, 1, 4)::int, substr(t, 6, 2)::int, 1) + interval '1 month - 1 day') THEN replace(t, ',', '.')::{type}"
    " END END FROM (SELECT %(expressions)s) AS r (t))"
)
_MANY: Final = (
    "(SELECT string_agg(e, ', ') FROM (SELECT %(expressions)s) AS r (t), jsonb_array_elements_text("
    "CASE WHEN jsonb_typeof(t) = 'array' THEN t ELSE '[]' END) AS x (e))"
)
_TEXT: Final = "nullif(%(expressions)s, '')"
_TEMPLATES: "Final[dict[str, tuple[Kind, str, str, Field[Any, Any]]]]" = {
    "number": (
        "number",
        "->",
        "(SELECT CASE WHEN jsonb_typeof(t) = 'number' THEN t::numeric END FROM (SELECT %(expressions)s) AS r (t))",
        DecimalField(max_digits=40, decimal_places=20),
    ),
    "boolean": (
        "boolean",
        "->",
        "(SELECT CASE WHEN jsonb_typeof(t) = 'boolean' THEN t::boolean END FROM (SELECT %(expressions)s) AS r (t))",
        BooleanField(null=True),
    ),
    "text": ("text", "->>", _TEXT, TextField()),
    "choice": ("choice", "->>", _TEXT, TextField()),
    "many": (
        "text",
        "->",
        _MANY,
        TextField(),
    ),
    "date": ("date", "->>", _CALENDAR.format(pattern=_DAY, type="date"), DateField()),
    "moment": ("moment", "->>", _CALENDAR.format(pattern=_DAY + _TIME, type="timestamptz"), DateTimeField()),
}


class _Answer(Func):
    """`answers -> id` or `answers ->> id`."""

    arity = 2

    def __init__(self, question: str, operator: str) -> None:
        super().__init__(F("answers"), Value(question, TextField()), output_field=TextField())
        self.template, self.arg_joiner = "(%(expressions)s)", f" {operator} "


def _answer(axis: Axis) -> Column:
    kind, operator, template, field = _TEMPLATES[axis.kind]

    def build() -> Expression:
        return Func(_Answer(axis.id, operator), template=template, output_field=field)

    choices = [(value, words(label)) for value, label in axis.options]
    return Column(
        ANSWERS + axis.id, axis.name, kind, build=build, choices=(lambda: choices) if kind == "choice" else None
    )


def _answers(user: User, form: UUID) -> list[Column]:
    found = forms_seen(user).filter(pk=form, version__gt=0).first()
    if found is None:
        raise Invalid.field("form", _("There is no such form."))
    offered = axes(found).values()
    return [_answer(axis) for axis in offered if not axis.column and not axis.inside and axis.kind in _TEMPLATES]


SUBMISSIONS = Source(
    key="submissions",
    label=gettext_lazy("Submissions"),
    icon="forms",
    permission="submissions.view",
    rows=submissions_seen,
    columns=(
        text("form", gettext_lazy("Form"), "form__name"),
        text("project", gettext_lazy("Project"), "project__name"),
        moment("createdAt", gettext_lazy("Captured"), "created_at"),
        moment("syncedAt", gettext_lazy("Arrived"), "synced_at"),
        someone("submittedBy", gettext_lazy("Submitted by"), "submitted_by"),
        choice("reviewState", gettext_lazy("Review"), "review_state", choices=lambda: ReviewState.choices),
        someone("reviewedBy", gettext_lazy("Reviewed by"), "reviewed_by"),
        boolean("flagged", gettext_lazy("Flagged"), build=lambda: holds(~Q(flags=[]))),
        number("formVersion", gettext_lazy("Version of the form"), "form_version"),
        number("latitude", gettext_lazy("Latitude")),
        number("longitude", gettext_lazy("Longitude")),
    ),
    usual=("form", "project", "createdAt", "submittedBy", "reviewState"),
    time="createdAt",
    order=("createdAt", True),
    page="collect:submission_detail",
    more=_answers,
)
