"""Pages of deals: list, files, record with lines and activities, form, moves, bulk changes; the box of a customer."""

from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.common.errors import DomainError, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.sheets import TYPES
from portal.core.common.text import normalise
from portal.core.files.models import FileLink, StoredFile
from portal.core.files.services import file_create
from portal.core.jobs.tasks import defer
from portal.core.tenancy import scope
from portal.core.tenancy.words import containing
from portal.crm.activity.models import ActivityEvent
from portal.crm.counting import MOST
from portal.crm.customers.access import customers_seen
from portal.crm.money import base_currency
from portal.crm.sales import exports, selectors, services
from portal.crm.sales.choices import Kind
from portal.crm.sales.jobs import sales_export
from portal.crm.sales.models import Deal, SalesActivity, Stage
from portal.crm.sales.pages.forms import OFFERED, ActivityForm, BulkForm, DealForm, MoveForm, line_set
from portal.crm.sales.pages.lists import DealFilter, DealTable
from portal.crm.sales.stories import TEXTS
from portal.ui.answers import back, form_status, refusal_text
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

SHOWN: Final = 10  # deals in the box of a customer
TIMELINE: Final = 30
FILES: Final = 50
LIVE: Final = ("sale.stage", "sale.changed")


def frame(request: HttpRequest, view: str) -> dict[str, Any]:
    """What the pages of sales share."""
    return {
        "view": view,
        "may_create": may(request, "sales.edit"),
        "may_configure": may(request, "crm.settings"),
        "currency": base_currency(),
    }


@require_GET
@policy("sales.view")
def sale_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "sales.edit")
    address = reverse("crm:sale_create") if may_edit else ""
    files = may(request, "sales.export")
    return list_page(
        request,
        queryset=selectors.with_names(selectors.deals_seen(person(request))),
        table=DealTable,
        table_kwargs={"bulk": may_edit},
        filterset=DealFilter,
        template="crm/sales/list.html",
        list_id="sales",
        deleted="sale",
        caption=gettext_lazy("Deals"),
        empty=Empty(
            title=gettext_lazy("No deals yet"),
            text=gettext_lazy("A deal is work that a customer may order: its value, its stage and when it may be won."),
            icon="coin",
            action_label=gettext_lazy("New deal") if may_edit else "",
            action_url=address,
        ),
        exports=[Export(label=kind.upper(), url=reverse("crm:sale_export", args=[kind])) for kind in exports.KINDS]
        if files
        else (),
        live=LIVE,
        count_limit=MOST,
        context=frame(request, "list") | {"bulk": BulkForm() if may_edit else None},
    )


@require_GET
@policy("sales.export")
def sale_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The deals of the list with the same query string."""
    if kind not in exports.KINDS:
        raise NotFound(_("There is no such format."))
    filters = DealFilter(request.GET, queryset=Deal.objects.none(), request=request)
    if not filters.form.is_valid():
        return HttpResponse(filters.form.errors.as_text(), status=400, content_type="text/plain")
    chosen, rows = filters.chosen(), DealTable(filters.qs, order_by=request.GET.get("sort") or "-created_at").data.data
    if rows.order_by().count() > exports.AT_ONCE:
        defer(sales_export, kind=kind, filters=chosen.said(), ordering=["-created_at", "-id"])
        messages.info(request, _("The file is being made; it will be among your files, for a day."))
        return redirect("crm:sale_list")
    file = exports.export(rows, kind, filters=chosen.said())
    headers = {"Cache-Control": "private, no-store"}
    return FileResponse(file, as_attachment=True, filename=f"sales.{kind}", content_type=TYPES[kind], headers=headers)


@require_GET
@policy("sales.edit")
def sale_customers(request: HttpRequest) -> HttpResponse:
    """Customers by a part of their name, for the choice in the form."""
    rows = customers_seen(person(request))
    text = normalise(request.GET.get("q", "")[:100])
    rows = containing(rows, text) if text else rows.order_by("-last_activity_at", "-id")
    return JsonResponse(
        [{"value": str(pk), "text": name} for pk, name in rows.values_list("pk", "name")[:OFFERED]], safe=False
    )


@require_http_methods(["GET", "POST"])
@policy("sales.edit")
def sale_create(request: HttpRequest) -> HttpResponse:
    return _form(request, None)


@require_http_methods(["GET", "POST"])
@policy("sales.edit")
def sale_edit(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    deal = selectors.deal_for(person(request), deal_id)
    selectors.deal_for(person(request), deal_id, "sales.edit")
    return _form(request, deal)


def _form(request: HttpRequest, deal: Deal | None) -> HttpResponse:
    user, customer = person(request), None
    if deal is None and (wanted := parse_uuid(request.GET.get("customer"))):
        customer = customers_seen(user).filter(pk=wanted).first()
    data = request.POST if request.method == "POST" else None
    form = DealForm(data, user=user, deal=deal, customer=customer)
    lines = line_set(data, list(deal.lines.all()) if deal else ())
    if data is not None and form.is_valid() & lines.is_valid():
        values = form.values()
        said = [line for one in lines.forms if (line := one.line)]
        values["products"] = said
        if said:
            del values["value"]
        try:
            if deal is None:
                deal = services.deal_create(data=values, by=user)
            else:
                version = form.cleaned_data["version"]
                deal = services.deal_update(id=deal.pk, data=values, by=user, version=version)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:sale_detail", deal.pk)
    back = reverse("crm:sale_detail", args=[deal.pk]) if deal else reverse("crm:sale_list")
    context = {"form": form, "lines": lines, "deal": deal, "back": back, "currency": base_currency()}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if data is not None else HTTPStatus.OK
    return render(request, "crm/sales/form.html", context, status=status)


@require_GET
@policy("sales.view")
def sale_detail(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    return _detail(request, selectors.deal_for(person(request), deal_id), ActivityForm())


def _detail(request: HttpRequest, deal: Deal, form: ActivityForm) -> HttpResponse:
    user, known = person(request), selectors.stages()
    editable = selectors.deals_seen(user, "sales.edit").filter(pk=deal.pk).exists()
    ways = services.allowed(deal, user, known) if editable else []
    activities = list(selectors.activity_list(deal=deal.pk).order_by("-created_at", "-id"))
    events = ActivityEvent.objects.filter(subject_id=deal.pk, kind="sale").select_related("user")
    context = {
        "deal": deal,
        "base": base_currency(),
        "lines": list(deal.lines.all()),
        "path": [(stage, stage in ways, _passed(deal, stage)) for stage in known],
        "may_edit": editable,
        "may_delete": selectors.deals_seen(user, "sales.delete").filter(pk=deal.pk).exists(),
        "pending": sorted(
            (a for a in activities if a.done_at is None), key=lambda a: (a.due_at is None, a.due_at or 0)
        ),
        "done": [a for a in activities if a.done_at is not None],
        "form": form,
        "events": [(event, _told(event)) for event in events.order_by("-occurred_at", "-id")[:TIMELINE]],
        "files": _files(deal) if may(request, "files.view") else None,
        "may_upload": editable and may(request, "files.upload"),
    }
    return render(request, "crm/sales/detail.html", context, status=form_status(form))


def _files(deal: Deal) -> list[StoredFile]:
    links = FileLink.objects.filter(kind="sale", record_id=deal.pk, file__deleted_at=None)
    return [link.file for link in links.select_related("file").order_by("-created_at", "-id")[:FILES]]


def _passed(deal: Deal, stage: Stage) -> bool:
    return stage.kind == Kind.OPEN and deal.stage.kind != Kind.LOST and stage.position < deal.stage.position


def _told(event: ActivityEvent) -> str:
    text = TEXTS[event.type]
    return text(event.data) if callable(text) else str(text) % event.data


@require_http_methods(["GET", "POST"])
@policy("sales.delete")
def sale_delete(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    deal = selectors.deal_for(person(request), deal_id)
    if request.method == "POST":
        with scope.acting(reason=request.POST.get("reason", "").strip()[:500]):
            services.deal_delete(id=deal_id, by=person(request))
        undo_deletion(request, _("The deal has been deleted."), "sale", deal_id)
        return redirect("crm:sale_list")
    return render(request, "crm/sales/delete.html", {"deal": deal})


@require_POST
@policy("sales.edit")
def sale_clone(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    try:
        copy = services.deal_clone(id=deal_id, by=person(request))
    except Invalid as refusal:  # the sums of an imported deal may not fit its lines
        messages.error(request, refusal_text(refusal))
        return redirect("crm:sale_detail", deal_id)
    messages.success(request, _("This is the copy; the original stays as it is."))
    return redirect("crm:sale_detail", copy.pk)


@require_http_methods(["GET", "POST"])
@policy("sales.edit")
def sale_move(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    """Into another stage; a page of its own asks for what the stage needs."""
    user = person(request)
    deal = selectors.deal_for(user, deal_id)
    before = deal.stage
    refusal, form = move(request, deal)
    if form is not None:
        context = {"deal": deal, "form": form, "target": form.target}
        return render(
            request, "crm/sales/move.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else 200
        )
    after = selectors.deal_for(user, deal_id)
    again = after.stage_id != before.pk and not MoveForm(deal=after, target=before).asks
    done = _("The deal is in the stage “%(stage)s”.") % {"stage": after.stage}
    return back(request, refusal, done, "crm:sale_detail", deal_id, undo=[("stage", before.key)] if again else [])


def move(request: HttpRequest, deal: Deal) -> tuple[DomainError | None, MoveForm | None]:
    """Move a deal as a request says. The refusal, or the form with what the stage asks for and was not told."""
    said = request.POST if request.method == "POST" else request.GET
    try:
        target = selectors.stage_named(said.get("stage"))
    except DomainError as refusal:
        return refusal, None
    form = MoveForm(said if "asked" in said else None, deal=deal, target=target)
    if form.asks and target.pk != deal.stage_id:
        if not form.is_bound or not form.is_valid():
            return None, form
        values = form.values()
    else:
        values = {"stage": target.key}
    try:
        services.deal_update(id=deal.pk, data=values, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        if form.is_bound:
            form.refuse(refusal)
            return None, form
        return refusal, None
    return None, None


@require_POST
@policy("sales.edit")
def sale_bulk(request: HttpRequest) -> HttpResponse:
    """One change for many deals, each for itself; the page says how it went for each."""
    form, ids = BulkForm(request.POST), request.POST.getlist("ids")
    changes = form.changes() if form.is_valid() else {}
    if not changes or not ids:
        messages.error(request, _("Choose what to do.") if ids else _("Tick at least one deal."))
        return redirect("crm:sale_list")
    try:
        results = services.deals_change(ids=ids, data=changes, by=person(request))
    except DomainError as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("crm:sale_list")
    known = [id for id in map(parse_uuid, ids) if id is not None]
    named = {str(deal.pk): deal for deal in selectors.deals_seen(person(request)).filter(pk__in=known)}
    rows = [(named.get(result.id), result) for result in results]
    done = sum(result.error is None for result in results)
    return render(request, "crm/sales/bulk.html", {"rows": rows, "done": done, "failed": len(rows) - done})


@require_POST
@policy("sales.edit")
def activity_add(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    form = ActivityForm(request.POST)
    if form.is_valid():
        data = {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}
        try:
            services.activity_add(deal=deal_id, data=data, by=person(request))
        except NotFound:
            raise
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect(reverse("crm:sale_detail", args=[deal_id]) + "#activities")
    return _detail(request, selectors.deal_for(person(request), deal_id), form)


@require_POST
@policy("sales.edit")
def activity_done(request: HttpRequest, deal_id: UUID, salesactivity_id: UUID) -> HttpResponse:
    """Done, with what came of it; then the page asks for the next one."""
    data = {"done_at": clock.now(), "outcome": request.POST.get("outcome", "").strip()[:300]}
    row = services.activity_update(deal=deal_id, id=salesactivity_id, data=data, by=person(request))
    if not SalesActivity.objects.filter(deal=row.deal_id, done_at=None).exists() and row.deal.status == Kind.OPEN:
        messages.info(request, _("What comes next for this deal? Plan the next activity."))
        return redirect(reverse("crm:sale_detail", args=[deal_id]) + "#next")
    return redirect(reverse("crm:sale_detail", args=[deal_id]) + "#activities")


@require_POST
@policy("sales.edit")
def activity_delete(request: HttpRequest, deal_id: UUID, salesactivity_id: UUID) -> HttpResponse:
    services.activity_delete(deal=deal_id, id=salesactivity_id, by=person(request))
    return redirect(reverse("crm:sale_detail", args=[deal_id]) + "#activities")


@require_POST
@policy("files.upload")
def file_add(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    """Files of a deal; each is taken or refused by itself."""
    user = person(request)
    selectors.deal_for(user, deal_id, "sales.edit")
    for sent in request.FILES.getlist("file"):
        try:
            with transaction.atomic():
                file_create(
                    stream=sent,
                    filename=sent.name or "",
                    content_type=sent.content_type or "",
                    by=user,
                    links_to=[("sale", deal_id)],
                )
        except DomainError as refusal:
            messages.error(request, format_html("<bdi>{}</bdi>: {}", sent.name, refusal_text(refusal)))
    return redirect(reverse("crm:sale_detail", args=[deal_id]) + "#files")


def customer_panel(request: HttpRequest, customer: Any) -> dict[str, Any]:
    """The deals of a customer that the reader sees, open ones first."""
    rows = selectors.with_names(selectors.deals_seen(person(request)).filter(customer=customer.pk))
    totals = rows.order_by().aggregate(
        count=Count("pk"),
        open=Sum("base_value", filter=Q(status=Kind.OPEN)),
        won=Sum("base_value", filter=Q(status=Kind.WON)),
    )
    deals = sorted(rows.order_by("-created_at", "-id")[:SHOWN], key=lambda deal: deal.status != Kind.OPEN)
    return {
        "deals": deals,
        "totals": totals,
        "base": base_currency(),
        "may_create": may(request, "sales.edit"),
    }
