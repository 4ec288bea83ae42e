"""Writing projects, tasks and comments. Projects and tasks go through the sync engine, so that a rule exists once.

`data` is the wire's (`docs/api.md`): camelCase, absent fields stay as they are, null clears.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Denied, DomainError, FieldError, Invalid, NotFound, TooLarge
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify, people_of
from portal.core.projects import access
from portal.core.projects.members import members_set
from portal.core.projects.models import Task, TaskComment
from portal.core.sync import engine, records, registry
from portal.core.sync.engine import NO_VERSION_CHECK, Change
from portal.core.sync.registry import Row
from portal.core.tenancy import scope

BULK: Final = 200
_COMMENT_LENGTH: Final = 10_000


def project_create(*, data: Mapping[str, Any], by: User) -> tuple[Row, bool]:
    """A new project, a draft unless said otherwise. The stored row, and False where `id` or `localSyncId` was known.

    `memberIds` makes these people its members; whoever makes a project without seeing all becomes one.
    """
    members = _members(data)
    row, created = records.create("project", data, by)
    if created and members is not None:
        members_set(project=row["id"], users=members, by=by)
        row = registry.get("project").rows([row["id"]])[row["id"]]
    return row, created


def project_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Row:
    """Raises Invalid, VERSION_CONFLICT, ILLEGAL_TRANSITION (422) for a status that cannot follow, NotFound."""
    members = _members(data)
    row = records.change("project", id, "updated", data, by, version)
    if members is not None:
        members_set(project=id, users=members, by=by)
        row = registry.get("project").rows([id])[id]
    return row


def project_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Soft; its tasks go with it, each with a tombstone of its own."""
    records.change("project", id, "deleted", {}, by, version)


def project_restore(*, id: UUID, by: User) -> Row:
    """With the tasks that went with it. Raises Denied, NotFound."""
    return records.restore("project", id, by)


def task_create(*, data: Mapping[str, Any], by: User, project: UUID | None = None) -> tuple[Row, bool]:
    """A new task, of `project` where one is given. The stored row, and False where `id` or `localSyncId` was known.

    Without `tasks.edit` a person makes tasks for themselves or for nobody. Raises Invalid, PROJECT_CLOSED, NotFound.
    """
    if project is not None:
        access.project_for(by, project)
        data = {**{k: v for k, v in data.items() if k != "project_id"}, "projectId": str(project)}
    return records.create("task", data, by)


def task_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Row:
    """Without `tasks.edit`: status and notes of one's own. Raises Invalid, Denied, VERSION_CONFLICT,
    ILLEGAL_TRANSITION (422), NotFound."""
    return records.change("task", id, "updated", data, by, version)


def task_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    records.change("task", id, "deleted", {}, by, version)


def task_restore(*, id: UUID, by: User) -> Row:
    """Raises Denied, NotFound, RESOURCE_NOT_FOUND naming `projectId` while its project is deleted."""
    return records.restore("task", id, by)


@dataclass(frozen=True, slots=True)
class BulkResult:
    id: str
    error: DomainError | None


def tasks_change(*, ids: Sequence[Any], data: Mapping[str, Any], by: User) -> list[BulkResult]:
    """Change many tasks alike, each for itself: one result per id, in order. At most 200."""
    records.may(by, "tasks.edit")
    if len(ids) > BULK:
        raise TooLarge(_("Send at most %(limit)d ids at a time.") % {"limit": BULK}, meta={"limit": BULK})
    if not data:
        raise Invalid.field("changes", _("Say what is to be changed."))
    engine.lock_clock()
    known = [(said, parse_uuid(said)) for said in ids]
    latest = NO_VERSION_CHECK
    found = {id: Change("task", id, "updated", dict(data), client_version=latest) for _said, id in known if id}
    engine.apply(list(found.values()), user=by.pk)
    return [_bulk_result(said, found.get(id) if id else None) for said, id in known]


def _bulk_result(id: Any, change: Change | None) -> BulkResult:
    unseen = change is None or change.deleted_now or any(e.code == "RESOURCE_NOT_FOUND" for e in change.errors)
    if unseen:
        return BulkResult(str(id), NotFound(_("There is no such task.")))
    assert change is not None
    return BulkResult(str(id), records.refusal(change) if change.errors else None)


def comment_add(*, task: UUID, content: Any, by: User) -> TaskComment:
    """Raises Invalid for an empty or too long one, NotFound for a task out of sight."""
    records.may(by, "tasks.work")
    found = access.task_for(by, task)
    comment = TaskComment(organization_id=scope.organization_id(), task=found, author=by, content=_content(content))
    comment.save()
    people = [id for id in (found.assigned_to_id, found.created_by_id) if id is not None and id != by.pk]
    if people or found.project_id:
        data = {"comment": str(comment.pk), "title": found.title}
        publish("task.updated", entity="task", id=found.pk, data=data, users=people, project=found.project_id)
    named = _named(found, comment.content, by)
    said = {"person": by.name, "title": found.title, "comment": comment.content[:500]}
    notify("task.mentioned", recipients=named, data=said, subject=("task", found.pk))
    notify("task.commented", recipients=set(people) - set(named), data=said, subject=("task", found.pk))
    return comment


def _named(task: Task, content: str, by: User) -> list[UUID]:
    """Whom a comment names as `@name`, `@user name` or `@e-mail`, of those who see the task."""
    text = normalise(content)
    if "@" not in text:
        return []
    people = (user for user in people_of(task.organization_id) if user.pk != by.pk)
    called = [
        user
        for user in people
        if any(f"@{normalise(name)}" in text for name in (user.name, user.username, user.email) if name)
    ]
    return [user.pk for user in called if access.tasks_seen(user).filter(pk=task.pk).exists()]


def comment_change(*, task: UUID, id: UUID, content: Any, by: User) -> TaskComment:
    """Only one's own. Raises Denied, Invalid, NotFound."""
    comment = _comment(task, id, by)
    if comment.author_id != by.pk:
        raise Denied(_("Only its author can change a comment."))
    comment.content = _content(content)
    comment.save(update_fields=["content", "updated_at"])
    return comment


def comment_delete(*, task: UUID, id: UUID, by: User) -> None:
    """One's own, and any for whoever may change all tasks. Raises Denied, NotFound."""
    comment = _comment(task, id, by)
    _may_remove(comment, by)
    comment.deleted_at, comment.deleted_by = clock.now(), by
    comment.save(update_fields=["deleted_at", "deleted_by", "updated_at"])


def comment_restore(*, task: UUID, id: UUID, by: User) -> TaskComment:
    """By whoever may delete it. Raises Denied, NotFound."""
    comment = _comment(task, id, by, deleted=True)
    _may_remove(comment, by)
    comment.deleted_at = comment.deleted_by = None
    comment.save(update_fields=["deleted_at", "deleted_by", "updated_at"])
    return comment


def _may_remove(comment: TaskComment, by: User) -> None:
    if comment.author_id != by.pk and not by.has_permission("tasks.edit"):
        raise Denied(_("Only its author can change a comment."))


def _comment(task: UUID, id: UUID, by: User, *, deleted: bool = False) -> TaskComment:
    records.may(by, "tasks.work")
    found = access.task_for(by, task)
    rows = TaskComment.objects.select_related("author").filter(task=found, pk=id)
    comment = rows.first() if deleted else rows.filter(deleted_at=None).first()
    if comment is None:
        raise NotFound(_("There is no such comment."))
    return comment


def _content(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or "\x00" in text:
        raise Invalid.field("content", _("This field is required."))
    if len(text) > _COMMENT_LENGTH:
        message = _("Must have at most %(limit)d characters.") % {"limit": _COMMENT_LENGTH}
        raise Invalid.field("content", message)
    return text


def _members(data: Mapping[str, Any]) -> list[UUID] | None:
    """`memberIds`; None where it is absent."""
    said = data.get("memberIds", data.get("member_ids"))
    if said is None:
        return None
    found = [parse_uuid(item) for item in said] if isinstance(said, list) else [None]
    if None in found:
        raise Invalid("memberIds", errors=[FieldError("memberIds", _("Must be a list of UUIDs."))])
    return [id for id in found if id]
