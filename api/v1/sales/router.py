"""Deals, their pipeline and what is expected of them; products (specification 002, 15 endpoints; C94)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Page, Reply, Router, expected_version, paginate
from api.kit.files import described, download
from api.kit.periods import Period, period
from api.kit.schemas import uuid_in
from api.v1.projects.router import me, record
from api.v1.sales import schemas
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.jobs.tasks import defer, job_as_wire
from portal.crm.money import base_currency
from portal.crm.sales import exports, figures, forecast, selectors, services, wire
from portal.crm.sales.jobs import sales_export
from portal.crm.sales.models import Deal

router = Router(tags=["sales"])


@router.get("/sales", policy="sales.view", response=list[schemas.SaleOut], summary="Deals")
def sale_list(request: HttpRequest, query: Query[schemas.SaleQuery]) -> Page:
    """Those that you see, newest first."""
    page = paginate(selectors.with_names(_found(request, query)), query, lambda row: row)
    page.items = wire.sales(page.items)
    return page


@router.post("/sales", policy="sales.edit", response=schemas.SaleOut, status=201, summary="Create a deal")
def sale_create(request: HttpRequest, payload: schemas.SaleIn) -> Reply:
    """In the first open stage unless `stage` says another one; yours unless `assignedTo` says otherwise. With
    `products` the value is theirs."""
    return _one(request, services.deal_create(data=payload.data, by=me(request)), status=201)


@router.get("/sales/pipeline/stages", policy="sales.view", response=list[schemas.StageOut], summary="Stages")
def stage_list(request: HttpRequest) -> list[dict[str, Any]]:
    """In their order."""
    return [wire.stage(stage) for stage in selectors.stages()]


@router.post(
    "/sales/pipeline/stages", policy="crm.settings", response=schemas.StageOut, status=201, summary="Create a stage"
)
def stage_create(request: HttpRequest, payload: schemas.StageIn) -> dict[str, Any]:
    """Open unless `kind` says otherwise. There is one won stage."""
    return wire.stage(services.stage_create(data=payload.changes, by=me(request)))


@router.get("/sales/pipeline/stages/{id:stage_id}", policy="sales.view", response=schemas.StageOut, summary="One stage")
def stage_detail(request: HttpRequest, stage_id: UUID) -> dict[str, Any]:
    """A stage that is in use."""
    return wire.stage(services.stage_for(stage_id))


@router.update(
    "/sales/pipeline/stages/{id:stage_id}", policy="crm.settings", response=schemas.StageOut, summary="Change a stage"
)
def stage_update(request: HttpRequest, stage_id: UUID, payload: schemas.StageChange) -> dict[str, Any]:
    """409 `IN_USE` for another `kind` while deals are in it."""
    return wire.stage(services.stage_update(id=stage_id, data=payload.changes, by=me(request)))


@router.delete("/sales/pipeline/stages/{id:stage_id}", policy="crm.settings", response=None, summary="Delete a stage")
def stage_delete(
    request: HttpRequest,
    stage_id: UUID,
    query: Query[schemas.StageDeleteQuery],
    payload: Body[schemas.StageDelete | None] = None,
) -> Reply:
    """While deals are in it, `moveTo` (query or body) says which stage of its kind takes them; 409 `IN_USE` without."""
    move_to = query.move_to or (payload.move_to if payload else None)
    services.stage_delete(id=stage_id, by=me(request), move_to=move_to)
    return Reply(message=_("Stage deleted successfully."))


@router.get("/sales/pipeline", policy="sales.view", response=schemas.PipelineOut, summary="Pipeline")
def pipeline(request: HttpRequest, query: Query[schemas.SaleFilter]) -> dict[str, Any]:
    """The open stages with the figures of the deals that you see, in base currency, and their first 50 cards."""
    return wire.pipeline(selectors.pipeline(_found(request, query)), _currency(request))


@router.get("/sales/analytics", policy="sales.view", response=schemas.AnalyticsOut, summary="Analytics")
def analytics(request: HttpRequest, query: Query[schemas.SaleFilter]) -> dict[str, Any]:
    """Of the deals closed in the period; the last twelve months without dates."""
    first, last = _span(request, query)
    found = figures.analytics(_found(request, query, dated=False), first=first, last=last, zone=_zone(request))
    return wire.analytics(found, _currency(request))


@router.get("/sales/forecasting", policy="sales.view", response=schemas.ForecastOut, summary="Forecast")
def forecasting(request: HttpRequest, query: Query[schemas.ForecastQuery]) -> dict[str, Any]:
    """What is won and what open deals weigh, by period of the expected close. Slipped and undated deals stand apart,
    lost ones nowhere. Six months from this one on without dates."""
    zone, user = _zone(request), me(request)
    today = _today(request).replace(day=1)
    year, month = divmod(today.year * 12 + today.month - 1 + (query.months or 6), 12)
    first, last = _days(request, query, today, date(year, month + 1, 1) - timedelta(days=1))
    rows = _found(request, query, dated=False)
    made = forecast.forecast(rows, first=first, last=last, zone=zone, group=query.group_by)
    reach = user.grants.get("sales.view")
    owners = [user.pk] if reach == "own" or query.assigned_to == "me" else None
    if query.assigned_to not in ("", "me", "none"):
        owners = [uuid_in(query.assigned_to, "assignedTo")]
    forecast.add_quotas(made, first=first, last=last, group=query.group_by, owners=owners)
    review = forecast.review(rows, first=first, last=last, zone=zone)
    return wire.forecast(made, _currency(request), review)


@router.get("/sales/leaderboard", policy="sales.view", response=list[schemas.PlaceOut], summary="Leaderboard")
def leaderboard(request: HttpRequest, query: Query[schemas.BoardQuery]) -> list[dict[str, Any]]:
    """Whoever owned a deal when it was closed has the credit; this month without dates. Ranks are dense; a win rate
    ranks from five closed deals on."""
    today = _today(request)
    first, last = _days(request, query, today.replace(day=1), today)
    rows = selectors.deal_list(user=me(request), today=today, filters=selectors.Filters(team=query.team))
    found = figures.leaderboard(rows, first=first, last=last, zone=_zone(request), metric=query.metric)
    return [wire.place(place) for place in found]


@router.get(
    "/sales/export",
    also=(202,),
    policy="sales.export",
    response=None,
    summary="Export deals",
    openapi_extra=described("csv", "json", "xlsx"),
)
def sale_export(request: HttpRequest, query: Query[schemas.ExportQuery]) -> FileResponse | Reply:
    """The deals of the list with the same filters, in its order. To 5,000 rows the answer is the file; above, 202 with
    a job whose `result` has the file's address for 24 hours."""
    filters = _filters(request, query)
    rows = selectors.deal_list(user=me(request), today=_today(request), filters=filters).order_by(*query.ordering)
    if rows.order_by().count() > exports.AT_ONCE:
        job = defer(sales_export, kind=query.format, filters=filters.said(), ordering=query.ordering)
        return Reply({"jobId": job.pk, "status": job_as_wire(job)["status"]}, status=202)
    return download(exports.export(rows, query.format, filters=filters.said()), "sales", query.format)


@router.get("/sales/{id:deal_id}", policy="sales.view", response=schemas.SaleOut, summary="One deal")
def sale_detail(request: HttpRequest, deal_id: UUID) -> Reply:
    """404 for one that you do not see, too."""
    return _one(request, selectors.deal_for(me(request), deal_id))


@router.update("/sales/{id:deal_id}", policy="sales.edit", response=schemas.SaleOut, summary="Change a deal")
def sale_update(request: HttpRequest, deal_id: UUID, payload: schemas.SaleChange) -> Reply:
    """`stage` and `status` follow the rules of `PATCH /sales/{id}/stage`; `products` replaces all lines."""
    version = expected_version(request, payload.version)
    return _one(request, services.deal_update(id=deal_id, data=payload.data, by=me(request), version=version))


@router.delete("/sales/{id:deal_id}", policy="sales.delete", response=None, summary="Delete a deal")
def sale_delete(request: HttpRequest, deal_id: UUID) -> Reply:
    """It stays in the audit log."""
    services.deal_delete(id=deal_id, by=me(request), version=expected_version(request))
    return Reply(message=_("Deal deleted successfully."))


@router.post(
    "/sales/{id:deal_id}/restore",
    policy="sales.delete",
    response=schemas.SaleOut,
    summary="Bring a deleted deal back",
)
def sale_restore(request: HttpRequest, deal_id: UUID) -> Reply:
    """Into its stage, or the first one of that kind where that is gone. 409 while its customer is deleted. One that is
    not deleted is answered as it is."""
    return _one(request, services.deal_restore(id=deal_id, by=me(request)))


@router.update("/sales/{id:deal_id}/stage", policy="sales.edit", response=schemas.SaleOut, summary="Move a deal")
def sale_stage(request: HttpRequest, deal_id: UUID, payload: schemas.StageMove) -> Reply:
    """Its own stage changes nothing. Won needs a value above 0, lost a `lostReason`: 422 with what is missing. Leaving
    won or lost is for those who may reopen (403), and leads to an open stage: 422 `ILLEGAL_TRANSITION` with
    `meta.allowed`."""
    data = {name: value for name, value in payload.changes.items() if name != "version"}
    version = expected_version(request, payload.version)
    return _one(request, services.deal_move(id=deal_id, data=data, by=me(request), version=version))


@router.post(
    "/sales/{id:deal_id}/clone", policy="sales.edit", response=schemas.SaleOut, status=201, summary="Copy a deal"
)
def sale_clone(request: HttpRequest, deal_id: UUID) -> Reply:
    """With its lines, in the first open stage; its expected close lies as far from today as it did from its making."""
    return _one(request, services.deal_clone(id=deal_id, by=me(request)), status=201)


@router.get(
    "/sales/{id:deal_id}/activities",
    policy="sales.view",
    response=list[schemas.ActivityOut],
    summary="Activities of a deal",
)
def activity_list(request: HttpRequest, deal_id: UUID, query: Query[schemas.ActivityQuery]) -> Page:
    """Newest first."""
    deal = selectors.deal_for(me(request), deal_id)
    return paginate(selectors.activity_list(deal=deal.pk), query, wire.activity)


@router.post(
    "/sales/{id:deal_id}/activities",
    policy="sales.edit",
    response=schemas.ActivityOut,
    status=201,
    summary="Add an activity",
)
def activity_add(request: HttpRequest, deal_id: UUID, payload: schemas.ActivityIn) -> dict[str, Any]:
    """With `dueAt` alone it is still to do, otherwise done at `doneAt` or now."""
    return wire.activity(services.activity_add(deal=deal_id, data=payload.changes, by=me(request)))


@router.update(
    "/sales/{id:deal_id}/activities/{id:salesactivity_id}",
    policy="sales.edit",
    response=schemas.ActivityOut,
    summary="Change an activity",
)
def activity_update(
    request: HttpRequest, deal_id: UUID, salesactivity_id: UUID, payload: schemas.ActivityChange
) -> dict[str, Any]:
    """`doneAt` and `outcome` say that it is done."""
    return wire.activity(
        services.activity_update(deal=deal_id, id=salesactivity_id, data=payload.changes, by=me(request))
    )


@router.delete(
    "/sales/{id:deal_id}/activities/{id:salesactivity_id}",
    policy="sales.edit",
    response=None,
    summary="Delete an activity",
)
def activity_delete(request: HttpRequest, deal_id: UUID, salesactivity_id: UUID) -> Reply:
    """It stays in the audit log."""
    services.activity_delete(deal=deal_id, id=salesactivity_id, by=me(request))
    return Reply(message=_("Activity deleted successfully."))


# --- products -----------------------------------------------------------------------------------------
@router.get("/products", policy="sales.view", response=list[schemas.ProductOut], summary="Products")
def product_list(request: HttpRequest, query: Query[schemas.ProductQuery]) -> Page:
    """By name; prices in the organisation's currency."""
    return paginate(selectors.product_list(search=query.search, active=query.is_active), query, wire.product)


@router.post("/products", policy="crm.settings", response=schemas.ProductOut, status=201, summary="Create a product")
def product_create(request: HttpRequest, payload: schemas.ProductIn) -> dict[str, Any]:
    """409 `DUPLICATE` for a `sku` that is taken."""
    return wire.product(services.product_save(data=payload.changes, by=me(request)))


@router.get("/products/{id:product_id}", policy="sales.view", response=schemas.ProductOut, summary="One product")
def product_detail(request: HttpRequest, product_id: UUID) -> dict[str, Any]:
    """One that was not deleted."""
    return wire.product(selectors.product_for(product_id))


@router.update(
    "/products/{id:product_id}", policy="crm.settings", response=schemas.ProductOut, summary="Change a product"
)
def product_update(request: HttpRequest, product_id: UUID, payload: schemas.ProductChange) -> dict[str, Any]:
    """Deals keep the price that they were given."""
    return wire.product(services.product_save(data=payload.changes, by=me(request), id=product_id))


@router.delete("/products/{id:product_id}", policy="crm.settings", response=None, summary="Delete a product")
def product_delete(request: HttpRequest, product_id: UUID) -> Reply:
    """Deals keep its name and price."""
    services.product_delete(id=product_id, by=me(request))
    return Reply(message=_("Product deleted successfully."))


# --- what the operations share --------------------------------------------------------------------------
def _one(request: HttpRequest, deal: Deal, *, status: int = 200) -> Reply:
    return record(wire.sales([deal])[0], status=status)


def _zone(request: HttpRequest) -> str:
    return str(request.organization.time_zone)  # type: ignore[attr-defined]


def _currency(request: HttpRequest) -> str:
    return base_currency(request.organization)  # type: ignore[attr-defined]


def _today(request: HttpRequest) -> date:
    return clock.now().astimezone(clock.zone(_zone(request))).date()


def _moments(request: HttpRequest, query: schemas.Dated) -> Period:
    return period(request, query.date_from or query.from_, query.date_to or query.to)


def _days(request: HttpRequest, query: schemas.Dated, first: date, last: date) -> tuple[date, date]:
    """The period as days of the organisation's zone; a missing bound is the one given here."""
    said, zone = _moments(request, query), clock.zone(_zone(request))
    since = said.since.astimezone(zone).date() if said.since else first
    until = (said.until - timedelta(microseconds=1)).astimezone(zone).date() if said.until else last
    if said.since and not said.until:
        until = max(until, since)
    if said.until and not said.since:
        since = min(since, until)
    if until < since:
        raise Invalid.field("date_to", _("The period must end after its beginning, and within ten years."))
    return since, until


def _span(request: HttpRequest, query: schemas.Dated) -> tuple[date, date]:
    today = _today(request)
    return _days(request, query, (today - timedelta(days=365)).replace(day=1), today)


def _found(request: HttpRequest, query: schemas.SaleFilter, *, dated: bool = True) -> QuerySet[Deal]:
    filters = _filters(request, query, dated=dated)
    return selectors.deal_list(user=me(request), today=_today(request), filters=filters)


def _filters(request: HttpRequest, query: schemas.SaleFilter, *, dated: bool = True) -> selectors.Filters:
    """What the query asks for; `dated`: its period is that of the creation of deals."""
    closed, user, said = period(request, query.closed_from, query.closed_to), me(request), query.assigned_to
    filters = selectors.Filters(
        search=query.search,
        stages=query.stage,
        statuses=query.status,
        categories=query.category,
        customer=query.customer_id,
        assignee=None if said in ("", "none") else user.pk if said == "me" else uuid_in(said, "assignedTo"),
        unassigned=said == "none",
        team=query.team,
        title=query.title,
        currency=query.currency,
        lost_reason=query.lost_reason,
        value=query.value,
        value_min=query.min_value,
        value_max=query.max_value,
        probability=query.probability,
        product=query.product_id,
        closed_since=closed.since,
        closed_until=closed.until,
        expected_from=query.expected_close_date or query.expected_from,
        expected_to=query.expected_close_date or query.expected_to,
        slipped=query.slipped,
    )
    if dated:
        made = _moments(request, query)
        filters = replace(filters, since=made.since, until=made.until)
    return filters
