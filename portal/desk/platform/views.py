"""Pages of the platform's administrators (`pages.md`: Platform), and an organisation's own settings."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.permissions import ADMIN
from portal.core.accounts.policy import own_account, platform_policy, policy
from portal.core.accounts.selectors.invitations import invitation_list
from portal.core.accounts.selectors.support import support_card, support_list
from portal.core.accounts.services.organizations import admin_invite, organization_change, organization_delete
from portal.core.accounts.services.support import support_begin, support_end
from portal.core.common.errors import DomainError
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.selectors import organization_get, organization_list
from portal.core.tenancy.services import organization_create
from portal.desk.people.invitations import show_link
from portal.desk.people.lists import offer_badge
from portal.desk.platform.forms import AdminForm, EditOrganizationForm, OrganizationForm, SupportForm
from portal.desk.platform.lists import OrganizationFilter, OrganizationTable, counted
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

SHOWN = 20


@require_GET
@platform_policy("platform.organizations")
def organizations(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=counted(organization_list()),
        table=OrganizationTable,
        filterset=OrganizationFilter,
        template="desk/platform/organizations.html",
        list_id="organizations",
        caption=gettext_lazy("Organisations"),
        empty=Empty(
            title=gettext_lazy("No organisation yet"),
            text=gettext_lazy("Create one, then invite its first administrator: everything else is theirs."),
            icon="building",
            action_label=gettext_lazy("New organisation"),
            action_url=reverse("platform:organization_create"),
        ),
    )


@require_http_methods(["GET", "POST"])
@platform_policy("platform.organizations")
def create(request: HttpRequest) -> HttpResponse:
    form = OrganizationForm(request.POST or None)
    if form.is_valid():
        try:
            organization = organization_create(values=form.cleaned_data)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The organisation has been created. Invite its first administrator now."))
            return redirect("platform:organization", organization.pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/platform/organization_form.html", {"form": form}, status=status)


@require_GET
@platform_policy("platform.organizations")
def detail(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    organization = organization_get(id=organization_id)
    people = User.objects.filter(organization=organization, deleted_at=None)
    offers = invitation_list().filter(organization=organization)[:SHOWN]
    context = {
        "organization_of": organization,
        "people": people.count(),
        "admins": people.filter(role__key=ADMIN, role__organization=None).order_by("name", "id")[:SHOWN],
        "offers": [(offer, offer_badge(offer)) for offer in offers],
        "may_support": may(request, "platform.support"),
    }
    return render(request, "desk/platform/organization.html", context)


@require_http_methods(["GET", "POST"])
@platform_policy("platform.organizations")
def edit(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    organization = organization_get(id=organization_id)
    return _edit(request, organization, back=reverse("platform:organization", args=[organization.pk]))


@require_http_methods(["GET", "POST"])
@policy("organization.edit")
def own_settings(request: HttpRequest) -> HttpResponse:
    """The organisation's own details and rules."""
    return _edit(request, organization_get(id=scope.organization_id()), back=reverse("platform:own_settings"))


def _edit(request: HttpRequest, organization: Organization, *, back: str) -> HttpResponse:
    form = EditOrganizationForm(request.POST or None, organization=organization)
    if form.is_valid():
        try:
            organization_change(
                organization=organization,
                changes=form.changes(),
                by=person(request),
                version=form.cleaned_data["version"],
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The changes have been saved."))
            return redirect(back)
    own = back == reverse("platform:own_settings")
    sessions = support_list().filter(organization=organization)[:SHOWN]
    context = {
        "form": form,
        "organization_of": organization,
        "back": back,
        "own": own,
        "sessions": [support_card(session) for session in sessions],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/platform/organization_form.html", context, status=status)


@require_POST
@platform_policy("platform.organizations")
def status(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    organization = organization_get(id=organization_id)
    active = request.POST.get("active") == "1"
    organization_change(organization=organization, changes={"is_active": active}, by=person(request))
    messages.success(
        request,
        _("The organisation is active.") if active else _("The organisation is switched off; nobody of it is let in."),
    )
    return redirect("platform:organization", organization.pk)


@require_http_methods(["GET", "POST"])
@platform_policy("platform.organizations")
def delete(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Asks for the name: nothing else on the platform reaches as far."""
    organization = organization_get(id=organization_id)
    context = {
        "organization_of": organization,
        "people": User.objects.filter(organization=organization, deleted_at=None).count(),
    }
    if request.method == "POST":
        if request.POST.get("name", "").strip() == organization.name:
            organization_delete(organization=organization, by=person(request))
            messages.success(request, _("%(name)s has been removed.") % {"name": organization.name})
            return redirect("platform:organizations")
        context["error"] = _("This is not the name of the organisation.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, "desk/platform/organization_delete.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@platform_policy("platform.organizations")
def invite_admin(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    organization = organization_get(id=organization_id)
    form = AdminForm(request.POST or None)
    if form.is_valid():
        try:
            invitation, token = admin_invite(
                organization=organization, email=form.cleaned_data["email"], by=person(request)
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return show_link(request, invitation, token, back=reverse("platform:organization", args=[organization.pk]))
    context = {"form": form, "organization_of": organization}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/people/invite.html", context, status=status)


# --- support sessions ----------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@platform_policy("platform.support")
def support(request: HttpRequest) -> HttpResponse:
    """Choose an organisation and say why; from then on the portal is the organisation's, with a banner."""
    form = SupportForm(request.POST or None, initial={"organization": request.GET.get("organization")})
    if form.is_valid():
        said = form.cleaned_data
        try:
            support_begin(
                organization=said["organization"], reason=said["reason"], minutes=said["minutes"], by=person(request)
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("home")
    context = {"form": form, "sessions": [support_card(session) for session in support_list()[:SHOWN]]}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/platform/support.html", context, status=status)


@require_POST
@own_account
def support_leave(request: HttpRequest) -> HttpResponse:
    support_end(by=person(request), quiet=True)
    messages.success(request, _("The support session has ended."))
    return redirect("platform:organizations" if person(request).is_superadmin else "home")
