"""Pages of roles (`pages.md`: /users/roles)."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from portal.core.accounts import permissions
from portal.core.accounts.models import Role
from portal.core.accounts.policy import policy
from portal.core.accounts.selectors import people, roles
from portal.core.accounts.services import roles as services
from portal.core.common.errors import Denied, DomainError, NotFound
from portal.core.common.ids import parse_uuid
from portal.desk.people.forms import DeleteRoleForm, NewRoleForm, RoleForm
from portal.desk.people.lists import RoleFilter, RoleTable
from portal.desk.people.rights import role_entries, role_matrix
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

SHOWN = 5


def role_get(role_id: UUID | None) -> Role:
    """A role that the list shows, with its number of people."""
    found = roles.role_list().filter(pk=role_id).first() if role_id else None
    if found is None:
        raise NotFound(_("There is no such role."))
    return found


@require_GET
@policy("users.view")
def role_list(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=roles.role_list(),
        table=RoleTable,
        filterset=RoleFilter,
        template="desk/people/roles.html",
        list_id="roles",
        caption=gettext_lazy("Roles"),
        empty=Empty(title=gettext_lazy("No roles"), icon="shield-lock"),
        context={"may_define": may(request, "roles.manage")},
    )


@require_http_methods(["GET", "POST"])
@policy("users.view")
def role_detail(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """The rights of a role; of the organisation's own ones, a form for who may define roles."""
    role, me = role_get(role_id), person(request)
    editable = may(request, "roles.manage") and not role.is_system
    form = RoleForm(request.POST or None, initial={"name": role.name, "description": role.description})
    held = role.grants
    if request.method == "POST":
        if not may(request, "roles.manage"):
            raise Denied(_("You do not have the right to see this page."))
        entries = role_entries(request.POST)
        held = permissions.grants(entries)
        if form.is_valid():
            try:
                services.role_update(role=role, changes={**form.cleaned_data, "permissions": entries}, by=me)
            except DomainError as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, _("The role has been saved. It holds from the next request on."))
                return redirect("people:role_detail", role.pk)
    context = {
        "role": role,
        "form": form,
        "editable": editable,
        "may_define": may(request, "roles.manage"),
        "groups": role_matrix(held=held, mine=me.grants),
        "rights": len(role.grants),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/people/role.html", context, status=status)


@require_http_methods(["GET", "POST"])
@policy("roles.manage")
def role_create(request: HttpRequest) -> HttpResponse:
    """A new role, from nothing or as the copy of another one."""
    me, copy = person(request), parse_uuid(request.GET.get("copy"))
    model = role_get(copy) if copy else None
    initial = {"name": _("Copy of %(role)s") % {"role": model}, "description": model.description} if model else {}
    form = NewRoleForm(request.POST or None, initial=initial)
    held = permissions.grants(role_entries(request.POST)) if form.is_bound else model.grants if model else {}
    if form.is_valid():
        said = form.cleaned_data
        try:
            role = services.role_create(
                name=said["name"],
                key=said["key"],
                description=said["description"],
                codes=role_entries(request.POST),
                by=me,
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The role has been created."))
            return redirect("people:role_detail", role.pk)
    context = {"form": form, "editable": True, "model": model, "groups": role_matrix(held=held, mine=me.grants)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/people/role.html", context, status=status)


@require_http_methods(["GET", "POST"])
@policy("roles.manage")
def role_delete(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """Who has the role, what they get instead, then remove it."""
    role = role_get(role_id)
    if role.is_system:
        raise NotFound(_("Built-in roles cannot be changed."))
    holders = people.people_list(role=str(role.pk))
    count = holders.count()
    form = DeleteRoleForm(request.POST or None, role=role) if count else None
    error = ""
    if request.method == "POST" and (form is None or form.is_valid()):
        heir = role_get(parse_uuid(form.cleaned_data["heir"])) if form else None
        try:
            services.role_delete(role=role, by=person(request), reassign_to=heir)
        except DomainError as refusal:
            error = str(refusal.message)
        else:
            messages.success(request, _("The role %(role)s has been removed.") % {"role": role.name})
            return redirect("people:role_list")
    context = {
        "role": role,
        "form": form,
        "error": error,
        "count": count,
        "holders": holders[:SHOWN],
        "more": max(0, count - SHOWN),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, "desk/people/role_delete.html", context, status=status)
