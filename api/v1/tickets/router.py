"""Tickets (specification 002, 18 endpoints), their categories, and how they are merged."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import LARGE, Declared, Page, Reply, Router, expected_version, paginate, uploads
from api.kit.files import described, download
from api.kit.periods import Period, period
from api.kit.schemas import uuid_in
from api.v1.projects.router import me, record, version
from api.v1.tasks.schemas import BulkOut
from api.v1.tickets import schemas
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.jobs.tasks import defer, job_as_wire
from portal.crm.sla import calendars
from portal.crm.tickets import access, categories, exports, figures, jobs, selectors, services, talk, wire
from portal.crm.tickets.models import Ticket

router = Router(tags=["tickets"])
RETRY_SECONDS = 5
type Payload = dict[str, Any]


# --- lists and figures ------------------------------------------------------------------------------
@router.get("/tickets", policy="tickets.view", response=list[schemas.TicketOut], summary="Tickets")
def ticket_list(request: HttpRequest, query: Query[schemas.TicketQuery]) -> Page:
    """Those that you see, newest first."""
    found = _found(request, query)
    if query.sort == "priority":
        found = found.annotate(urgency=selectors.urgency())
    page = paginate(found, query, lambda row: row.pk)
    held = {row["id"]: row for row in selectors.plain(Ticket.objects.filter(pk__in=page.items))}
    page.items = wire.tickets([held[pk] for pk in page.items])
    return page


@router.get("/tickets/stats", policy="tickets.view", response=schemas.StatsOut, summary="Figures of tickets")
def ticket_stats(request: HttpRequest, query: Query[schemas.TicketFilters]) -> Payload:
    """`total` = open + resolved; spam and merged ones are left out. Takes the filters of the list."""
    return figures.stats(_found(request, query))


@router.get("/tickets/analytics", policy="tickets.view", response=schemas.AnalyticsOut, summary="Trends of tickets")
def ticket_analytics(request: HttpRequest, query: Query[schemas.TicketFilters]) -> Payload:
    """Created and resolved per day of the period, the last 30 days where none is given."""
    window, zone = _window(request, query), request.organization.time_zone  # type: ignore[attr-defined]
    until = window.until or clock.now()
    since = max(window.since or until - timedelta(days=30), until - timedelta(days=1100))
    return figures.analytics(_found(request, query, dated=False), since=since, until=until, zone=zone)


@router.get("/tickets/sla-metrics", policy="tickets.view", response=schemas.MetricsOut, summary="Kept promises")
def ticket_sla_metrics(request: HttpRequest, query: Query[schemas.MetricsQuery]) -> Payload:
    """Of tickets that were created in the period; `overdue`, `atRisk` and `worst` are of now."""
    window = _window(request, query)
    rows = _found(request, query, dated=False)
    return figures.metrics(rows, since=window.since, until=window.until, group=query.group_by)


@router.get(
    "/tickets/export",
    also=(202,),
    policy="tickets.export",
    response=None,
    openapi_extra=described("csv", "json", "xlsx"),
    summary="Export tickets",
)
def ticket_export(request: HttpRequest, query: Query[schemas.ExportQuery]) -> FileResponse | Reply:
    """All that the filters of the list leave, without comments. 202 and a job above 5,000 rows. The audit log notes
    filters, rows and hash."""
    chosen = _chosen(request, query)
    rows = selectors.ticket_list(user=me(request), **chosen).order_by("-created_at", "-id")
    said = {name: value for name, value in jobs.as_json(chosen).items() if value not in (None, "", [], False)}
    if rows[: exports.AT_ONCE + 1].count() > exports.AT_ONCE:
        job = defer(jobs.ticket_export, kind=query.format, filters=said)
        headers = {"Retry-After": str(RETRY_SECONDS), "Location": f"/api/v1/jobs/{job.pk}"}
        card = job_as_wire(job)
        return Reply(card | {"jobId": card["id"]}, message=_("The file is being made."), status=202, headers=headers)
    return download(exports.tickets_file(rows=rows, kind=query.format, filters=said), "tickets", query.format)


# --- categories and priorities ----------------------------------------------------------------------
@router.get(
    "/tickets/categories", policy="tickets.view", response=list[schemas.CategoryOut], summary="Ticket categories"
)
def category_list(request: HttpRequest, query: Query[schemas.CommentQuery]) -> Page:
    """In their order, each behind the one that it is part of."""
    rows = [wire.category(row) for row in selectors.category_list()]
    start = (query.page - 1) * query.limit
    return Page(rows[start : start + query.limit], query.page, query.limit, len(rows))


@router.post(
    "/tickets/categories",
    policy="tickets.manage",
    response=schemas.CategoryOut,
    status=201,
    summary="Add a ticket category",
)
def category_create(request: HttpRequest, payload: schemas.CategoryIn) -> Payload:
    """A new ticket without an assignee gets the category's, or that of the nearest one above it."""
    return wire.category(categories.category_save(data=_wire(payload), by=me(request)))


@router.update(
    "/tickets/categories/{id:category_id}",
    policy="tickets.manage",
    response=schemas.CategoryOut,
    summary="Change a ticket category",
)
def category_change(request: HttpRequest, category_id: UUID, payload: schemas.CategoryIn) -> Payload:
    """Everything but its key."""
    row = categories.category_get(id=category_id)
    return wire.category(categories.category_save(data=_wire(payload), by=me(request), category=row))


@router.delete(
    "/tickets/categories/{id:category_id}", policy="tickets.manage", response=None, summary="Delete a ticket category"
)
def category_delete(request: HttpRequest, category_id: UUID) -> Reply:
    """409 `IN_USE` where tickets need it: put it out of use instead."""
    categories.category_delete(category=categories.category_get(id=category_id), by=me(request))
    return Reply(message=_("Category deleted successfully."))


@router.get(
    "/tickets/priorities", policy="tickets.view", response=list[schemas.PriorityOut], summary="Ticket priorities"
)
def priority_list(request: HttpRequest) -> list[Payload]:
    """With the default policy's targets in minutes."""
    return wire.priorities(calendars.policy_list().filter(is_default=True).first())


# --- one ticket -------------------------------------------------------------------------------------
@router.post("/tickets", policy="tickets.work", response=schemas.TicketOut, status=201, summary="Create a ticket")
def ticket_create(request: HttpRequest, payload: Body[Annotated[Payload, Declared(schemas.TicketIn)]]) -> Reply:
    """Its clocks start at once, by the first policy that applies."""
    row = services.ticket_create(data=_names(payload), by=me(request))
    return record(wire.card(row.pk), status=201)


@router.post(
    "/tickets/bulk-update", policy="tickets.work", response=BulkOut, limit=LARGE, summary="Change many tickets"
)
def ticket_bulk(request: HttpRequest, payload: schemas.BulkIn) -> Payload:
    """At most 200 ids, the same changes for each under the same rules; one that is refused does not stop the others.
    `status` (with note or reason), `priority`, `assignedTo`, `category`, `tags` (with tagsMode)."""
    results = services.tickets_change(ids=payload.ids, data=_names(payload.wanted), by=me(request))
    succeeded = sum(result.error is None for result in results)
    return {
        "succeeded": succeeded,
        "failed": len(results) - succeeded,
        "results": [
            {"id": result.id, "success": result.error is None, "error": result.error and _fault(result.error)}
            for result in results
        ],
    }


@router.update(
    "/tickets/assignments/{id:ticket_id}",
    policy="tickets.work",
    response=schemas.TicketOut,
    summary="Assign a ticket",
)
def ticket_assign(request: HttpRequest, ticket_id: UUID, payload: schemas.AssignIn) -> Reply:
    """The id is the ticket's (C91). Who has it and who had it are told."""
    services.ticket_assign(id=ticket_id, person=_text(payload.assigned_to), by=me(request))
    return record(wire.card(ticket_id))


@router.get("/tickets/{id:ticket_id}", policy="tickets.view", response=schemas.TicketOut, summary="One ticket")
def ticket_detail(request: HttpRequest, ticket_id: UUID) -> Reply:
    """404 for one that you do not see, too."""
    return record(wire.card(access.ticket_for(me(request), ticket_id).pk))


@router.update("/tickets/{id:ticket_id}", policy="tickets.work", response=schemas.TicketOut, summary="Change a ticket")
def ticket_update(
    request: HttpRequest, ticket_id: UUID, payload: Body[Annotated[Payload, Declared(schemas.TicketChange)]]
) -> Reply:
    """Another priority, category, channel or customer chooses the policy anew; clocks keep their starts and pauses."""
    services.ticket_update(id=ticket_id, data=_names(payload), by=me(request), version=version(request, payload))
    return record(wire.card(ticket_id))


@router.delete("/tickets/{id:ticket_id}", policy="tickets.delete", response=None, summary="Delete a ticket")
def ticket_delete(request: HttpRequest, ticket_id: UUID) -> Reply:
    """It stays in the audit log and counts in no figure."""
    services.ticket_delete(id=ticket_id, by=me(request), version=expected_version(request))
    return Reply(message=_("Ticket deleted successfully."))


@router.post(
    "/tickets/{id:ticket_id}/restore",
    policy="tickets.delete",
    response=schemas.TicketOut,
    summary="Bring a deleted ticket back",
)
def ticket_restore(request: HttpRequest, ticket_id: UUID) -> Reply:
    """Its clocks run on; the time for which it was deleted is a pause. 409 while its customer is deleted. One that is
    not deleted is answered as it is."""
    return record(wire.card(services.ticket_restore(id=ticket_id, by=me(request)).pk))


@router.update(
    "/tickets/{id:ticket_id}/status",
    policy="tickets.work",
    response=schemas.TicketOut,
    summary="Change the status of a ticket",
)
def ticket_status(request: HttpRequest, ticket_id: UUID, payload: schemas.StatusIn) -> Reply:
    """`resolved` needs a note, `on_hold` a reason. A status that cannot follow, the present one too, is 422
    `ILLEGAL_TRANSITION` with `meta.allowed`."""
    said = expected_version(request, payload.version)
    services.ticket_status(id=ticket_id, data=payload.changes, by=me(request), version=said)
    return record(wire.card(ticket_id))


@router.post(
    "/tickets/{id:ticket_id}/merge", policy="tickets.work", response=schemas.TicketOut, summary="Merge tickets"
)
def ticket_merge(request: HttpRequest, ticket_id: UUID, payload: schemas.MergeIn) -> Reply:
    """Comments and files of the sources move here, who asked there gets copies; the sources are closed and point
    here."""
    services.ticket_merge(id=ticket_id, sources=payload.sources, by=me(request))
    return record(wire.card(ticket_id))


# --- comments ---------------------------------------------------------------------------------------
@router.get(
    "/tickets/{id:ticket_id}/comments",
    policy="tickets.view",
    response=list[schemas.CommentOut],
    summary="Comments of a ticket",
)
def ticket_comments(request: HttpRequest, ticket_id: UUID, query: Query[schemas.CommentQuery]) -> Page:
    """Oldest first; internal ones for whoever may read them."""
    ticket = access.ticket_for(me(request), ticket_id)
    page = paginate(talk.comment_list(ticket=ticket, user=me(request)), query, lambda row: row)
    page.items = wire.comments(page.items)
    return page


@router.post(
    "/tickets/{id:ticket_id}/comments",
    policy="tickets.work",
    response=schemas.CommentOut,
    status=201,
    summary="Comment on a ticket",
)
def ticket_comment(request: HttpRequest, ticket_id: UUID, payload: schemas.CommentIn) -> Payload:
    """The first public one by you stops the clock of the first reply. What a customer says opens a ticket that waited
    or was resolved."""
    comment = services.comment_add(
        ticket=ticket_id,
        content=payload.content,
        by=me(request),
        is_internal=payload.is_internal,
        from_customer=payload.from_customer,
        author_name=payload.author_name,
        automatic=payload.automatic,
        mentions=payload.mentions,
    )
    return wire.comments([comment])[0]


@router.update(
    "/tickets/{id:ticket_id}/comments/{id:comment_id}",
    policy="tickets.work",
    response=schemas.CommentOut,
    summary="Change a comment of a ticket",
)
def ticket_comment_change(
    request: HttpRequest, ticket_id: UUID, comment_id: UUID, payload: schemas.CommentEdit
) -> Payload:
    """Your own; later than ten minutes after it was written, what it said before stays."""
    row = talk.comment_change(ticket=ticket_id, id=comment_id, content=payload.content, by=me(request))
    return wire.comments([row])[0]


@router.delete(
    "/tickets/{id:ticket_id}/comments/{id:comment_id}",
    policy="tickets.work",
    response=None,
    summary="Delete a comment of a ticket",
)
def ticket_comment_delete(request: HttpRequest, ticket_id: UUID, comment_id: UUID) -> Reply:
    """Your own; whoever manages tickets deletes any."""
    talk.comment_delete(ticket=ticket_id, id=comment_id, by=me(request))
    return Reply(message=_("Comment deleted successfully."))


# --- files ------------------------------------------------------------------------------------------
@router.get(
    "/tickets/{id:ticket_id}/attachments",
    policy="tickets.view",
    response=list[schemas.AttachmentOut],
    summary="Files of a ticket",
)
def ticket_attachments(request: HttpRequest, ticket_id: UUID, query: Query[schemas.CommentQuery]) -> Page:
    """Oldest first; of deleted ones the name is left."""
    ticket = access.ticket_for(me(request), ticket_id)
    return paginate(talk.attachment_list(ticket=ticket, user=me(request)), query, wire.attachment)


@router.post(
    "/tickets/{id:ticket_id}/attachments",
    policy="tickets.work",
    response=schemas.AttachmentOut,
    status=201,
    media=(uploads.MULTIPART,),
    limit=uploads.SLACK + 100 * 1024 * 1024,
    upload=True,
    openapi_extra=uploads.FORM,
    summary="Attach a file to a ticket",
)
def ticket_attach(request: HttpRequest, ticket_id: UUID) -> Payload:
    """One file as `file`, `isInternal` as a field beside it. Given out once its scan allows."""
    got = uploads.received(request)
    row = talk.attachment_add(
        ticket=ticket_id,
        stream=got.file,
        filename=got.filename,
        content_type=got.content_type,
        is_internal=got.fields.get("isInternal", "").lower() in ("true", "1", "yes"),
        by=me(request),
    )
    return wire.attachment(row)


@router.delete(
    "/tickets/{id:ticket_id}/attachments/{id:attachment_id}",
    policy="tickets.work",
    response=None,
    summary="Take a file from a ticket",
)
def ticket_detach(request: HttpRequest, ticket_id: UUID, attachment_id: UUID) -> Reply:
    """Your own; whoever manages tickets takes any."""
    talk.attachment_delete(ticket=ticket_id, id=attachment_id, by=me(request))
    return Reply(message=_("Attachment deleted successfully."))


# --- helpers ----------------------------------------------------------------------------------------
def _window(request: HttpRequest, query: schemas.TicketFilters) -> Period:
    return period(request, query.date_from or query.from_, query.date_to or query.to)


def _chosen(request: HttpRequest, query: schemas.TicketFilters, *, dated: bool = True) -> Payload:
    """What `ticket_list` is asked for."""
    created = _window(request, query) if dated else Period(None, None)
    due, said = period(request, query.due_from, query.due_to), query.assigned_to
    wanted = set(query.status)
    return {
        "search": query.search,
        "statuses": sorted(wanted - {"active"}),
        "open_only": wanted == {"active"},
        "priorities": query.priority,
        "channels": query.channel,
        "category": query.category,
        "customer": query.customer_id,
        "assignee": None if said in ("", "none") else me(request).pk if said == "me" else uuid_in(said, "assignedTo"),
        "unassigned": said == "none",
        "tags": query.tags,
        "number": query.number,
        "late": query.overdue,
        "sla": query.sla,
        "since": created.since,
        "until": created.until,
        "due_from": due.since,
        "due_to": due.until,
    }


def _found(request: HttpRequest, query: schemas.TicketFilters, *, dated: bool = True) -> QuerySet[Ticket]:
    return selectors.ticket_list(user=me(request), **_chosen(request, query, dated=dated))


def _wire(payload: Any) -> Payload:
    """The fields that were sent, under their wire names."""
    names = {name: field.alias or name for name, field in type(payload).model_fields.items()}
    return {
        names[name]: _text(value) for name, value in payload.changes.items() if value is not None or name in _CLEARED
    }


_CLEARED = frozenset({"parent_id", "default_assignee", "calendar_id"})


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _names(payload: Payload) -> Payload:
    """Aliases of fields as the services know them."""
    return {_ALIASES.get(name, name): value for name, value in payload.items()}


_ALIASES = {
    "subject": "title",
    "customer_id": "customerId",
    "requester_name": "requesterName",
    "requester_email": "requesterEmail",
    "category_id": "categoryId",
    "assigned_to": "assignedTo",
    "assignedToUserId": "assignedTo",
    "assigneeId": "assignedTo",
    "due_date": "dueDate",
    "tags_mode": "tagsMode",
    "follows_id": "followsId",
}


def _fault(error: DomainError) -> Payload:
    return {
        "code": error.code,
        "message": str(error.message),
        "field": error.errors[0].field if error.errors else None,
    } | ({"allowed": error.meta["allowed"]} if "allowed" in error.meta else {})
