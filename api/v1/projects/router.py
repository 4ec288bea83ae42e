"""Projects and who works in them (specifications 000 and 003; C40 to C43)."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Declared, Page, Reply, Router, expected_version, paginate
from api.kit.periods import period
from api.v1.projects.schemas import (
    MemberChange,
    MemberIn,
    MemberOut,
    MemberQuery,
    ProjectChange,
    ProjectIn,
    ProjectOut,
    ProjectQuery,
)
from portal.core.accounts.models import User
from portal.core.common.errors import Invalid
from portal.core.projects import access, members, selectors, services, wire

router = Router(tags=["projects"])


@router.get("/projects", policy="projects.view", response=list[ProjectOut], summary="Projects")
def project_list(request: HttpRequest, query: Query[ProjectQuery]) -> Page:
    """Those that you see: all of them, or the ones that you are a member of. Newest first."""
    window = period(request, query.date_from, query.date_to)
    found = selectors.project_list(
        user=me(request),
        search=query.search,
        statuses=query.statuses,
        member=query.member_id,
        created_by=query.created_by_user_id,
        since=window.since,
        until=window.until,
    )
    page = paginate(selectors.plain(found), query, lambda row: row)
    page.items = wire.projects(page.items)
    return page


@router.post(
    "/projects", also=(200,), policy="projects.edit", response=ProjectOut, status=201, summary="Create a project"
)
def project_create(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(ProjectIn)]]) -> Reply:
    """A draft, unless you say otherwise. A known `id` or `localSyncId` answers 200 with the stored record."""
    row, created = services.project_create(data=payload, by=me(request))
    return record(wire.projects([row])[0], status=201 if created else 200)


@router.get("/projects/{id:project_id}", policy="projects.view", response=ProjectOut, summary="One project")
def project_detail(request: HttpRequest, project_id: UUID) -> Reply:
    """404 for one that you are not assigned to, too."""
    return record(selectors.project_card(user=me(request), id=project_id))


@router.update("/projects/{id:project_id}", policy="projects.edit", response=ProjectOut, summary="Change a project")
def project_update(
    request: HttpRequest, project_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ProjectChange)]]
) -> Reply:
    """From Draft a project becomes Active, Completed or Archived; a closed one can be made Active again. Another change
    of `status` is 422 `ILLEGAL_TRANSITION` with `meta.allowed`."""
    row = services.project_update(id=project_id, data=payload, by=me(request), version=version(request, payload))
    return record(wire.projects([row])[0])


@router.delete("/projects/{id:project_id}", policy="projects.delete", response=None, summary="Delete a project")
def project_delete(request: HttpRequest, project_id: UUID) -> Reply:
    """Its tasks go with it. All of it stays in the audit log."""
    services.project_delete(id=project_id, by=me(request), version=expected_version(request))
    return Reply(message=_("Project deleted successfully."))


@router.post(
    "/projects/{id:project_id}/restore",
    policy="projects.delete",
    response=ProjectOut,
    summary="Bring a deleted project back",
)
def project_restore(request: HttpRequest, project_id: UUID) -> Reply:
    """With the tasks that went with it. One that is not deleted is answered as it is."""
    return record(wire.projects([services.project_restore(id=project_id, by=me(request))])[0])


@router.get(
    "/projects/{id:project_id}/members",
    policy="projects.view",
    response=list[MemberOut],
    summary="Members of a project",
)
def member_list(request: HttpRequest, project_id: UUID, query: Query[MemberQuery]) -> Page:
    """By name. People who see all projects need not be among them."""
    project = access.project_for(me(request), project_id)
    page = paginate(selectors.member_list(project=project.pk), query, lambda row: row)
    page.items = wire.members(page.items)
    return page


@router.post(
    "/projects/{id:project_id}/members",
    also=(200,),
    policy="projects.edit",
    response=MemberOut,
    status=201,
    summary="Add a member",
)
def member_add(request: HttpRequest, project_id: UUID, payload: MemberIn) -> Reply:
    """200 for one who is a member already; a role that you give is then theirs."""
    member, made = members.member_add(
        project=project_id, user=payload.user_id, role_in_project=payload.role_in_project, by=me(request)
    )
    return Reply(wire.members([member])[0], status=201 if made else 200)


@router.update(
    "/projects/{id:project_id}/members/{id:user_id}",
    policy="projects.edit",
    response=MemberOut,
    summary="Change a member's role",
)
def member_change(request: HttpRequest, project_id: UUID, user_id: UUID, payload: MemberChange) -> dict[str, Any]:
    """What the person is in this project."""
    member = members.member_change(
        project=project_id, user=user_id, role_in_project=payload.role_in_project, by=me(request)
    )
    return wire.members([member])[0]


@router.delete(
    "/projects/{id:project_id}/members/{id:user_id}", policy="projects.edit", response=None, summary="Remove a member"
)
def member_remove(request: HttpRequest, project_id: UUID, user_id: UUID) -> Reply:
    """Tasks that the person has stay theirs."""
    members.member_remove(project=project_id, user=user_id, by=me(request))
    return Reply(message=_("Member removed successfully."))


def me(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def version(request: HttpRequest, payload: dict[str, Any]) -> int | None:
    """The version in the body or in `If-Match`."""
    said = payload.get("version")
    if said is not None and (isinstance(said, bool) or not isinstance(said, int)):
        raise Invalid.field("version", _("Enter a whole number."))
    return expected_version(request, said)


def record(card: dict[str, Any], *, status: int = 200) -> Reply:
    """A single record, its version as the ETag that `If-Match` takes."""
    return Reply(card, status=status, headers={"ETag": f'"{card["version"]}"'})
