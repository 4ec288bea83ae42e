"""Who sees which projects and tasks (C41, C42, `pages.md`). One rule for pages, API, feed and sockets.

A person with `all_projects` sees every project of the organisation, everybody else those that they are a member of.
Tasks follow their project; whoever holds `tasks.view` for less than all sees those assigned to them or made by them
(`own`), or to people of their department (`team`). What is out of sight is answered like what does not exist.
"""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import NotFound
from portal.core.projects.models import Project, ProjectMember, Task


def sees_all_projects(user: User) -> bool:
    return user.all_projects or user.is_superadmin


def projects_of(user: User) -> "QuerySet[ProjectMember, UUID]":
    rows: QuerySet[ProjectMember, UUID] = ProjectMember.objects.filter(user=user).values_list("project", flat=True)
    return rows


def projects_seen(user: User, *, deleted: bool = False) -> QuerySet[Project]:
    """Living projects that the person sees, or the deleted ones, too."""
    rows: QuerySet[Project] = Project.objects.all() if deleted else Project.objects.filter(deleted_at=None)
    return rows if sees_all_projects(user) else rows.filter(pk__in=projects_of(user))


def tasks_seen(user: User, *, deleted: bool = False) -> QuerySet[Task]:
    """Living tasks that the person sees, or the deleted ones, too."""
    rows: QuerySet[Task] = Task.objects.all() if deleted else Task.objects.filter(deleted_at=None)
    return rows.filter(_task_reach(user))


def _task_reach(user: User) -> Q:
    reach, own = user.grants.get("tasks.view"), Q(assigned_to=user) | Q(created_by=user)
    if reach == "team" and user.department:
        own |= Q(assigned_to__department=user.department)
    if reach != "all":
        return own
    return Q() if sees_all_projects(user) else own | Q(project=None) | Q(project__in=projects_of(user))


def project_for(user: User, id: UUID) -> Project:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = projects_seen(user).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such project."))
    return found


def task_for(user: User, id: UUID) -> Task:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = tasks_seen(user).select_related("project", "assigned_to", "created_by").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such task."))
    return found


def projects_within(user: UUID | None, ids: Collection[UUID]) -> set[UUID]:
    """Of these, the living projects that the person with this id sees; None, the program itself, sees all. For records
    of other rooms that point to a project; no query where there are no ids."""
    if not ids:
        return set()
    person = User.objects.filter(pk=user).first() if user else None
    rows = projects_seen(person) if person else Project.objects.filter(deleted_at=None)
    return set(rows.filter(pk__in=ids).values_list("pk", flat=True))


def visible_projects(user: User, ids: Collection[UUID]) -> set[UUID]:
    """Of these, deleted ones too, those that the person may know of."""
    if sees_all_projects(user):
        return set(ids)
    return set(projects_of(user).filter(project__in=ids))


def visible_tasks(user: User, ids: Collection[UUID]) -> set[UUID]:
    if sees_all_projects(user) and user.grants.get("tasks.view") == "all":
        return set(ids)
    return set(Task.objects.filter(_task_reach(user), pk__in=ids).values_list("pk", flat=True))


def reach(user: User) -> str:
    """What the person's sight of projects and tasks hangs on, as a text."""
    projects = "all" if sees_all_projects(user) else ",".join(sorted(map(str, projects_of(user))))
    tasks = user.grants.get("tasks.view", "")
    return f"{projects}/{tasks}/{user.department if tasks == 'team' else ''}"


def may_work_in(user: User, project: UUID | None) -> bool:
    """Whether tasks of a project (None: of none) can be given to a person."""
    if not user.is_active or user.deleted_at is not None or not user.has_permission("tasks.work"):
        return False
    if project is None or sees_all_projects(user):
        return True
    return ProjectMember.objects.filter(user=user, project=project).exists()
