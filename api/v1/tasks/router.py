"""Tasks of projects and on their own (specification 000; C55, C56)."""

from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import LARGE, Declared, Page, Reply, Router, expected_version, paginate
from api.kit.periods import period
from api.kit.schemas import uuid_in
from api.v1.projects.router import me, record, version
from api.v1.tasks.schemas import (
    AllTasksQuery,
    BulkOut,
    CommentIn,
    CommentOut,
    CommentQuery,
    TaskBulkIn,
    TaskChange,
    TaskIn,
    TaskOut,
    TaskQuery,
)
from portal.core.common.errors import DomainError
from portal.core.projects import access, selectors, services, wire
from portal.core.sync.registry import Row
from portal.survey.applications.selectors import with_applications
from portal.survey.applications.services import dispatch_create

router = Router(tags=["tasks"])


@router.get("/tasks", policy="tasks.view", response=list[TaskOut], summary="Tasks")
def task_list(request: HttpRequest, query: Query[AllTasksQuery]) -> Page:
    """Of all your projects and of none; a field worker sees the own ones. Newest first."""
    return _page(_found(request, query, query.project_id), query)


@router.post("/tasks", also=(200,), policy="tasks.work", response=TaskOut, status=201, summary="Create a task")
def task_create(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(TaskIn)]]) -> Reply:
    """A known `id` or `localSyncId` answers 200 with the stored record: a task made offline arrives once. A field
    worker makes tasks for themselves or for nobody. With `applicationId` the task sends a surveyor to an application,
    which stands in for title, instructions and requirements: 422 `LBAC_VIOLATION` outside of the surveyor's areas."""
    create = dispatch_create if payload.get("applicationId") is not None else services.task_create
    row, created = create(data=payload, by=me(request))
    return _record(row, status=201 if created else 200)


@router.post("/tasks/bulk-update", policy="tasks.edit", response=BulkOut, limit=LARGE, summary="Change many tasks")
def task_bulk(request: HttpRequest, payload: TaskBulkIn) -> dict[str, Any]:
    """At most 200 ids, the same changes for each; one that is refused does not stop the others. To assign:
    `changes.assignedTo`."""
    results = services.tasks_change(ids=payload.ids, data=payload.wanted, by=me(request))
    succeeded = sum(result.error is None for result in results)
    return {
        "succeeded": succeeded,
        "failed": len(results) - succeeded,
        "results": [
            {"id": result.id, "success": result.error is None, "error": result.error and _fault(result.error)}
            for result in results
        ],
    }


@router.get("/tasks/{id:task_id}", policy="tasks.view", response=TaskOut, summary="One task")
def task_detail(request: HttpRequest, task_id: UUID) -> Reply:
    """404 for one that you do not see, too."""
    return record(with_applications([selectors.task_card(user=me(request), id=task_id)])[0])


@router.update("/tasks/{id:task_id}", policy="tasks.work", response=TaskOut, summary="Change a task")
def task_update(
    request: HttpRequest, task_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(TaskChange)]]
) -> Reply:
    """A field worker changes status and notes of the own ones. A status that cannot follow is 422 `ILLEGAL_TRANSITION`
    with `meta.allowed`."""
    row = services.task_update(id=task_id, data=payload, by=me(request), version=version(request, payload))
    return _record(row)


@router.delete("/tasks/{id:task_id}", policy="tasks.delete", response=None, summary="Delete a task")
def task_delete(request: HttpRequest, task_id: UUID) -> Reply:
    """It stays in the audit log."""
    services.task_delete(id=task_id, by=me(request), version=expected_version(request))
    return Reply(message=_("Task deleted successfully."))


@router.post(
    "/tasks/{id:task_id}/restore", policy="tasks.delete", response=TaskOut, summary="Bring a deleted task back"
)
def task_restore(request: HttpRequest, task_id: UUID) -> Reply:
    """404 `RESOURCE_NOT_FOUND` naming `projectId` while its project is deleted. One that is not deleted is answered as
    it is."""
    return _record(services.task_restore(id=task_id, by=me(request)))


@router.get(
    "/projects/{id:project_id}/tasks", policy="tasks.view", response=list[TaskOut], summary="Tasks of a project"
)
def project_tasks(request: HttpRequest, project_id: UUID, query: Query[TaskQuery]) -> Page:
    """As far as you see them. Newest first."""
    project = access.project_for(me(request), project_id)
    return _page(_found(request, query, project.pk), query)


@router.post(
    "/projects/{id:project_id}/tasks",
    also=(200,),
    policy="tasks.work",
    response=TaskOut,
    status=201,
    summary="Create a task in a project",
)
def project_task_create(
    request: HttpRequest, project_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(TaskIn)]]
) -> Reply:
    """As `POST /tasks` with this `projectId`. 400 `PROJECT_CLOSED` for a completed or archived project."""
    row, created = services.task_create(data=payload, by=me(request), project=project_id)
    return _record(row, status=201 if created else 200)


@router.get(
    "/tasks/{id:task_id}/comments", policy="tasks.view", response=list[CommentOut], summary="Comments of a task"
)
def comment_list(request: HttpRequest, task_id: UUID, query: Query[CommentQuery]) -> Page:
    """Oldest first."""
    task = access.task_for(me(request), task_id)
    page = paginate(selectors.comment_list(task=task.pk), query, lambda row: row)
    page.items = wire.comments(page.items)
    return page


@router.post(
    "/tasks/{id:task_id}/comments", policy="tasks.work", response=CommentOut, status=201, summary="Comment on a task"
)
def comment_add(request: HttpRequest, task_id: UUID, payload: CommentIn) -> dict[str, Any]:
    """The person who has the task and the one who made it are told."""
    return wire.comments([services.comment_add(task=task_id, content=payload.content, by=me(request))])[0]


@router.update(
    "/tasks/{id:task_id}/comments/{id:comment_id}",
    policy="tasks.work",
    response=CommentOut,
    summary="Change a comment",
)
def comment_change(request: HttpRequest, task_id: UUID, comment_id: UUID, payload: CommentIn) -> dict[str, Any]:
    """Your own."""
    comment = services.comment_change(task=task_id, id=comment_id, content=payload.content, by=me(request))
    return wire.comments([comment])[0]


@router.delete(
    "/tasks/{id:task_id}/comments/{id:comment_id}", policy="tasks.work", response=None, summary="Delete a comment"
)
def comment_delete(request: HttpRequest, task_id: UUID, comment_id: UUID) -> Reply:
    """Your own; whoever may change all tasks deletes any."""
    services.comment_delete(task=task_id, id=comment_id, by=me(request))
    return Reply(message=_("Comment deleted successfully."))


def _found(request: HttpRequest, query: TaskQuery, project: UUID | None) -> QuerySet[Any]:
    user, due = me(request), period(request, query.due_from, query.due_to)
    said = query.assigned_to
    return selectors.task_list(
        user=user,
        project=project,
        search=query.search,
        statuses=query.status,
        priorities=query.priority,
        assignee=None if said in ("", "none") else user.pk if said == "me" else uuid_in(said, "assignedTo"),
        unassigned=said == "none",
        late=query.overdue,
        due_from=due.since,
        due_to=due.until,
    )


def _page(rows: QuerySet[Any], query: TaskQuery) -> Page:
    page = paginate(selectors.plain(rows), query, lambda row: row)
    page.items = with_applications(wire.tasks(page.items))
    return page


def _record(row: Row, *, status: int = 200) -> Reply:
    return record(with_applications(wire.tasks([row]))[0], status=status)


def _fault(error: DomainError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": str(error.message),
        "field": error.errors[0].field if error.errors else None,
    }
