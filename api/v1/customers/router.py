"""Customers (specification 002)."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import LARGE, Declared, Page, Reply, Router, expected_version, paginate
from api.kit.files import described, download
from api.kit.periods import period
from api.v1.customers import schemas
from portal.core.accounts.models import User
from portal.core.common.errors import DomainError, Invalid
from portal.core.jobs.tasks import defer, job_as_wire
from portal.crm.activity import selectors as activity
from portal.crm.customers import bulk, exports, merge, notes, selectors, services, tags, wire
from portal.crm.customers.access import customer_get

router = Router(tags=["customers"])


@router.get("/customers", policy="customers.view", response=list[schemas.CustomerOut], summary="Customers")
@router.get(
    "/customers/search", policy="customers.view", response=list[schemas.CustomerOut], summary="Search customers"
)
def customer_list(request: HttpRequest, query: Query[schemas.CustomerQuery]) -> Page:
    """Those that you see, newest first. Case, accents, tashkeel and the forms of alef do not matter to a search."""
    page = paginate(selectors.customer_list(user=me(request), filters=query.filters(request)), query, lambda row: row)
    page.items = wire.customers(page.items)
    return page


@router.post(
    "/customers", policy="customers.edit", response=schemas.CustomerOut, status=201, summary="Create a customer"
)
def customer_create(
    request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(schemas.CustomerIn)]]
) -> Reply:
    """409 `DUPLICATE_SUSPECTED` with `meta.candidates` where e-mail, phone, tax number, or company and country are
    there already; `force: true` creates all the same."""
    row = services.customer_create(data=payload, by=me(request), force=payload.get("force") is True)
    return record(wire.customer(row), status=201)


@router.get(
    "/customers/export",
    also=(202,),
    policy="customers.export",
    response=None,
    openapi_extra=described("csv", "json", "xlsx"),
    summary="Export customers",
)
def customer_export(request: HttpRequest, query: Query[schemas.ExportQuery]) -> FileResponse | Reply:
    """All that the filters of the list leave. To 5,000 rows the answer is the file; above, 202 with a job whose
    `result` has the file's address for 24 hours. The audit log notes filters, rows and hash."""
    filters = query.filters(request)
    rows = selectors.customer_list(user=me(request), filters=filters).order_by(*query.ordering)
    if rows.order_by().count() > exports.AT_ONCE:
        from portal.crm.customers.jobs import customers_export

        job = defer(customers_export, kind=query.format, filters=filters.said(), ordering=query.ordering)
        return Reply({"jobId": job.pk, "status": job_as_wire(job)["status"]}, status=202)
    file, _count = exports.customers_file(rows=rows, kind=query.format, filters=filters.said())
    return download(file, "customers", query.format)


@router.get("/customers/stats", policy="customers.view", response=schemas.StatsOut, summary="Figures")
def customer_stats(request: HttpRequest, query: Query[schemas.Narrowing]) -> dict[str, Any]:
    """`dateFrom` and `dateTo` are the period of `new`, `growth` and `churn`: the last 30 days where they are absent."""
    window = period(request, query.date_from or query.from_, query.date_to or query.to)
    filters = query.filters(request, dated=False)
    return selectors.customer_stats(user=me(request), filters=filters, since=window.since, until=window.until)


# --- tags ----------------------------------------------------------------------------------------------------
@router.get("/customers/tags", policy="customers.view", response=list[schemas.TagUsage], summary="Tags")
def tag_list(request: HttpRequest) -> Reply:
    """By name, with the number of customers that have each."""
    rows = [wire.tag(row) | {"usage": row.usage} for row in tags.tag_list()]  # type: ignore[attr-defined]
    return Reply(rows, meta={"page": 1, "limit": len(rows), "total": len(rows), "totalPages": 1})


@router.post("/customers/tags", policy="customers.edit", response=schemas.TagOut, status=201, summary="Create a tag")
def tag_create(request: HttpRequest, payload: schemas.TagIn) -> dict[str, Any]:
    """409 `DUPLICATE` for a name that is there, whatever its case and accents."""
    return wire.tag(tags.tag_create(name=payload.name, color=payload.color))


@router.post("/customers/tags/merge", policy="crm.settings", response=schemas.TagMerged, summary="Merge tags")
def tag_merge(request: HttpRequest, payload: schemas.TagMerge) -> dict[str, Any]:
    """Customers with one of the sources get the target; the sources go."""
    return {"moved": tags.tags_merge(target=payload.target, sources=payload.sources)}


@router.update("/customers/tags/{id:tag_id}", policy="crm.settings", response=schemas.TagOut, summary="Change a tag")
def tag_update(request: HttpRequest, tag_id: UUID, payload: schemas.TagChange) -> dict[str, Any]:
    """Name and colour."""
    return wire.tag(tags.tag_update(id=tag_id, **payload.changes))


@router.delete("/customers/tags/{id:tag_id}", policy="crm.settings", response=None, summary="Delete a tag")
def tag_delete(request: HttpRequest, tag_id: UUID) -> Reply:
    """It goes from all customers."""
    tags.tag_delete(id=tag_id)
    return Reply(message=_("Tag deleted."))


# --- many at once ----------------------------------------------------------------------------------------------
@router.post(
    "/customers/bulk/delete", policy="customers.delete", response=schemas.BulkOut, limit=LARGE, summary="Delete many"
)
def bulk_delete(request: HttpRequest, payload: schemas.BulkDelete) -> dict[str, Any]:
    """At most 200 ids, each for itself: `IN_USE` does not stop the others."""
    return outcome(bulk.customers_delete(ids=payload.ids, by=me(request), cascade=payload.cascade))


@router.post(
    "/customers/bulk/update", policy="customers.edit", response=schemas.BulkOut, limit=LARGE, summary="Change many"
)
def bulk_update(request: HttpRequest, payload: schemas.BulkUpdate) -> dict[str, Any]:
    """At most 200 ids, the same changes for each."""
    return outcome(bulk.customers_update(ids=payload.ids, changes=payload.wanted, by=me(request)))


@router.post(
    "/customers/bulk/assign", policy="customers.edit", response=schemas.BulkOut, limit=LARGE, summary="Assign many"
)
def bulk_assign(request: HttpRequest, payload: schemas.BulkAssign) -> dict[str, Any]:
    """To one person, to nobody, or to several in turn; each is told once."""
    return outcome(bulk.customers_assign(ids=payload.ids, assigned_to=payload.assigned_to, by=me(request)))


@router.post("/customers/bulk/tag", policy="customers.edit", response=schemas.BulkOut, limit=LARGE, summary="Tag many")
def bulk_tag(request: HttpRequest, payload: schemas.BulkTag) -> dict[str, Any]:
    """`mode`: add, remove or set."""
    return outcome(bulk.customers_tag(ids=payload.ids, said=payload.tags, mode=payload.mode, by=me(request)))


# --- merge -------------------------------------------------------------------------------------------------------
@router.post("/customers/merge", policy="customers.merge", response=schemas.MergeOut, summary="Merge customers")
def customer_merge(request: HttpRequest, payload: schemas.MergeIn) -> dict[str, Any]:
    """The target wins, what it lacks comes from the sources, their deals, tickets, contracts, notes and files become
    its own. `dryRun` shows what would become."""
    made = merge.customers_merge(
        target=payload.target,
        sources=payload.sources,
        field_choices=payload.field_choices,
        dry_run=payload.dry_run,
        by=me(request),
    )
    return {"target": made.target, "moved": made.moved, "mergeId": made.log.pk if made.log else None}


@router.post(
    "/customers/merges/{id:merge_id}/split",
    policy="customers.merge",
    response=schemas.CustomerOut,
    summary="Split a merge",
)
def merge_split(request: HttpRequest, merge_id: UUID) -> Reply:
    """The merged customers are back with what was theirs; what somebody changed since stays. Once: then 422."""
    return record(wire.customer(merge.merge_split(id=merge_id, by=me(request))))


# --- one customer ------------------------------------------------------------------------------------------------
@router.get(
    "/customers/{id:customer_id}", policy="customers.view", response=schemas.CustomerOut, summary="One customer"
)
def customer_detail(request: HttpRequest, customer_id: UUID) -> Reply:
    """404 for one that you do not see, too."""
    return record(wire.customer(customer_get(user=me(request), id=customer_id)))


@router.update(
    "/customers/{id:customer_id}", policy="customers.edit", response=schemas.CustomerOut, summary="Change a customer"
)
def customer_update(
    request: HttpRequest, customer_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(schemas.CustomerChange)]]
) -> Reply:
    """A status that cannot follow is 422 `ILLEGAL_TRANSITION` with `meta.allowed`; a stale version 409 with
    `meta.current`."""
    row = services.customer_update(
        id=customer_id,
        data=payload,
        by=me(request),
        version=version(request, payload),
        force=payload.get("force") is True,
    )
    return record(wire.customer(row))


@router.delete("/customers/{id:customer_id}", policy="customers.delete", response=None, summary="Delete a customer")
def customer_delete(request: HttpRequest, customer_id: UUID, query: Query[schemas.DeleteQuery]) -> Reply:
    """409 `IN_USE` with open deals, tickets or active contracts; `?cascade=archive` puts those away, too."""
    services.customer_delete(id=customer_id, by=me(request), cascade=query.cascade, version=expected_version(request))
    return Reply(message=_("Customer deleted."))


@router.get(
    "/customers/{id:customer_id}/activity",
    policy="customers.view",
    response=list[schemas.ActivityOut],
    summary="Timeline",
)
def customer_activity(request: HttpRequest, customer_id: UUID, query: Query[schemas.ActivityQuery]) -> Reply:
    """Newest first; `meta.nextCursor` leads on. What you may not see elsewhere is left out here."""
    customer = customer_get(user=me(request), id=customer_id)
    window = period(request, query.date_from, query.date_to)
    rows, after = activity.timeline(
        user=me(request),
        customer=customer.pk,
        types=query.type,
        actor=query.user_id,
        since=window.since,
        until=window.until,
        cursor=query.cursor,
        limit=query.limit,
    )
    return Reply(activity.events(rows), meta={"limit": query.limit, "nextCursor": after or None})


@router.get(
    "/customers/{id:customer_id}/notes", policy="customers.view", response=list[schemas.NoteOut], summary="Notes"
)
def note_list(request: HttpRequest, customer_id: UUID, query: Query[schemas.NoteQuery]) -> Page:
    """Pinned ones first; other people's private ones are not there."""
    return paginate(notes.note_list(user=me(request), customer=customer_id), query, notes.card)


@router.post(
    "/customers/{id:customer_id}/notes",
    policy="customers.edit",
    response=schemas.NoteOut,
    status=201,
    summary="Add a note",
)
def note_add(request: HttpRequest, customer_id: UUID, payload: schemas.NoteIn) -> dict[str, Any]:
    """People whom it mentions are told."""
    data = {"content": payload.content, "isPinned": payload.is_pinned, "isPrivate": payload.is_private}
    return notes.card(notes.note_add(customer=customer_id, data=data, by=me(request)))


@router.update(
    "/customers/{id:customer_id}/notes/{id:note_id}",
    policy="customers.edit",
    response=schemas.NoteOut,
    summary="Change a note",
)
def note_update(request: HttpRequest, customer_id: UUID, note_id: UUID, payload: schemas.NoteChange) -> dict[str, Any]:
    """The text by its author alone; after 15 minutes the earlier one is kept as a revision."""
    names = {"content": "content", "is_pinned": "isPinned", "is_private": "isPrivate"}
    data = {names[name]: value for name, value in payload.changes.items()}
    return notes.card(notes.note_update(customer=customer_id, id=note_id, data=data, by=me(request)))


@router.delete(
    "/customers/{id:customer_id}/notes/{id:note_id}", policy="customers.edit", response=None, summary="Delete a note"
)
def note_delete(request: HttpRequest, customer_id: UUID, note_id: UUID) -> Reply:
    """By its author, or whoever may delete customers."""
    notes.note_delete(customer=customer_id, id=note_id, by=me(request))
    return Reply(message=_("Note deleted."))


@router.post(
    "/customers/{id:customer_id}/restore",
    policy="customers.delete",
    response=schemas.CustomerOut,
    summary="Bring a deleted customer back",
)
def customer_restore(request: HttpRequest, customer_id: UUID) -> Reply:
    """What `cascade` put away stays away. 409 `DUPLICATE` where another customer has its `externalId` by now, 409 for
    one that was merged. One that is not deleted is answered as it is."""
    return record(wire.customer(services.customer_restore(id=customer_id, by=me(request))))


def me(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def version(request: HttpRequest, payload: dict[str, Any]) -> int | None:
    """The version in the body or in `If-Match`."""
    said = payload.get("version")
    if said is not None and (isinstance(said, bool) or not isinstance(said, int)):
        raise Invalid.field("version", _("Enter a whole number."))
    return expected_version(request, said)


def record(card: dict[str, Any], *, status: int = 200) -> Reply:
    """A single record, its version as the ETag that `If-Match` takes."""
    return Reply(card, status=status, headers={"ETag": f'"{card["version"]}"'})


def outcome(results: Sequence[bulk.Result]) -> dict[str, Any]:
    succeeded = sum(result.error is None for result in results)
    return {
        "succeeded": succeeded,
        "failed": len(results) - succeeded,
        "results": [
            {"id": result.id, "success": result.error is None, "error": result.error and _fault(result.error)}
            for result in results
        ],
    }


def _fault(error: DomainError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": str(error.message),
        "field": error.errors[0].field if error.errors else None,
    }
