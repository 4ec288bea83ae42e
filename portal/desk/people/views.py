"""Pages of the people of an organisation (`pages.md`: /users)."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import Device, User
from portal.core.accounts.policy import policy
from portal.core.accounts.selectors import people
from portal.core.accounts.selectors.sessions import device_list, session_cards
from portal.core.accounts.services import end_sessions, passwords
from portal.core.accounts.services import people as services
from portal.core.accounts.services import sessions as session_services
from portal.core.accounts.services.avatars import avatar_clear, avatar_set
from portal.core.accounts.services.mfa import mfa_reset
from portal.core.accounts.services.roles import may_touch
from portal.core.audit.selectors import entry_list
from portal.core.common.errors import Denied, DomainError, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.sheets import TYPES
from portal.desk.audit.lists import EntryTable
from portal.desk.me.forms import PortraitForm
from portal.desk.people.forms import BulkForm, EditPersonForm, NewPersonForm
from portal.desk.people.lists import PeopleFilter, PeopleTable
from portal.desk.people.rights import person_entries, person_matrix
from portal.ui.forms import ServiceForm
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import may, person

COUNT_LIMIT = 10_000


@require_GET
@policy("users.view")
def person_list(request: HttpRequest) -> HttpResponse:
    may_manage = may(request, "users.manage")
    exports = [
        Export(label=kind.upper(), url=reverse("people:export", args=[kind]), icon=icon)
        for kind, icon in (("csv", "file-text"), ("xlsx", "file-spreadsheet"))
    ]
    return list_page(
        request,
        queryset=people.people_list(),
        table=PeopleTable,
        filterset=PeopleFilter,
        template="desk/people/list.html",
        list_id="people",
        caption=gettext_lazy("People"),
        empty=Empty(title=gettext_lazy("Nobody here yet"), icon="users"),
        exports=exports if may(request, "users.export") else (),
        count_limit=COUNT_LIMIT,
        table_kwargs={"bulk": may_manage},
        context={"may_manage": may_manage, "bulk": BulkForm() if may_manage else None},
    )


@require_GET
@policy("users.export")
def person_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The people of the list with the same query string; the export itself is recorded."""
    if kind not in ("csv", "xlsx"):
        raise NotFound(_("There is no such format."))
    filters = PeopleFilter(request.GET, queryset=people.people_list(), request=request)
    if not filters.form.is_valid():
        return HttpResponse(filters.form.errors.as_text(), status=HTTPStatus.BAD_REQUEST, content_type="text/plain")
    chosen = filters.chosen()
    used = {name: str(value) for name, value in chosen.items() if value not in ("", None)}
    file = services.people_export(people=people.people_list(**chosen), kind=kind, filters=used)
    headers = {"Cache-Control": "private, no-store"}
    return FileResponse(file, content_type=TYPES[kind], as_attachment=True, filename=f"people.{kind}", headers=headers)


@require_POST
@policy("users.manage")
def person_bulk(request: HttpRequest) -> HttpResponse:
    """One change for many people, each for itself; the page says how it went for each."""
    form = BulkForm(request.POST)
    ids = [id for id in map(parse_uuid, request.POST.getlist("ids")) if id is not None]
    if not form.is_valid() or not ids:
        messages.error(request, _("Choose what to do.") if ids else _("Tick at least one person."))
        return redirect("people:list")
    try:
        results = services.users_bulk_update(ids=ids, changes=form.changes(), by=person(request))
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
        return redirect("people:list")
    names = {user.pk: user for user in people.people_list(ids=ids)}
    rows = [{**result, "user": names.get(result["id"])} for result in results]
    done = sum(row["success"] for row in rows)
    context = {"rows": rows, "done": done, "failed": len(rows) - done}
    return render(request, "desk/people/bulk.html", context)


@require_http_methods(["GET", "POST"])
@policy("users.manage")
def person_create(request: HttpRequest) -> HttpResponse:
    form = NewPersonForm(request.POST or None)
    if form.is_valid():
        values = dict(form.cleaned_data)
        password = values.pop("new_password") or None
        try:
            user = services.user_create(values=values, password=password, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(
                request,
                _("The account is ready.")
                if password
                else _("The account is ready. A message with a link to choose a password is on its way."),
            )
            return redirect("people:detail", user.pk)
    return _form(request, "desk/people/form.html", form)


@require_http_methods(["GET", "POST"])
@policy("users.manage")
def person_edit(request: HttpRequest, user_id: UUID) -> HttpResponse:
    user = people.person_get(id=user_id)
    form = EditPersonForm(request.POST or None, user=user, own=user.pk == person(request).pk)
    if form.is_valid():
        changes = dict(form.cleaned_data)
        version = changes.pop("version")
        try:
            services.user_update(user=user, changes=changes, version=version, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The changes have been saved."))
            return redirect("people:detail", user.pk)
    return _form(request, "desk/people/form.html", form, member=user)


def _form(request: HttpRequest, template: str, form: ServiceForm, **more: Any) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, template, {"form": form, **more}, status=status)


# --- one person -------------------------------------------------------------------------
def _frame(request: HttpRequest, user: User, tab: str) -> dict[str, Any]:
    me = person(request)
    manages = may(request, "users.manage")
    return {"member": user, "tab": tab, "own": user.pk == me.pk, "may_manage": manages and _reaches(me, user)}


def _reaches(me: User, user: User) -> bool:
    try:
        may_touch(me, user)
    except DomainError:
        return False
    return True


@require_GET
@policy("users.view")
def person_detail(request: HttpRequest, user_id: UUID) -> HttpResponse:
    user = people.person_get(id=user_id)
    return render(request, "desk/people/detail.html", _frame(request, user, "overview") | {"portrait": PortraitForm()})


@require_POST
@policy("users.manage")
def person_portrait(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Another portrait; without a file, none."""
    form = PortraitForm(request.POST, request.FILES)

    def act(user: User) -> None:
        may_touch(person(request), user)
        if "remove" in request.POST:
            avatar_clear(user=user)
        elif form.is_valid():
            avatar_set(user=user, file=form.cleaned_data["file"], size=form.cleaned_data["file"].size)
        else:
            raise Invalid(form.errors["file"][0])

    return _act(request, user_id, act, _("The portrait has been changed."))


@require_http_methods(["GET", "POST"])
@policy("users.view")
def person_rights(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Every right with the reason why the person has it; who manages people also changes it here."""
    user, me = people.person_get(id=user_id), person(request)
    context = _frame(request, user, "rights")
    context["editable"] = context["may_manage"] and not context["own"]
    status = HTTPStatus.OK
    if request.method == "POST":
        if not may(request, "users.manage"):
            raise Denied(_("You do not have the right to see this page."))
        allow, deny = person_entries(request.POST)
        try:
            services.permissions_set(user=user, allow=allow, deny=deny, by=me)
        except DomainError as refusal:
            context["error"] = str(refusal.message)
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        else:
            messages.success(request, _("The rights have been saved. They hold from the next request on."))
            return redirect("people:rights", user.pk)
    context["groups"] = person_matrix(user=user, mine=me.grants)
    return render(request, "desk/people/rights.html", context, status=status)


@require_GET
@policy("users.view")
def person_sessions(request: HttpRequest, user_id: UUID) -> HttpResponse:
    user = people.person_get(id=user_id)
    context = _frame(request, user, "sessions") | {
        "sessions": session_cards(user=user),
        "devices": device_list(user=user) if may(request, "devices.view") else None,
        "may_revoke": may(request, "devices.revoke"),
    }
    return render(request, "desk/people/sessions.html", context)


@require_GET
@policy("users.view")
def person_activity(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """What the person did, from the audit log."""
    user = people.person_get(id=user_id)
    return list_page(
        request,
        queryset=entry_list(user=user.pk),
        table=EntryTable,
        template="desk/people/activity.html",
        list_id="activity",
        caption=gettext_lazy("Activity"),
        empty=Empty(
            title=gettext_lazy("No activity yet"),
            text=gettext_lazy("Sign-ins, changes and exports of this person appear here."),
            icon="history",
        ),
        count_limit=1000,
        context=_frame(request, user, "activity"),
    )


# --- acts on one person -----------------------------------------------------------------
def _act(request: HttpRequest, user_id: UUID, act: Any, done: str, to: str = "people:detail") -> HttpResponse:
    """Run a service on a person; a refusal is told on the page that they came from."""
    user = people.person_get(id=user_id)
    try:
        act(user)
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, done)
    return redirect(to, user.pk)


@require_POST
@policy("users.manage")
def person_status(request: HttpRequest, user_id: UUID) -> HttpResponse:
    active = request.POST.get("active") == "1"
    done = _("The account is active.") if active else _("The account is switched off, and every session has ended.")
    reason = request.POST.get("reason", "").strip()[:300]
    return _act(
        request,
        user_id,
        lambda user: services.user_set_active(user=user, active=active, by=person(request), reason=reason),
        done,
    )


@require_POST
@policy("users.manage")
def person_password(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Mail a link to choose a new password, and end the person's sessions; nobody sees a password."""

    def act(user: User) -> None:
        may_touch(person(request), user)
        if user.pk != person(request).pk:
            end_sessions(user=user)
        passwords.reset_request(identifier=user.email)

    return _act(request, user_id, act, _("A link to choose a new password is on its way."))


@require_POST
@policy("users.manage")
def person_mfa(request: HttpRequest, user_id: UUID) -> HttpResponse:
    done = _("Two-step sign-in is off for this person.")
    return _act(request, user_id, lambda user: mfa_reset(user=user, by=person(request)), done)


@require_POST
@policy("users.manage")
def person_sign_out(request: HttpRequest, user_id: UUID) -> HttpResponse:
    done = _("The person has been signed out everywhere.")
    return _act(
        request,
        user_id,
        lambda user: session_services.sessions_end(user=user, by=person(request)),
        done,
        to="people:sessions",
    )


@require_POST
@policy("users.manage")
def person_session_end(request: HttpRequest, user_id: UUID, session_id: UUID) -> HttpResponse:
    def act(user: User) -> None:
        may_touch(person(request), user)
        session_services.session_end(user=user, id=session_id)

    return _act(request, user_id, act, _("The app has been signed out."), to="people:sessions")


@require_POST
@policy("devices.revoke")
def person_device_revoke(request: HttpRequest, user_id: UUID, device_id: UUID) -> HttpResponse:
    def act(user: User) -> None:
        device = device_list(user=user).filter(pk=device_id, status=Device.Status.ACTIVE).first()
        if device is None:
            raise NotFound(_("There is no such device."))
        session_services.device_end(user=user, id=device.pk, by=person(request))

    done = _("The device is signed out. Its person can sign in on it again.")
    return _act(request, user_id, act, done, to="people:sessions")


@require_http_methods(["GET", "POST"])
@policy("users.manage")
def person_delete(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Say what goes and what stays, then remove."""
    user = people.person_get(id=user_id)
    context = _frame(request, user, "") | {"sessions": len(session_cards(user=user))}
    context["devices"] = device_list(user=user).exclude(status=Device.Status.REVOKED).count()
    if request.method == "POST":
        try:
            services.user_delete(user=user, by=person(request))
        except DomainError as refusal:
            context["error"] = str(refusal.message)
            return render(request, "desk/people/delete.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        messages.success(request, _("%(name)s has been removed.") % {"name": user.name})
        return redirect("people:list")
    return render(request, "desk/people/delete.html", context)
