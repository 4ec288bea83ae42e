"""Rules that join two rooms: which of their records files belong to, and what submissions of forms create."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.collect.submissions.models import Submission
from portal.collect.submissions.selectors import submissions_seen
from portal.collect.submissions.targets import Made, Target, Wanted
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.ids import uuid7
from portal.core.files.links import LinkKind
from portal.core.projects.access import projects_seen, tasks_seen
from portal.core.projects.models import Project, Task
from portal.core.sync import engine
from portal.core.sync.engine import Change
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


def _submissions(user: User, right: str) -> QuerySet[Submission]:
    """One's own, and with the right to correct all those of one's projects."""
    if not user.has_permission(right):
        return Submission.objects.none()
    rows = submissions_seen(user)
    return rows.filter(submitted_by=user) if user.grants.get(right) == "own" else rows


def _create(
    entity: str, usual: Callable[[Wanted, User], dict[str, Any]]
) -> Callable[[Sequence[Wanted], User], list[Made]]:
    """Records that the organisation's own mapping asks for: written by the program, whatever the person may do."""

    def create(wanted: Sequence[Wanted], by: User) -> list[Made]:
        changes = []
        for number, one in enumerate(wanted):
            said = {name: value for name, value in one.data.items() if value is not None}
            place = {} if one.latitude is None else {"latitude": one.latitude, "longitude": one.longitude}
            data = {
                "projectId": str(one.project),
                "localSyncId": f"submission/{one.submission}",
                **(place if entity == "sample" else {}),
                **usual(one, by),
                **said,
            }
            changes.append(Change(entity, uuid7(), "created", data, index=number))
        engine.apply(changes, user=None)
        return [Made(None, change.errors[0].message) if change.errors else Made(change.id) for change in changes]

    return create


TARGETS = {
    "sample": Target(
        label=_("Sample"),
        fields=frozenset(
            {
                "type",
                "location",
                "collectionDate",
                "collectorName",
                "code",
                "samplingPointId",
                "latitude",
                "longitude",
                "notes",
            }
        ),
        create=_create(
            "sample", lambda one, by: {"collectionDate": clock.wire(one.captured), "collectorName": by.name[:150]}
        ),
        url=_page("lab:sample_detail"),
    ),
    "task": Target(
        label=_("Task"),
        fields=frozenset({"title", "description", "instructions", "priority", "dueDate", "notes"}),
        create=_create("task", lambda one, by: {}),
        url=_page("fieldwork:task_detail"),
    ),
}
LINKS = [
    LinkKind(
        kind="submission",
        label_plural=_("Submissions"),
        visible=lambda user: _submissions(user, "submissions.view"),
        editable=lambda user: _submissions(user, "submissions.edit"),
        url=_page("collect:submission_detail"),
    ),
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
]
