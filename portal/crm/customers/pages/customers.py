"""Pages of customers: list, bulk changes, exports, form, overview, timeline, notes, files, history, deletion."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.audit.models import AuditEntry
from portal.core.common.errors import DomainError, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.sheets import TYPES
from portal.core.files import selectors as files
from portal.core.files.services import file_create
from portal.core.jobs.tasks import defer
from portal.core.tenancy import scope
from portal.crm.activity.selectors import timeline
from portal.crm.activity.services import sources
from portal.crm.counting import MOST
from portal.crm.customers import bulk, duplicates, exports, notes, registry, selectors, services
from portal.crm.customers.access import customer_get, customers_seen
from portal.crm.customers.choices import STATUS_CHANGES
from portal.crm.customers.frame import customer_frame
from portal.crm.customers.models import Customer, CustomerNote, Tag
from portal.crm.customers.pages.forms import BulkForm, CustomerForm, NoteForm
from portal.crm.customers.pages.lists import CustomerFilter, CustomerTable
from portal.ui import answers
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

SHOWN = 8
PAGE = 30


def with_tags(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    """Rows with `marked`, their tags by name."""
    return rows.select_related("assigned_to").prefetch_related(
        Prefetch("tags", queryset=Tag.objects.order_by("name", "id"), to_attr="marked")
    )


@require_GET
@policy("customers.view")
def customer_list(request: HttpRequest) -> HttpResponse:
    may_edit, may_import = may(request, "customers.edit"), may(request, "customers.import")
    empty = Empty(
        title=gettext_lazy("No customers yet"),
        text=gettext_lazy(
            "Companies and people that you work for: their deals, tickets and contracts come together here."
        ),
        icon="building",
        action_label=gettext_lazy("New customer") if may_edit else "",
        action_url=reverse("crm:customer_create") if may_edit else "",
    )
    kinds = (("csv", "CSV", "file-text"), ("xlsx", "XLSX", "file-spreadsheet"), ("json", "JSON", "file-description"))
    shown = [
        Export(label=word, url=reverse("crm:customer_export", args=[kind]), icon=icon) for kind, word, icon in kinds
    ]
    return list_page(
        request,
        queryset=with_tags(customers_seen(person(request))),
        table=CustomerTable,
        table_kwargs={"bulk": may_edit},
        filterset=CustomerFilter,
        template="crm/customers/list.html",
        list_id="customers",
        deleted="customer",
        caption=gettext_lazy("Customers"),
        empty=empty,
        exports=shown if may(request, "customers.export") else (),
        live=["customers.changed"],
        count_limit=MOST,
        context={
            "may_create": may_edit,
            "may_import": may_import,
            "may_delete": may(request, "customers.delete"),
            "may_merge": may(request, "customers.merge"),
            "bulk": BulkForm() if may_edit else None,
        },
    )


@require_GET
@policy("customers.export")
def customer_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The customers of the list with the same query string; more than 5,000 become a file that a job makes."""
    if kind not in exports.KINDS:
        raise NotFound(_("There is no such format."))
    user = person(request)
    found = CustomerFilter(request.GET, queryset=customers_seen(user), request=request)
    if not found.form.is_valid():
        return HttpResponse(found.form.errors.as_text(), status=400, content_type="text/plain")
    rows, said = found.qs, found.chosen().said()
    if rows.order_by().count() > exports.AT_ONCE:
        from portal.crm.customers.jobs import customers_export

        defer(customers_export, kind=kind, filters=said, ordering=["-created_at", "-id"])
        messages.info(request, _("The file is being made; it will be among your files, for a day."))
        return redirect("crm:customer_list")
    file, _count = exports.customers_file(rows=rows, kind=kind, filters=said)
    return FileResponse(file, as_attachment=True, filename=f"customers.{kind}", content_type=TYPES[kind])


@require_POST
@policy("customers.edit")
def customer_bulk(request: HttpRequest) -> HttpResponse:
    """One change for many customers, each for itself; the page says how it went for each."""
    ids, form, by = request.POST.getlist("ids"), BulkForm(request.POST), person(request)
    names = {str(row.pk): row for row in customers_seen(by).filter(pk__in=[id for id in map(parse_uuid, ids) if id])}
    if request.POST.get("do") == "merge":
        return redirect(f"{reverse('crm:customer_merge')}?" + "&".join(f"id={id}" for id in names))
    try:
        results = _bulk(request.POST.get("do", ""), form, ids, by)
    except DomainError as refusal:
        messages.error(request, answers.refusal_text(refusal))
        return redirect("crm:customer_list")
    rows = [(names.get(result.id), result) for result in results]
    done = [UUID(result.id) for result in results if result.error is None]
    deleted = request.POST.get("do") == "delete"
    if deleted and done:
        text = ngettext("%(count)s customer was deleted.", "%(count)s customers were deleted.", len(done))
        undo_deletion(request, text % {"count": len(done)}, "customer", *done)
    context = {"rows": rows, "done": len(done), "failed": len(rows) - len(done), "deleted": deleted}
    return render(request, "crm/customers/bulk.html", context)


def _bulk(do: str, form: BulkForm, ids: list[str], by: Any) -> list[bulk.Result]:
    if not ids:
        raise Invalid(_("Tick at least one customer."))
    if do == "delete":
        return bulk.customers_delete(ids=ids, by=by)
    said = form.cleaned_data if form.is_valid() else {}
    if said.get("status"):
        return bulk.customers_update(ids=ids, changes={"status": said["status"]}, by=by)
    if said.get("assigned_to"):
        return bulk.customers_assign(ids=ids, assigned_to=str(said["assigned_to"].pk), by=by)
    if said.get("tag"):
        return bulk.customers_tag(ids=ids, said=[str(said["tag"].pk)], mode=said["mode"] or "add", by=by)
    raise Invalid(_("Choose what to do."))


@require_http_methods(["GET", "POST"])
@policy("customers.edit")
def customer_create(request: HttpRequest) -> HttpResponse:
    form = CustomerForm(request.POST or None)
    if form.is_valid():
        try:
            row = services.customer_create(
                data=form.data_for_service(), by=person(request), force=form.cleaned_data["force"]
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:customer_detail", row.pk)
    return _form(request, form, None)


@require_http_methods(["GET", "POST"])
@policy("customers.edit")
def customer_edit(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    customer = customer_get(user=person(request), id=customer_id)
    form = CustomerForm(request.POST or None, customer=customer)
    if form.is_valid():
        try:
            services.customer_update(
                id=customer_id,
                data=form.data_for_service(),
                by=person(request),
                version=form.cleaned_data["version"],
                force=form.cleaned_data["force"],
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:customer_detail", customer_id)
    return _form(request, form, customer)


def _form(request: HttpRequest, form: CustomerForm, customer: Customer | None) -> HttpResponse:
    back = reverse("crm:customer_detail", args=[customer.pk]) if customer else reverse("crm:customer_list")
    context = {
        "form": form,
        "customer": customer,
        "back": back,
        "industries": selectors.industries(user=person(request)),
    }
    status = 409 if form.candidates else answers.form_status(form)
    return render(request, "crm/customers/form.html", context, status=status)


@require_POST
@policy("customers.edit")
def customer_status(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """One step of the customer's life."""
    data, by = {"status": request.POST.get("status", "")}, person(request)
    if reason := request.POST.get("reason", "").strip():
        data["statusReason"] = reason
    before = customer_get(user=by, id=customer_id).status
    refused = answers.refused(lambda: services.customer_update(id=customer_id, data=data, by=by))
    undo = [("status", before)] if before in STATUS_CHANGES.get(data["status"], ()) else []
    done = _("The status has been changed.")
    return answers.back(request, refused, done, "crm:customer_detail", customer_id, undo=undo)


@require_http_methods(["GET", "POST"])
@policy("customers.delete")
def customer_delete(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """Asks first; what is still open is named, and a tick puts it away with the customer."""
    customer = customer_get(user=person(request), id=customer_id)
    used = registry.in_use([customer_id]).get(customer_id, [])
    if request.method == "POST":
        cascade = "archive" if request.POST.get("cascade") else ""
        with scope.acting(reason=request.POST.get("reason", "").strip()[:500]):
            by = person(request)
            refused = answers.refused(lambda: services.customer_delete(id=customer_id, by=by, cascade=cascade))
        if refused is None:
            undo_deletion(request, _("Customer deleted."), "customer", customer_id)
            return redirect("crm:customer_list")
        messages.error(request, answers.refusal_text(refused))
    return render(request, "crm/customers/delete.html", {"customer": customer, "used": used})


@require_GET
@policy("customers.view")
def customer_detail(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """Who the customer is, what happened last, what is pinned, and what other parts show."""
    context, user = customer_frame(request, customer_id, "detail"), person(request)
    customer = context["customer"]
    events, _after = timeline(user=user, customer=customer_id, limit=SHOWN)
    context |= {
        "events": events,
        "pinned": notes.note_list(user=user, customer=customer_id).filter(is_pinned=True)[:SHOWN],
        "labels": {field.key: field.label for field in CustomerForm(customer=customer).custom},
        "similar": duplicates.similar(customer, by=user) if customer.name_key else [],
        "steps": selectors.status_history(customer=customer)[:SHOWN],
    }
    return render(request, "crm/customers/detail.html", context)


@require_GET
@policy("customers.view")
def customer_timeline(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """All that happened, newest first; `kind` narrows to one source."""
    context = customer_frame(request, customer_id, "timeline")
    kind = request.GET.get("kind", "")
    types = [kind] if kind in sources() else []
    try:
        events, after = timeline(
            user=person(request),
            customer=customer_id,
            types=types,
            cursor=request.GET.get("cursor", ""),
            limit=PAGE,
        )
    except Invalid:  # an address that somebody cut off begins at the newest
        events, after = timeline(user=person(request), customer=customer_id, types=types, limit=PAGE)
    context |= {
        "events": events,
        "after": after,
        "kind": kind,
        "kinds": [(one.kind, one.icon) for one in sources().values()],
    }
    return render(request, "crm/customers/timeline.html", context)


@require_http_methods(["GET", "POST"])
@policy("customers.view")
def customer_notes(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """The notes; whoever edits customers writes one here."""
    context, user = customer_frame(request, customer_id, "notes"), person(request)
    form = NoteForm(request.POST or None) if may(request, "customers.edit") else None
    if form and form.is_valid():
        try:
            notes.note_add(customer=customer_id, data=form.wire(), by=user)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:customer_notes", customer_id)
    rows = notes.note_list(user=user, customer=customer_id)
    context |= {"form": form, "page": Paginator(rows, PAGE).get_page(request.GET.get("page"))}
    return render(request, "crm/customers/notes.html", context, status=answers.form_status(form) if form else 200)


@require_http_methods(["GET", "POST"])
@policy("customers.edit")
def note_edit(request: HttpRequest, customer_id: UUID, note_id: UUID) -> HttpResponse:
    """An author's own note, with what it said before."""
    context, user = customer_frame(request, customer_id, "notes"), person(request)
    note = _note(request, customer_id, note_id)
    held = {"content": note.content, "is_pinned": note.is_pinned, "is_private": note.is_private}
    form = NoteForm(request.POST or None, initial=held)
    if form.is_valid():
        try:
            notes.note_update(customer=customer_id, id=note_id, data=form.wire(), by=user)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:customer_notes", customer_id)
    context |= {"form": form, "note": note, "revisions": note.revisions.select_related("replaced_by")}
    return render(request, "crm/customers/note.html", context, status=answers.form_status(form))


@require_POST
@policy("customers.edit")
def note_act(request: HttpRequest, customer_id: UUID, note_id: UUID) -> HttpResponse:
    """Pin, unpin or delete a note."""
    by, note = person(request), _note(request, customer_id, note_id)
    if request.POST.get("do") == "delete":
        refused = answers.refused(lambda: notes.note_delete(customer=customer_id, id=note_id, by=by))
        if refused is not None:
            return answers.back(request, refused, "", "crm:customer_notes", customer_id)
        undo_deletion(request, _("Note deleted."), "note", note_id, parent=customer_id)
        return redirect("crm:customer_notes", customer_id)
    pinned = {"isPinned": not note.is_pinned}
    refused = answers.refused(lambda: notes.note_update(customer=customer_id, id=note_id, data=pinned, by=by))
    done = _("The note is not pinned any more.") if note.is_pinned else _("The note is pinned.")
    return answers.back(request, refused, done, "crm:customer_notes", customer_id)


def _note(request: HttpRequest, customer_id: UUID, note_id: UUID) -> CustomerNote:
    found = notes.note_list(user=person(request), customer=customer_id).filter(pk=note_id).first()
    if found is None:
        raise NotFound(_("There is no such note."))
    return found


@require_http_methods(["GET", "POST"])
@policy("files.view")
def customer_files(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """Files of the customer; whoever may edit the customer and upload adds one."""
    context, user = customer_frame(request, customer_id, "files"), person(request)
    may_upload = context["may_edit"] and may(request, "files.upload")
    sent = request.FILES.get("file")
    if request.method == "POST" and may_upload:
        if sent is None:
            messages.error(request, _("Choose a file."))
            return redirect("crm:customer_files", customer_id)
        made = ("customer", customer_id)
        refused = answers.refused(
            lambda: file_create(
                stream=sent.chunks(),
                filename=sent.name or "file",
                content_type=sent.content_type or "",
                by=user,
                links_to=[made],
            )
        )
        return answers.back(request, refused, _("The file is uploaded."), "crm:customer_files", customer_id)
    rows = files.file_list(user=user, linked_kind="customer", linked_id=customer_id)
    context |= {"page": Paginator(rows.order_by("-created_at", "-id"), PAGE).get_page(request.GET.get("page"))}
    context |= {"may_upload": may_upload}
    return render(request, "crm/customers/files.html", context)


@require_GET
@policy("customers.view")
def customer_history(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """What the audit log holds of the customer itself."""
    context = customer_frame(request, customer_id, "history")
    entries = AuditEntry.objects.filter(entity="customer", object_pk=str(customer_id)).order_by("-timestamp", "-id")
    context |= answers.history(request, entries)
    context["merges"] = selectors.merge_list(customer=context["customer"])
    return render(request, "crm/customers/history.html", context)
