"""Pages of invitations (`pages.md`: /users/invitations)."""

from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import Invitation, User
from portal.core.accounts.policy import policy
from portal.core.accounts.selectors import invitations as selectors
from portal.core.accounts.services import invitations as services
from portal.core.common.errors import DomainError, NotFound
from portal.desk.people.forms import InviteForm
from portal.desk.people.lists import InvitationFilter, InvitationTable, offer_badge, sender, signed
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

_OPEN = (Invitation.Status.PENDING, Invitation.Status.EXPIRED)


@require_GET
@policy("users.view")
def invitation_list(request: HttpRequest) -> HttpResponse:
    may_manage = may(request, "users.manage")
    return list_page(
        request,
        queryset=signed(selectors.invitation_list()),
        table=InvitationTable,
        filterset=InvitationFilter,
        template="desk/people/invitations.html",
        list_id="invitations",
        caption=gettext_lazy("Invitations"),
        empty=Empty(
            title=gettext_lazy("No invitation yet"),
            text=gettext_lazy("Invite somebody by e-mail: they choose their own password and are in."),
            icon="mail",
            action_label=gettext_lazy("Invite somebody") if may_manage else "",
            action_url=reverse("people:invite") if may_manage else "",
        ),
        context={"may_manage": may_manage},
    )


@never_cache
@require_http_methods(["GET", "POST"])
@policy("users.manage")
def invite(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if form.is_valid():
        try:
            said = form.cleaned_data
            invitation, token = services.invitation_create(
                email=said["email"], role=said["role"], projects=said["projects"], by=person(request)
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return show_link(request, invitation, token, back=reverse("people:invitation_list"))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/people/invite.html", {"form": form}, status=status)


def show_link(request: HttpRequest, invitation: Invitation, token: str, *, back: str) -> HttpResponse:
    """The link stands on this page alone: no table holds it."""
    link = f"{settings.PUBLIC_URL}{reverse('invite', args=[token])}"
    return render(request, "desk/people/invited.html", {"invitation": invitation, "link": link, "back": back})


@require_GET
@policy("users.view")
def invitation_detail(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    invitation = signed(selectors.invitation_list()).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound(_("There is no such invitation."))
    accepted = User.objects.filter(pk=invitation.accepted_by_id).first() if invitation.accepted_by_id else None
    context = {
        "invitation": invitation,
        "badge": offer_badge(invitation),
        "sender": sender(invitation),
        "accepted": accepted,
        "open": selectors.status_of(invitation) in _OPEN,
        "may_manage": may(request, "users.manage"),
    }
    return render(request, "desk/people/invitation.html", context)


@never_cache
@require_POST
@policy("users.manage")
def resend(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    invitation = selectors.invitation_get(id=invitation_id)
    try:
        invitation, token = services.invitation_resend(invitation=invitation)
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
        return redirect("people:invitation_detail", invitation.pk)
    return show_link(request, invitation, token, back=reverse("people:invitation_list"))


@require_POST
@policy("users.manage")
def cancel(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    invitation = selectors.invitation_get(id=invitation_id)
    try:
        services.invitation_cancel(invitation=invitation)
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("The invitation has been cancelled; its link does not work any more."))
    return redirect("people:invitation_detail", invitation.pk)
