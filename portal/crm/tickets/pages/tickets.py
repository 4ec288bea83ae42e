"""Pages of tickets: queue, board, export, form, conversation with clocks, history, merge, bulk changes, promises."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, F
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.common.errors import DomainError, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.sheets import TYPES
from portal.core.jobs.tasks import defer
from portal.core.tenancy import scope
from portal.crm.counting import MOST
from portal.crm.customers.access import customers_seen
from portal.crm.customers.frame import customer_frame
from portal.crm.tickets import access, exports, figures, jobs, selectors, services, talk
from portal.crm.tickets.choices import OPEN, TicketStatus
from portal.crm.tickets.models import CommentRevision, Ticket, TicketComment
from portal.crm.tickets.pages.forms import BulkForm, TicketForm, workers
from portal.crm.tickets.pages.lists import TicketFilter, TicketTable
from portal.ui import answers
from portal.ui.boards import Moves
from portal.ui.filters import day_after, midnight
from portal.ui.lists import Empty, Export, list_page
from portal.ui.people import may, person
from portal.ui.restoring import undo_deletion

CARDS = 50  # of one column
BOARD = (TicketStatus.NEW, TicketStatus.OPEN, TicketStatus.WAITING, TicketStatus.ON_HOLD, TicketStatus.RESOLVED)
NEEDS = {TicketStatus.RESOLVED: "note", TicketStatus.ON_HOLD: "reason"}
LIVE = ("ticket.created", "ticket.updated", "ticket.comment", "sla.breach")


# --- lists ------------------------------------------------------------------------------------------
@require_GET
@policy("tickets.view")
def ticket_list(request: HttpRequest) -> HttpResponse:
    """The queue: what is open, by what runs out first."""
    may_work = may(request, "tickets.work")
    empty = Empty(
        title=gettext_lazy("No tickets yet"),
        text=gettext_lazy("A ticket holds what a customer asks for, what was answered, and by when that is owed."),
        icon="ticket",
        action_label=gettext_lazy("New ticket") if may_work else "",
        action_url=reverse("crm:ticket_create") if may_work else "",
    )
    links = [
        Export(label=label, url=reverse("crm:ticket_export", args=[kind]), icon=icon)
        for kind, label, icon in (
            ("csv", gettext_lazy("CSV, for programs"), "file-text"),
            ("xlsx", gettext_lazy("Excel workbook"), "file-spreadsheet"),
            ("json", gettext_lazy("JSON, for programs"), "file-description"),
        )
    ]
    return list_page(
        request,
        queryset=access.tickets_seen(person(request)),
        table=TicketTable,
        table_kwargs={"bulk": may_work},
        filterset=TicketFilter,
        template="crm/tickets/list.html",
        list_id="tickets",
        deleted="ticket",
        caption=gettext_lazy("Tickets"),
        empty=empty,
        exports=links if may(request, "tickets.export") else (),
        live=LIVE,
        count_limit=MOST,
        context={"may_work": may_work, "view": "list", "bulk": BulkForm() if may_work else None},
    )


@require_GET
@policy("tickets.view")
def customer_tickets(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """All tickets of a customer, as a tab of the customer's page."""
    context = customer_frame(request, customer_id, "tickets")

    class OfCustomer(TicketFilter):
        customer = None

        def chosen(self) -> dict[str, Any]:
            shown = self.form.cleaned_data.get("show")
            return super().chosen() | {"customer": customer_id} | ({} if shown else {"open_only": False})

    return list_page(
        request,
        queryset=access.tickets_seen(person(request)).filter(customer=customer_id),
        table=TicketTable,
        table_kwargs={"inside": True},
        filterset=OfCustomer,
        template="crm/tickets/customer.html",
        list_id="tickets",
        caption=gettext_lazy("Tickets"),
        empty=Empty(title=gettext_lazy("No tickets of this customer yet"), icon="ticket"),
        live=LIVE,
        count_limit=MOST,
        context=context | {"may_work": may(request, "tickets.work")},
    )


@require_GET
@policy("tickets.export")
def ticket_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The tickets of the list with the same query string; many of them are made by a job and wait in the files."""
    if kind not in exports.KINDS:
        raise NotFound(_("There is no such format."))
    filters = TicketFilter(request.GET, queryset=Ticket.objects.none(), request=request)
    if not filters.form.is_valid():
        return HttpResponse(filters.form.errors.as_text(), status=400, content_type="text/plain")
    chosen = filters.chosen()
    rows = selectors.ticket_list(user=person(request), **chosen).order_by("-created_at", "-id")
    said = {name: value for name, value in jobs.as_json(chosen).items() if value not in (None, "", [], (), False)}
    if rows[: exports.AT_ONCE + 1].count() > exports.AT_ONCE:
        defer(jobs.ticket_export, kind=kind, filters=said)
        messages.info(request, _("The file is being made. You find it among your files in a minute."))
        return redirect("crm:ticket_list")
    file = exports.tickets_file(rows=rows, kind=kind, filters=said)
    return FileResponse(file, as_attachment=True, filename=f"tickets.{kind}", content_type=TYPES[kind])


@require_GET
@policy("tickets.view")
def ticket_board(request: HttpRequest) -> HttpResponse:
    template = "crm/tickets/board.html"
    partial = bool(request.htmx) and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    return render(request, f"{template}#board" if partial else template, _board(request))


def _board(request: HttpRequest) -> dict[str, Any]:
    filters = TicketFilter(request.GET, queryset=Ticket.objects.none(), request=request)
    rows = filters.qs if filters.form.is_valid() else access.tickets_seen(person(request))
    chosen = filters.chosen() | {"open_only": False, "statuses": ()}
    rows = selectors.ticket_list(user=person(request), **chosen)
    counts = dict(rows.filter(status__in=BOARD).order_by().values_list("status").annotate(n=Count("pk")))
    may_work, user, columns = may(request, "tickets.work"), person(request), []
    moves = Moves(request, to="crm:ticket_move", name="status")
    shown = rows.select_related("customer", "assigned_to").defer("description", "search_text")
    for status in BOARD:
        late = F("sla_due_at").asc(nulls_last=True)
        order = ("-created_at", "-id") if status == TicketStatus.RESOLVED else (late, "id")
        cards = [
            (row, moves.form(row.pk, _ways(row, user) if may_work else ()))
            for row in shown.filter(status=status).order_by(*order)[:CARDS]
        ]
        columns.append((status.value, status.label, counts.get(status, 0), cards))
    return {
        "columns": columns,
        "view": "board",
        "query": request.GET.urlencode(),
        "filter_form": filters.form,
        "may_work": may_work,
    }


def _ways(row: Ticket, user: User) -> list[tuple[str, object]]:
    return [(way, TicketStatus(way).label) for way in services.allowed(row, user) if way in BOARD]


@require_POST
@policy("tickets.work")
def ticket_move(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """Put a card into another column. Where that needs words, the ticket's page asks for them."""
    status = request.POST.get("status", "")
    if status in NEEDS:
        url = f"{reverse('crm:ticket_detail', args=[ticket_id])}?to={status}#step"
        if request.htmx:  # type: ignore[attr-defined]
            return HttpResponse(status=204, headers={"HX-Redirect": url})
        return redirect(url)
    refused = answers.refused(lambda: services.ticket_status(id=ticket_id, data={"status": status}, by=person(request)))
    if not request.htmx:  # type: ignore[attr-defined]
        return answers.back(request, refused, _("The status has been changed."), "crm:ticket_board")
    response = render(request, "crm/tickets/board.html#board", _board(request))
    if refused is not None:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        answers.toast(response, answers.refusal_text(refused), "error")
    return response


@require_POST
@policy("tickets.work")
def ticket_bulk(request: HttpRequest) -> HttpResponse:
    """One change for many tickets, each for itself; the page says how it went for each."""
    form, ids = BulkForm(request.POST), request.POST.getlist("ids")
    changes = form.changes() if form.is_valid() else {}
    if not changes or not ids:
        messages.error(request, _("Choose what to do.") if ids else _("Tick at least one ticket."))
        return redirect("crm:ticket_list")
    try:
        results = services.tickets_change(ids=ids, data=changes, by=person(request))
    except DomainError as refusal:
        messages.error(request, answers.refusal_text(refusal))
        return redirect("crm:ticket_list")
    known = [id for id in map(parse_uuid, ids) if id is not None]
    named = {str(row.pk): row for row in access.tickets_seen(person(request)).filter(pk__in=known)}
    done = sum(result.error is None for result in results)
    rows = [(named.get(result.id), result) for result in results]
    context = {"rows": rows, "done": done, "failed": len(results) - done}
    return render(request, "crm/tickets/bulk.html", context)


# --- one ticket -------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@policy("tickets.work")
def ticket_create(request: HttpRequest) -> HttpResponse:
    user = person(request)
    initial = {"customer": request.GET["customer"]} if parse_uuid(request.GET.get("customer")) else None
    form = TicketForm(request.POST or None, user=user, initial=initial)
    if form.is_valid():
        data = {name: value for name, value in form.wire().items() if value is not None}
        try:
            ticket = services.ticket_create(data=data, by=user)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:ticket_detail", ticket.pk)
    context = {"form": form, "ticket": None, "back": reverse("crm:ticket_list")}
    return render(request, "crm/tickets/form.html", context, status=answers.form_status(form))


@require_http_methods(["GET", "POST"])
@policy("tickets.work")
def ticket_edit(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    user = person(request)
    ticket = access.ticket_for(user, ticket_id)
    form = TicketForm(request.POST or None, user=user, ticket=ticket)
    if form.is_valid():
        data, version = form.wire(only_changed=True), form.cleaned_data["version"]
        try:
            services.ticket_update(id=ticket_id, data=data, by=user, version=version)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The changes have been saved."))
            return redirect("crm:ticket_detail", ticket_id)
    context = {"form": form, "ticket": ticket, "back": reverse("crm:ticket_detail", args=[ticket_id])}
    return render(request, "crm/tickets/form.html", context, status=answers.form_status(form))


@require_GET
@policy("tickets.view")
def ticket_detail(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """The conversation, with the clocks beside it."""
    user = person(request)
    ticket = access.ticket_for(user, ticket_id)
    comments = list(talk.comment_list(ticket=ticket, user=user))
    revised: dict[UUID, list[CommentRevision]] = {}
    for revision in CommentRevision.objects.filter(comment__in=comments).order_by("created_at"):
        revised.setdefault(revision.comment_id, []).append(revision)
    ways = services.allowed(ticket, user)
    context = _frame(request, ticket, "detail") | {
        "comments": [(row, revised.get(row.pk, []), _may_take_back(row, user)) for row in comments],
        "attachments": talk.attachment_list(ticket=ticket, user=user),
        "clocks": selectors.ticket_clocks(ticket=ticket.pk),
        "pauses": selectors.ticket_pauses(ticket=ticket.pk),
        "ways": [(way, TicketStatus(way).label, NEEDS.get(TicketStatus(way), "")) for way in ways],
        "wanted": request.GET.get("to", ""),
        "workers": workers() if may(request, "tickets.work") else [],
        "customer_url": _customer_url(ticket, user),
        "others": _others(ticket, user),
        "merged": Ticket.objects.filter(merged_into=ticket, deleted_at=None).order_by("number"),
        "followers": Ticket.objects.filter(follows=ticket, deleted_at=None).order_by("number"),
    }
    return render(request, "crm/tickets/detail.html", context)


def _may_take_back(comment: TicketComment, user: User) -> bool:
    return user.has_permission("tickets.work") and (
        comment.author_id == user.pk or user.has_permission("tickets.manage")
    )


def _frame(request: HttpRequest, ticket: Ticket, tab: str) -> dict[str, Any]:
    work = access.tickets_seen(person(request), "tickets.work").filter(pk=ticket.pk).exists()
    return {
        "ticket": ticket,
        "tab": tab,
        "may_work": work,
        "may_delete": work and may(request, "tickets.delete"),
        "may_internal": may(request, "tickets.internal"),
    }


def _customer_url(ticket: Ticket, user: User) -> str:
    """The customer's page, for whoever may see that customer."""
    seen = ticket.customer_id and customers_seen(user).filter(pk=ticket.customer_id).exists()
    return reverse("crm:customer_detail", args=[ticket.customer_id]) if seen else ""


def _others(ticket: Ticket, user: User) -> list[Ticket]:
    """The customer's other open tickets."""
    if ticket.customer_id is None:
        return []
    rows = access.tickets_seen(user).filter(customer=ticket.customer_id, status__in=OPEN).exclude(pk=ticket.pk)
    return list(rows.order_by("-created_at", "-id")[:5])


@require_GET
@policy("tickets.view")
def ticket_history(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    ticket = access.ticket_for(person(request), ticket_id)
    entries = selectors.ticket_history(ticket=ticket_id, user=person(request))
    return render(
        request, "crm/tickets/history.html", _frame(request, ticket, "history") | answers.history(request, entries)
    )


@require_POST
@policy("tickets.work")
def ticket_step(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """Another status, with the words that it needs."""
    data = {name: request.POST.get(name, "") for name in ("status", "note", "reason")}
    user = person(request)
    before = access.ticket_for(user, ticket_id).status
    refused = answers.refused(lambda: services.ticket_status(id=ticket_id, data=data, by=user))
    # only where the way back asks for no words
    again = before not in NEEDS and before in services.allowed(access.ticket_for(user, ticket_id), user)
    done, undo = _("The status has been changed."), [("status", before)] if again else []
    return answers.back(request, refused, done, "crm:ticket_detail", ticket_id, undo=undo)


@require_POST
@policy("tickets.work")
def ticket_assign(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    to, before = request.POST.get("assigned_to") or None, access.ticket_for(person(request), ticket_id).assigned_to_id
    refused = answers.refused(lambda: services.ticket_assign(id=ticket_id, person=to, by=person(request)))
    done, undo = _("The ticket has been assigned."), [("assigned_to", str(before or ""))]
    return answers.back(request, refused, done, "crm:ticket_detail", ticket_id, undo=undo)


@require_POST
@policy("tickets.work")
def ticket_reply(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """A public answer, an internal note or what the customer said, with a file or not."""
    kind, by, file = request.POST.get("kind", "public"), person(request), request.FILES.get("file")
    text = request.POST.get("content", "")

    def work() -> None:
        if text.strip() or file is None:
            services.comment_add(
                ticket=ticket_id,
                content=text,
                by=by,
                is_internal=kind == "internal",
                from_customer=kind == "customer",
            )
        if file is not None:
            talk.attachment_add(
                ticket=ticket_id,
                stream=file,
                filename=file.name or "file",
                content_type=file.content_type or "",
                is_internal=kind == "internal",
                by=by,
            )

    if refusal := answers.refused(work):
        messages.error(request, answers.refusal_text(refusal))
    return redirect(reverse("crm:ticket_detail", args=[ticket_id]) + "#reply")


@require_POST
@policy("tickets.work")
def comment_edit(request: HttpRequest, ticket_id: UUID, comment_id: UUID) -> HttpResponse:
    content = request.POST.get("content", "")
    refused = answers.refused(
        lambda: talk.comment_change(ticket=ticket_id, id=comment_id, content=content, by=person(request))
    )
    return answers.back(request, refused, _("The changes have been saved."), "crm:ticket_detail", ticket_id)


@require_POST
@policy("tickets.work")
def comment_delete(request: HttpRequest, ticket_id: UUID, comment_id: UUID) -> HttpResponse:
    refused = answers.refused(lambda: talk.comment_delete(ticket=ticket_id, id=comment_id, by=person(request)))
    if refused is not None:
        return answers.back(request, refused, "", "crm:ticket_detail", ticket_id)
    undo_deletion(request, _("The comment has been deleted."), "ticket_comment", comment_id, parent=ticket_id)
    return redirect("crm:ticket_detail", ticket_id)


@require_POST
@policy("tickets.work")
def attachment_delete(request: HttpRequest, ticket_id: UUID, attachment_id: UUID) -> HttpResponse:
    refused = answers.refused(lambda: talk.attachment_delete(ticket=ticket_id, id=attachment_id, by=person(request)))
    return answers.back(request, refused, _("The file has been taken away."), "crm:ticket_detail", ticket_id)


@require_POST
@policy("tickets.work")
def ticket_merge(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    """Tickets are named by their numbers."""
    access.ticket_for(person(request), ticket_id)
    words = request.POST.get("numbers", "").replace("#", " ").replace(",", " ").replace("،", " ").split()

    def work() -> None:
        numbers = [int(word) for word in words if word.isdecimal() and len(word) < 15]
        rows = access.tickets_seen(person(request)).filter(number__in=numbers)
        found = {row.number: str(row.pk) for row in rows}
        if not numbers or len(numbers) != len(words) or set(numbers) - set(found):
            raise Invalid.field("numbers", _("There is no ticket with one of these numbers."))
        services.ticket_merge(id=ticket_id, sources=list(found.values()), by=person(request))

    return answers.back(
        request, answers.refused(work), _("The tickets have been merged."), "crm:ticket_detail", ticket_id
    )


@require_http_methods(["GET", "POST"])
@policy("tickets.delete")
def ticket_delete(request: HttpRequest, ticket_id: UUID) -> HttpResponse:
    ticket = access.ticket_for(person(request), ticket_id)
    if request.method == "POST":
        with scope.acting(reason=request.POST.get("reason", "").strip()[:500]):
            services.ticket_delete(id=ticket_id, by=person(request))
        undo_deletion(request, _("The ticket has been deleted."), "ticket", ticket_id)
        return redirect("crm:ticket_list")
    return render(request, "crm/tickets/delete.html", {"ticket": ticket})


# --- promises ---------------------------------------------------------------------------------------
@require_GET
@policy("tickets.view")
def ticket_sla(request: HttpRequest) -> HttpResponse:
    """How promises are kept: of the last 30 days unless said otherwise."""
    today = timezone.localdate()
    first = clock.parse_date(request.GET.get("from")) or today - timedelta(days=30)
    last = clock.parse_date(request.GET.get("to")) or today
    group = request.GET.get("group", "category")
    if first > last or not 2000 <= first.year <= last.year <= 2200 or group not in figures.GROUPS:
        return redirect("crm:ticket_sla")
    rows = access.tickets_seen(person(request))
    found = figures.metrics(rows, since=midnight(first), until=day_after(last), group=group)
    stats = figures.stats(rows)
    context = {
        "found": found,
        "stats": stats,
        "ages": [(label, stats["backlogAge"][key]) for key, label in _ages()],
        "kinds": [
            (_("First reply"), found["firstResponse"]),
            (_("Next reply"), found["nextResponse"]),
            (_("Resolution"), found["resolution"]),
        ],
        "groups": _named(found["groups"], group),
        "group": group,
        "group_choices": [
            ("category", _("Category")),
            ("priority", _("Priority")),
            ("agent", _("Person")),
            ("policy", _("SLA policy")),
        ],
        "first": first,
        "last": last,
        "now": clock.now(),
    }
    return render(request, "crm/tickets/sla.html", context)


def _ages() -> list[tuple[str, str]]:
    return [
        ("under1d", _("less than a day")),
        ("1to3d", _("1 to 3 days")),
        ("3to7d", _("3 to 7 days")),
        ("7to30d", _("7 to 30 days")),
        ("over30d", _("more than 30 days")),
    ]


def _named(groups: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    """With names in place of keys and ids."""
    from portal.crm.sla.models import SlaPolicy
    from portal.crm.tickets.choices import TicketPriority
    from portal.crm.tickets.models import TicketCategory

    keys = [one["key"] for one in groups]
    names: dict[str, str] = {}
    if group == "priority":
        names = {value: str(label) for value, label in TicketPriority.choices}
    elif group == "category":
        names = {row.key: str(row) for row in TicketCategory.objects.filter(key__in=keys)}
    elif group == "agent":
        names = {str(row.pk): row.name for row in User.objects.filter(pk__in=keys)}
    elif group == "policy":
        names = {str(row.pk): row.name for row in SlaPolicy.objects.filter(pk__in=keys)}
    return [one | {"name": names.get(one["key"], one["key"])} for one in groups]
