"""Organisations: all of them for a SuperAdmin, the own one for its people (003; C32)."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Page, Reply, Router, expected_version, paginate
from api.v1.invitations.schemas import InvitationMadeOut
from api.v1.organizations import schemas
from portal.core.accounts.selectors.invitations import invitation_card
from portal.core.accounts.services import organizations as services
from portal.core.tenancy import selectors
from portal.core.tenancy.services import organization_create as create

router = Router(tags=["organizations"])
One = schemas.OrganizationOut


@router.post(
    "/organizations", policy="platform.organizations", reach="platform", response=One, status=201, summary="Create"
)
def organization_create(request: HttpRequest, payload: schemas.OrganizationIn) -> dict[str, Any]:
    """Only `name` is needed. Invite its first administrator next."""
    return selectors.organization_card(create(values=payload.values()))


@router.get("/organizations", policy="organization.view", reach="platform", response=list[One], summary="Organisations")
def organization_list(request: HttpRequest, query: Query[schemas.OrganizationsQuery]) -> Page:
    """All of them for a SuperAdmin; for others their own."""
    found = selectors.organization_list(search=query.search, active=query.is_active, kind=query.kind)
    return paginate(found, query, selectors.organization_card)


@router.get(
    "/organizations/{id:organization_id}",
    policy="organization.view",
    reach="platform",
    response=One,
    summary="One organisation",
)
def organization_detail(request: HttpRequest, organization_id: UUID) -> dict[str, Any]:
    """With all of its fields."""
    return selectors.organization_card(selectors.organization_get(id=organization_id))


@router.update(
    "/organizations/{id:organization_id}",
    policy="organization.edit",
    reach="platform",
    response=One,
    summary="Change an organisation",
)
def organization_update(
    request: HttpRequest, organization_id: UUID, payload: schemas.OrganizationPatch
) -> dict[str, Any]:
    """Absent fields stay, null clears. `isActive` is a SuperAdmin's: people of a switched-off organisation are out."""
    organization = services.organization_change(
        organization=selectors.organization_get(id=organization_id),
        changes=payload.values(),
        version=expected_version(request, payload.version),
        by=request.auth,  # type: ignore[attr-defined]
    )
    return selectors.organization_card(organization)


@router.update(
    "/organizations/{id:organization_id}/status",
    policy="platform.organizations",
    reach="platform",
    response=One,
    summary="Switch on or off",
)
def organization_status(
    request: HttpRequest,
    organization_id: UUID,
    payload: Body[schemas.StatusIn] = schemas.StatusIn(),  # noqa: B008
) -> dict[str, Any]:
    """An empty body toggles. Switched off, its people's tokens and sessions do not work until it is on again."""
    found = selectors.organization_get(id=organization_id)
    active = not found.is_active if payload.is_active is None else payload.is_active
    organization = services.organization_change(
        organization=found,
        changes={"is_active": active},
        by=request.auth,  # type: ignore[attr-defined]
    )
    return selectors.organization_card(organization)


@router.delete(
    "/organizations/{id:organization_id}",
    policy="platform.organizations",
    reach="platform",
    response=None,
    summary="Remove an organisation",
)
def organization_delete(request: HttpRequest, organization_id: UUID) -> Reply:
    """Soft: nobody of it can sign in any more, its records stay until retention removes them."""
    services.organization_delete(
        organization=selectors.organization_get(id=organization_id),
        by=request.auth,  # type: ignore[attr-defined]
    )
    return Reply(message=_("Organization deleted successfully."))


@router.post(
    "/organizations/{id:organization_id}/admins",
    policy="platform.organizations",
    reach="platform",
    response=InvitationMadeOut,
    status=201,
    summary="Invite an administrator",
)
def organization_admin(request: HttpRequest, organization_id: UUID, payload: schemas.AdminIn) -> dict[str, Any]:
    """An invitation with the role Admin; its token is for `POST /invitations/accept`."""
    organization = selectors.organization_get(id=organization_id)
    invitation, token = services.admin_invite(
        organization=organization,
        email=payload.email,
        by=request.auth,  # type: ignore[attr-defined]
    )
    return invitation_card(invitation, token)
