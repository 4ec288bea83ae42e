"""Samples, results, parameters and standards (specification 001, FR-010 to FR-025)."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Declared, Listing, Page, Reply, Router, expected_version, paginate
from api.v1.lab.schemas import (
    ParameterOut,
    ParameterQuery,
    ResultChange,
    ResultIn,
    ResultOut,
    ResultQuery,
    SampleChange,
    SampleIn,
    SampleOut,
    SampleQuery,
    StandardDetail,
    StandardOut,
    StandardQuery,
)
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.lab import selectors, services, wire

router = Router(tags=["samples"])
results = Router(tags=["results"])
catalogue = Router(tags=["parameters and standards"])
EXACT = 100_000  # rows up to which `count=estimate` counts


@router.get("/samples", policy="samples.view", response=list[SampleOut], summary="Samples")
def sample_list(request: HttpRequest, query: Query[SampleQuery]) -> Reply:
    """Newest first. All filters may be combined; a repeated one is an "or"."""
    if query.standard and not selectors.standard_list().filter(key=query.standard).exists():
        raise Invalid.field("standard", _("%(value)s is not known.") % {"value": query.standard})
    found = selectors.sample_list(
        date_from=_bound(query.date_from, "dateFrom"),
        date_to=_bound(query.date_to, "dateTo"),
        types=query.type,
        location=query.location,
        compliance=query.compliance_status,
        statuses=query.status,
        standard=query.standard,
        verdict=query.verdict,
        search=query.search,
        project=query.project_id,
    )
    rows = found
    if query.after is not None:
        query.page, rows = 1, selectors.sample_after(found, ordering=query.ordering, id=query.after)
    rough = query.count == "estimate"
    total, counted = selectors.total(found, exact=EXACT if rough else None)
    meta = {"totalEstimated": not counted} if rough else {}
    return Reply(_page(selectors.plain(rows), query, wire.samples, total=total), meta=meta)


@router.post(
    "/samples", also=(200,), policy="samples.edit", response=SampleOut, status=201, summary="Register a sample"
)
def sample_create(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(SampleIn)]]) -> Reply:
    """The server gives `code` and id where you send none. A known `id` or `localSyncId` answers 200 with the stored
    record: a create that is repeated registers nothing twice."""
    row, created = services.sample_create(data=payload, by=_user(request))
    return _record(wire.samples([row])[0], status=201 if created else 200)


@router.get("/samples/{id:sample_id}", policy="samples.view", response=SampleOut, summary="One sample")
def sample_detail(request: HttpRequest, sample_id: UUID) -> Reply:
    """With its compliance status and the verdict under each standard."""
    return _record(selectors.sample_card(id=sample_id))


@router.update("/samples/{id:sample_id}", policy="samples.edit", response=SampleOut, summary="Change a sample")
def sample_update(
    request: HttpRequest, sample_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(SampleChange)]]
) -> Reply:
    """Another kind of water, date or status judges its results anew. With `version` or `If-Match` a change by somebody
    else in between is refused (409 `VERSION_CONFLICT`, `meta.current` is the record in force)."""
    version = _version(request, payload)
    row = services.sample_update(id=sample_id, data=payload, by=_user(request), version=version)
    return _record(wire.samples([row])[0])


@router.delete("/samples/{id:sample_id}", policy="samples.delete", summary="Delete a sample")
def sample_delete(request: HttpRequest, sample_id: UUID) -> Reply:
    """Its results go with it. All of it stays in the audit log."""
    services.sample_delete(id=sample_id, by=_user(request), version=expected_version(request))
    return Reply(message=_("Sample deleted successfully."))


@router.post(
    "/samples/{id:sample_id}/restore",
    policy="samples.delete",
    response=SampleOut,
    summary="Bring a deleted sample back",
)
def sample_restore(request: HttpRequest, sample_id: UUID) -> Reply:
    """With the results that went with it. 409 `DUPLICATE` where another sample has its code by now. One that is not
    deleted is answered as it is."""
    return _record(wire.samples([services.sample_restore(id=sample_id, by=_user(request))])[0])


@results.get(
    "/samples/{id:sample_id}/results", policy="samples.view", response=list[ResultOut], summary="Results of a sample"
)
def result_list(request: HttpRequest, sample_id: UUID, query: Query[ResultQuery]) -> Page:
    """By parameter. Retests stand beside the results that they replace (`replacesId`)."""
    sample = selectors.sample_get(id=sample_id)
    return _page(selectors.plain(selectors.result_list(sample=sample.pk)), query, wire.results)


@results.post(
    "/samples/{id:sample_id}/results",
    also=(200,),
    policy="results.edit",
    response=ResultOut,
    status=201,
    summary="Enter a result",
)
def result_create(
    request: HttpRequest, sample_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ResultIn)]]
) -> Reply:
    """Answers with the verdict under every standard in use. A value beyond a limit is stored and judged; one that the
    parameter cannot have (`minValue`, `maxValue`) is refused, and so is a unit that does not measure it."""
    row, created = services.result_create(sample=sample_id, data=payload, by=_user(request))
    return _record(wire.results([row])[0], status=201 if created else 200)


@results.get("/results/{id:result_id}", policy="samples.view", response=ResultOut, summary="One result")
def result_detail(request: HttpRequest, result_id: UUID) -> Reply:
    """With the verdict under each standard and the numbers that were compared."""
    return _record(selectors.result_card(id=result_id))


@results.update("/results/{id:result_id}", policy="results.edit", response=ResultOut, summary="Change a result")
def result_update(
    request: HttpRequest, result_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ResultChange)]]
) -> Reply:
    """Judged anew in the same transaction; send `reason` for the audit log."""
    version = _version(request, payload)
    row = services.result_update(id=result_id, data=payload, by=_user(request), version=version)
    return _record(wire.results([row])[0])


@results.delete("/results/{id:result_id}", policy="results.delete", summary="Delete a result")
def result_delete(request: HttpRequest, result_id: UUID) -> Reply:
    """The sample's compliance status is computed anew."""
    services.result_delete(id=result_id, by=_user(request), version=expected_version(request))
    return Reply(message=_("Result deleted successfully."))


@catalogue.get("/parameters", policy="parameters.view", response=list[ParameterOut], summary="Parameters")
def parameter_list(request: HttpRequest, query: Query[ParameterQuery]) -> Page:
    """What can be measured: codes and names for `parameterName`, units, plausible range, limits in force today."""
    found = selectors.parameter_list(search=query.search, group=query.group)
    return _page(found, query, selectors.parameter_cards)


@catalogue.get(
    "/parameters/{id:parameter_id}", policy="parameters.view", response=ParameterOut, summary="One parameter"
)
def parameter_detail(request: HttpRequest, parameter_id: UUID) -> dict[str, Any]:
    """With its limits for drinking water in force today."""
    return selectors.parameter_cards([selectors.parameter_get(id=parameter_id)])[0]


@catalogue.get("/standards", policy="parameters.view", response=list[StandardOut], summary="Standards")
def standard_list(request: HttpRequest, query: Query[StandardQuery]) -> Page:
    """Every edition, and the role that your organisation gives it."""
    return _page(selectors.standard_list(), query, wire.standards)


@catalogue.get("/standards/{id:standard_id}", policy="parameters.view", response=StandardDetail, summary="One standard")
def standard_detail(request: HttpRequest, standard_id: UUID) -> dict[str, Any]:
    """One edition with all its limits, of every kind of water and every period."""
    row = selectors.standard_get(id=standard_id)
    return wire.standards([row])[0] | {"limits": wire.limits(selectors.limit_list(standard=row.pk))}


def _page(
    rows: QuerySet[Any, Any],
    query: Listing,
    cards: Callable[[Sequence[Any]], list[dict[str, Any]]],
    *,
    total: int | None = None,
) -> Page:
    """A page whose rows become wire form together, in a number of queries that does not depend on them."""
    page = paginate(rows, query, lambda row: row, total=total)
    page.items = cards(page.items)
    return page


def _bound(text: str, name: str) -> date | datetime | None:
    if not text:
        return None
    found = clock.parse_date(text) or clock.parse_moment(text)
    if found is None:
        raise Invalid.field(name, _("Enter a date like 2026-11-20."))
    return found


def _version(request: HttpRequest, payload: dict[str, Any]) -> int | None:
    version = payload.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise Invalid.field("version", _("Enter a whole number."))
    return expected_version(request, version)


def _user(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined,no-any-return]


def _record(card: dict[str, Any], *, status: int = 200) -> Reply:
    """A single record, its version as the ETag that `If-Match` takes."""
    return Reply(card, status=status, headers={"ETag": f'"{card["version"]}"'})
