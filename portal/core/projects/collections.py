"""Projects and tasks as synced collections: how items are checked, and what follows from them."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.text import normalise
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.projects import access, wire
from portal.core.projects.choices import (
    CLOSED_ALIAS,
    OPEN_PROJECT,
    PROJECT_CHANGES,
    TASK_CHANGES,
    ProjectStatus,
    TaskPriority,
    TaskStatus,
)
from portal.core.projects.models import Project, ProjectMember, Task
from portal.core.sync import fields, registry
from portal.core.sync.engine import Batch, Change
from portal.core.sync.fields import Field, Refused
from portal.core.sync.registry import Collection, Row
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

# Filled by rooms whose records hang on tasks: each may refuse changes of a batch, whose `row` is what would be written.
guards: list[Callable[[Batch, list[Change]], None]] = []
_METADATA_LENGTH = 65_536
_REQUIREMENTS = 100


def _status(value: Any, zone: str) -> str:
    """A status in any case; `Closed` of specification 003 writes Completed (C40)."""
    said = value.strip().lower() if isinstance(value, str) else ""
    if said == CLOSED_ALIAS:
        return ProjectStatus.COMPLETED.value
    return _CHOICE_OF_STATUS(next((s for s in ProjectStatus.values if s.lower() == said), value), zone)  # type: ignore[no-any-return]


_CHOICE_OF_STATUS = fields.choice(ProjectStatus.values)


def _document(value: Any, zone: str) -> Any:
    """An object, or one as JSON text (C47)."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise Refused(_("Must be a JSON object.")) from None
    if not isinstance(value, dict):
        raise Refused(_("Must be a JSON object."))
    text = json.dumps(value, default=str)
    if len(text) > _METADATA_LENGTH or "\\u0000" in text:
        raise Refused(_("Must have at most %(limit)d characters.") % {"limit": _METADATA_LENGTH})
    return json.loads(text)


def _texts(value: Any, zone: str) -> list[str]:
    if not isinstance(value, list) or len(value) > _REQUIREMENTS:
        raise Refused(_("Must be a list of at most %(limit)d texts.") % {"limit": _REQUIREMENTS})
    parse = fields.text(500)
    return [text for item in value if (text := parse(item, zone))]


def _due(value: Any, zone: str) -> Any:
    """A moment; a bare date means the end of that day, so that nothing is overdue on its last day."""
    day = clock.parse_date(value)
    moment = fields.moment(value, zone)
    return moment + timedelta(days=1, seconds=-1) if day else moment


def _minutes(value: Any, zone: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 525_600:
        raise Refused(_("Must be a whole number from %(low)d to %(high)d.") % {"low": 1, "high": 525_600})
    return value


PROJECT_FIELDS = fields.fields(
    Field("name", "name", fields.text(200), required=True),
    Field("description", "description", fields.text(20_000), empty=""),
    Field("startDate", "start_date", fields.moment, aliases=("start_date",)),
    Field("endDate", "end_date", fields.moment, aliases=("end_date",)),
    Field("status", "status", _status, empty=ProjectStatus.DRAFT.value),
    Field("metadata", "metadata", _document, empty={}),
    Field("localSyncId", "local_sync_id", fields.text(64), aliases=("local_sync_id",)),
)
TASK_FIELDS = fields.fields(
    Field("projectId", "project_id", fields.reference, aliases=("project_id",)),
    Field("title", "title", fields.text(200), required=True, aliases=("name",)),
    Field("description", "description", fields.text(20_000), empty=""),
    Field("instructions", "instructions", fields.text(20_000), empty=""),
    Field("requirements", "requirements", _texts, empty=[]),
    Field("status", "status", fields.choice(TaskStatus.values), empty=TaskStatus.PENDING.value),
    Field("priority", "priority", fields.choice(TaskPriority.values), empty=TaskPriority.MEDIUM.value),
    Field(
        "assignedTo",
        "assigned_to_id",
        fields.reference,
        aliases=("assigned_to", "assignedToUserId", "assigneeId", "technicianId"),
    ),
    Field("dueDate", "due_date", _due, aliases=("due_date",)),
    Field("estimatedDuration", "estimated_duration", _minutes, aliases=("estimated_duration",)),
    Field("notes", "notes", fields.text(20_000), empty=""),
    Field("localSyncId", "local_sync_id", fields.text(64), aliases=("local_sync_id",)),
)
_ASSIGNEE = frozenset(name for name, field in TASK_FIELDS.named.items() if field.column == "assigned_to_id")
_NEW_ROW: Row = {
    "created_at": None,
    "updated_at": None,
    "created_by_id": None,
    "updated_by_id": None,
    "deleted_at": None,
    "deleted_by_id": None,
    "client_updated_at": None,
    "local_sync_id": None,
    "search_text": "",
}
# What a person without `tasks.edit` may write of their own tasks (pages.md), and where they may take them.
_WORK = frozenset({"status", "notes"})
_WORK_STATUS = frozenset({"assigned", "in_progress", "completed", "submitted"})


def validate_projects(batch: Batch, changes: Sequence[Change]) -> None:
    zone, user = _zone(batch), _user(batch)
    _refuse_unseen(changes, user, access.visible_projects)
    for change in changes:
        row = _read(change, PROJECT_FIELDS, zone, {})
        if row["start_date"] and row["end_date"] and row["end_date"] <= row["start_date"]:
            change.refuse("VALIDATION_ERROR", _("End date must be after start date."), "endDate")
        _refuse_jump(change, row, PROJECT_CHANGES)
        change.row = row


def validate_tasks(batch: Batch, changes: Sequence[Change]) -> None:
    zone, user = _zone(batch), _user(batch)
    _refuse_unseen(changes, user, access.visible_tasks)
    for change in changes:
        row = _read(change, TASK_FIELDS, zone, {"assigned_at": None})
        _settle(change, row)
        _refuse_jump(change, row, TASK_CHANGES)
        change.row = row
    _refuse_projects(batch, changes, user)
    _refuse_people(batch, changes)
    for guard in guards:
        guard(batch, [change for change in changes if change.open])
    if user is not None and not user.has_permission("tasks.edit"):
        for change in changes:
            if change.open:
                _refuse_beyond_work(change, user)


def _read(change: Change, known: fields.Fields, zone: str, computed: Row) -> Row:
    current = change.current
    columns = fields.read(change.data, known, zone=zone, complete=current is None, refuse=change.refuse)
    if current is not None:
        columns.pop("local_sync_id", None)
    empty = {field.column: field.empty for field in known.all}
    return (current or {**empty, "id": change.id, **_NEW_ROW, **computed}) | columns


def _refuse_unseen(changes: Sequence[Change], user: User | None, seen: Any) -> None:
    known = {change.id: change for change in changes if change.current is not None}
    if user is not None and known:
        for id in known.keys() - seen(user, list(known)):
            known[id].refuse("RESOURCE_NOT_FOUND", _("There is no such record."), "entityId")


def _settle(change: Change, row: Row) -> None:
    """A task with an assignee is not pending, one without is not assigned; who says one means the other."""
    if row["status"] == TaskStatus.PENDING and row["assigned_to_id"] is not None:
        only_status = change.current is not None and "status" in change.data and not _ASSIGNEE & change.data.keys()
        if only_status:
            row["assigned_to_id"] = None
        else:
            row["status"] = TaskStatus.ASSIGNED.value
    elif row["status"] == TaskStatus.ASSIGNED and row["assigned_to_id"] is None:
        if "status" in change.data and (change.current is None or change.current["status"] != TaskStatus.ASSIGNED):
            change.refuse("VALIDATION_ERROR", _("Say to whom the task is assigned."), "assignedTo")
        row["status"] = TaskStatus.PENDING.value


def _refuse_jump(change: Change, row: Row, allowed: dict[str, tuple[str, ...]]) -> None:
    before = change.current
    if before is None or before["status"] == row["status"] or row["status"] in allowed[before["status"]]:
        return
    ways = allowed[before["status"]]
    message = _("From %(before)s the status can change to: %(allowed)s.") % {
        "before": before["status"],
        "allowed": ", ".join(ways),
    }
    change.refuse("ILLEGAL_TRANSITION", message, "status", allowed=ways)


def _refuse_projects(batch: Batch, changes: Sequence[Change], user: User | None) -> None:
    """A task comes into a project that lives, is open and is seen by whoever writes."""
    moved = [
        change
        for change in changes
        if change.open
        and change.row
        and change.row["project_id"]
        and (change.current is None or change.current["project_id"] != change.row["project_id"])
    ]
    if not moved:
        return
    wanted = {change.row["project_id"] for change in moved if change.row}
    states = dict(Project.objects.filter(pk__in=wanted, deleted_at=None).values_list("pk", "status"))
    if user is not None:
        seen = access.visible_projects(user, list(states))
        states = {id: status for id, status in states.items() if id in seen}
    arriving = {c.id: c.row["status"] for c in batch.of("project") if c.open and c.row and c.operation != "deleted"}
    for change in moved:
        assert change.row is not None
        status = arriving.get(change.row["project_id"], states.get(change.row["project_id"]))
        if status is None:
            change.refuse("VALIDATION_ERROR", _("There is no such project."), "projectId")
        elif status not in OPEN_PROJECT:
            change.refuse("PROJECT_CLOSED", _("This project is closed: it takes no more tasks."), "projectId")


def _refuse_people(batch: Batch, changes: Sequence[Change]) -> None:
    """A task is given to somebody who works: active, with the right, and a member where that is needed."""
    given = [
        change
        for change in changes
        if change.open
        and change.row
        and change.row["assigned_to_id"]
        and (
            change.current is None
            or any(change.current[name] != change.row[name] for name in ("assigned_to_id", "project_id"))
        )
    ]
    if not given:
        return
    wanted = {change.row["assigned_to_id"] for change in given if change.row}
    people = {person.pk: person for person in User.objects.select_related("role").filter(pk__in=wanted)}
    known: dict[tuple[UUID, UUID | None], bool] = {}
    for change in given:
        assert change.row is not None
        pair = (change.row["assigned_to_id"], change.row["project_id"])
        if pair not in known:
            person = people.get(pair[0])
            known[pair] = (
                person is not None
                and person.organization_id == scope.organization_id()
                and access.may_work_in(person, pair[1])
            )
        if not known[pair]:
            message = _("Tasks can be given to people who work in the project, and this person does not.")
            change.refuse("VALIDATION_ERROR", message, "assignedTo")


def _refuse_beyond_work(change: Change, user: User) -> None:
    """Without `tasks.edit`: new tasks for oneself or nobody, then status and notes of one's own."""
    row, current = change.row, change.current
    assert row is not None
    if current is None:
        if row["assigned_to_id"] not in (None, user.pk):
            change.refuse("PERMISSION_DENIED", _("You may not give tasks to other people."), "assignedTo")
        return
    changed = [f for f in TASK_FIELDS.all if f.column != "local_sync_id" and row[f.column] != current[f.column]]
    own = current["assigned_to_id"] == user.pk or (
        current["assigned_to_id"] is None and current["created_by_id"] == user.pk
    )
    for field in changed:
        if not own or field.column not in _WORK:
            message = _("Of a task of yours you may change the status and the notes, of other tasks nothing.")
            change.refuse("PERMISSION_DENIED", message, field.wire)
        elif field.column == "status" and row["status"] not in _WORK_STATUS:
            change.refuse("PERMISSION_DENIED", _("You do not have the right to do this."), "status")


def derive(batch: Batch) -> None:
    """Fill what the server computes and take tasks along with their project."""
    if not batch.writes.get("project") and not batch.writes.get("task"):
        return
    _cascade(batch)
    _refuse_orphans(batch)
    for row in batch.writes["project"].values():
        row["search_text"] = "\n".join(normalise(text) for text in (row["name"], row["description"][:2000]))
    for id, row in batch.writes["task"].items():
        before = batch.before["task"].get(id)
        if before is None or before["assigned_to_id"] != row["assigned_to_id"]:
            row["assigned_at"] = batch.received if row["assigned_to_id"] else None
        row["search_text"] = "\n".join(normalise(text) for text in (row["title"], row["description"][:2000]))


def _cascade(batch: Batch) -> None:
    """A deleted project takes its tasks with it, a restored one brings back those that went with it."""
    died, rose = {}, {}
    for id, row in batch.writes["project"].items():
        before = batch.before["project"].get(id)
        if before is not None and before["deleted_at"] is None and row["deleted_at"] is not None:
            died[id] = row
        elif before is not None and before["deleted_at"] is not None and row["deleted_at"] is None:
            rose[id] = before["deleted_at"]
    if not died and not rose:
        return
    for id, stored in registry.get("task").rows([*died, *rose], by="project_id").items():
        row = dict(batch.writes["task"].get(id, stored))
        parent = row["project_id"]
        if parent in died and row["deleted_at"] is None:
            row |= {name: died[parent][name] for name in ("deleted_at", "deleted_by_id", "client_updated_at")}
        elif parent in rose and row["deleted_at"] == rose[parent]:
            row |= {"deleted_at": None, "deleted_by_id": None, "client_updated_at": batch.received}
        else:
            continue
        batch.write("task", row, stored)


def _refuse_orphans(batch: Batch) -> None:
    """Tasks whose project goes with this batch, or went while it waited for its turn."""
    projects, written = batch.writes["project"], batch.writes["task"]
    parents = {row["project_id"] for row in written.values()} - {None}
    gone = parents - set(projects)
    gone -= set(Project.objects.filter(pk__in=gone, deleted_at=None).values_list("pk", flat=True))
    gone |= {id for id in parents & set(projects) if projects[id]["deleted_at"] is not None}
    for change in batch.of("task"):
        row = written.get(change.id)
        if row is not None and row["deleted_at"] is None and row["project_id"] in gone:
            del written[change.id]
            change.refuse("RESOURCE_NOT_FOUND", _("There is no such project."), "projectId")


def announce(batch: Batch) -> None:
    """Live events, one per kind, person and project; and whoever makes a project sees it."""
    _join_own(batch)
    for id, row in batch.writes.get("project", {}).items():
        before = batch.before["project"].get(id)
        if before is not None and before["status"] != row["status"]:
            data = {"status": row["status"], "former": before["status"], "name": row["name"]}
            publish("project.status", entity="project", id=id, data=data, project=id)
        elif before is not None:
            publish("project.updated", entity="project", id=id, project=id, data={"deleted": bool(row["deleted_at"])})
    if written := batch.writes.get("project"):
        publish("projects.changed", entity="project", id=_only(written), data={"ids": _some(written)})
    _announce_tasks(batch)


def _announce_tasks(batch: Batch) -> None:
    told: dict[tuple[str, UUID | None, UUID | None], list[UUID]] = defaultdict(list)
    written = batch.writes.get("task") or {}
    for id, row in written.items():
        before = batch.before["task"].get(id)
        former = before["assigned_to_id"] if before else None
        assigned = row["assigned_to_id"] is not None and row["assigned_to_id"] != former
        told["task.assigned" if assigned else "task.updated", row["assigned_to_id"], row["project_id"]].append(id)
        if former is not None and former != row["assigned_to_id"]:
            told["task.updated", former, None].append(id)
    for (kind, person, project), ids in told.items():
        if person is None and project is None:
            continue
        one = written[ids[0]] if len(ids) == 1 else None
        data: dict[str, Any] = {"ids": _some(ids), "count": len(ids), "projectId": str(project) if project else None}
        if one is not None:
            data |= {"title": one["title"], "status": one["status"], "assignedTo": str(person) if person else None}
        publish(kind, entity="task", id=_only(ids), data=data, users=[person] if person else [], project=project)
        if kind == "task.assigned" and person != batch.user:
            first = {"title": written[ids[0]]["title"]}
            notify("task.assigned", recipients=[person], data=first, subject=("task", ids[0]), times=len(ids))
    if written:
        publish("tasks.changed", entity="task", id=_only(written), data={"ids": _some(written)})


def _only(ids: Any) -> UUID | None:
    found = list(ids)
    return found[0] if len(found) == 1 else None


def _some(ids: Any) -> list[str]:
    return [str(id) for id in list(ids)[:50]]


def _join_own(batch: Batch) -> None:
    made = [c.id for c in batch.of("project") if c.status == "created"]
    user = _user(batch) if made else None
    if user is not None and not access.sees_all_projects(user):
        organization = scope.organization_id()
        ProjectMember.objects.bulk_create(
            [ProjectMember(organization_id=organization, project_id=id, user=user) for id in made],
            ignore_conflicts=True,
        )


def _user(batch: Batch) -> User | None:
    """Who writes; None for the program itself and for a SuperAdmin, whom no organisation sees: they may all."""
    if batch.user is None:
        return None
    if "writer" not in batch.cache:
        batch.cache["writer"] = User.objects.select_related("role").filter(pk=batch.user).first()
    return batch.cache["writer"]  # type: ignore[no-any-return]


def _zone(batch: Batch) -> str:
    if "zone" not in batch.cache:
        zones = Organization.objects.values_list("time_zone", flat=True)
        batch.cache["zone"] = zones.get(pk=scope.organization_id())
    return batch.cache["zone"]  # type: ignore[no-any-return]


def register() -> None:
    registry.register(
        Collection(
            entity="project",
            plural="projects",
            label=gettext_lazy("Project"),
            model=Project,
            order=2,
            view="projects.view",
            edit="projects.edit",
            delete="projects.delete",
            content=("name", "description", "start_date", "end_date", "status", "metadata"),
            validate=validate_projects,
            derive=derive,
            wire=wire.projects,
            announce=announce,
            visible=access.visible_projects,
            reach=access.reach,
            validate_deletions=lambda batch, changes: _refuse_unseen(changes, _user(batch), access.visible_projects),
        )
    )
    registry.register(
        Collection(
            entity="task",
            plural="tasks",
            label=gettext_lazy("Task"),
            model=Task,
            order=4,
            view="tasks.view",
            edit="tasks.work",
            delete="tasks.delete",
            content=(
                "project_id", "title", "description", "instructions", "requirements", "status", "priority",
                "assigned_to_id", "due_date", "estimated_duration", "notes",
            ),
            validate=validate_tasks,
            derive=lambda batch: None,
            wire=wire.tasks,
            announce=lambda batch: None,
            visible=access.visible_tasks,
            reach=access.reach,
            validate_deletions=lambda batch, changes: _refuse_unseen(changes, _user(batch), access.visible_tasks),
        )
    )  # fmt: skip
