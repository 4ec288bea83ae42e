"""Invitations: one resource under two addresses (002 `/users/invitations`, 003 `/invitations`; C30)."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import Page, Policy, Reply, Router, paginate
from api.v1.invitations import schemas
from portal.core.accounts.policy import request_actor
from portal.core.accounts.selectors import invitations as selectors
from portal.core.accounts.services import invitations as services
from portal.core.tenancy.scope import platform

router = Router(tags=["invitations"])
INVITED = Policy(public="who was invited has no account yet; the token is the proof")


@router.post(
    "/users/invitations", policy="users.manage", response=schemas.InvitationMadeOut, status=201, summary="Invite"
)
@router.post("/invitations", policy="users.manage", response=schemas.InvitationMadeOut, status=201, summary="Invite")
def invitation_create(request: HttpRequest, payload: schemas.InvitationIn) -> dict[str, Any]:
    """Mails an invitation that is good for seven days, and answers its token. 409 `DUPLICATE` for one that is open."""
    invitation, token = services.invitation_create(
        email=payload.email,
        role=payload.role,
        projects=payload.project_ids,
        by=request.auth,  # type: ignore[attr-defined]
    )
    return selectors.invitation_card(invitation, token)


@router.get(
    "/users/invitations",
    policy="users.view",
    reach="span",
    response=list[schemas.InvitationOut],
    summary="Invitations",
)
@router.get(
    "/invitations", policy="users.view", reach="span", response=list[schemas.InvitationOut], summary="Invitations"
)
def invitation_list(request: HttpRequest, query: Query[schemas.InvitationsQuery]) -> Page:
    """Newest first, without their tokens."""
    found = selectors.invitation_list(status=query.status, search=query.search)
    return paginate(found, query, selectors.invitation_card)


@router.post("/invitations/accept", policy=INVITED, bucket="login", response=schemas.AcceptOut, summary="Accept")
def invitation_accept(request: HttpRequest, payload: schemas.AcceptIn) -> Reply:
    """Makes the account. 404 `INVITATION_INVALID`, 400 `INVITATION_EXPIRED` or `INVITATION_USED`."""
    user = services.invitation_accept(
        token=payload.token,
        password=payload.password,
        name=payload.name,
        language=payload.language,
        by=request_actor(request, via="api"),
    )
    message = _("Invitation accepted successfully. You can now log in.")
    return Reply({"message": message, "email": user.email, "role": user.role_key}, message=message)


@router.get(
    "/users/invitations/{id:invitation_id}",
    policy="users.view",
    reach="span",
    response=schemas.InvitationOut,
    summary="One invitation",
)
@router.get(
    "/invitations/{id:invitation_id}",
    policy="users.view",
    reach="span",
    response=schemas.InvitationOut,
    summary="One invitation",
)
def invitation_detail(request: HttpRequest, invitation_id: UUID) -> dict[str, Any]:
    """By its id; by its token: see the preview."""
    return selectors.invitation_card(selectors.invitation_get(id=invitation_id))


@router.post(
    "/users/invitations/{id:invitation_id}/resend",
    policy="users.manage",
    response=schemas.InvitationMadeOut,
    summary="Send again",
)
@router.post(
    "/invitations/{id:invitation_id}/resend",
    policy="users.manage",
    response=schemas.InvitationMadeOut,
    summary="Send again",
)
def invitation_resend(request: HttpRequest, invitation_id: UUID) -> dict[str, Any]:
    """A new token for another seven days; the old one ends. At most three mails an hour (429)."""
    invitation, token = services.invitation_resend(invitation=selectors.invitation_get(id=invitation_id))
    return selectors.invitation_card(invitation, token)


@router.delete(
    "/users/invitations/{id:invitation_id}", policy="users.manage", response=schemas.InvitationOut, summary="Cancel"
)
@router.delete(
    "/invitations/{id:invitation_id}", policy="users.manage", response=schemas.InvitationOut, summary="Cancel"
)
def invitation_cancel(request: HttpRequest, invitation_id: UUID) -> Reply:
    """The token ends at once. 422 `ILLEGAL_TRANSITION` for one that was accepted or cancelled."""
    invitation = services.invitation_cancel(invitation=selectors.invitation_get(id=invitation_id))
    return Reply(selectors.invitation_card(invitation), message=_("Invitation cancelled."))


@router.get("/invitations/{str:token}", policy=INVITED, response=schemas.PreviewOut, summary="Preview")
def invitation_preview(request: HttpRequest, token: str) -> dict[str, Any]:
    """Who invites, to what, until when: for whoever holds the token."""
    with platform(by=request_actor(request, via="api")):
        return selectors.invitation_preview(services.invitation_open(token=token[:200]))
