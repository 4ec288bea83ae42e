"""Applications for permits (contract of the rooms, section 2)."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Declared, Page, Reply, Router, paginate
from api.kit.periods import period
from api.v1.applications.schemas import ApplicationChange, ApplicationIn, ApplicationOut, ApplicationQuery
from api.v1.projects.router import me, record, version
from portal.survey import access
from portal.survey.applications import selectors, services

router = Router(tags=["applications"])


@router.get("/applications", policy="applications.view", response=list[ApplicationOut], summary="Applications")
def application_list(request: HttpRequest, query: Query[ApplicationQuery]) -> Page:
    """Those within your areas, newest first."""
    window = period(request, query.date_from, query.date_to)
    rows = selectors.application_list(
        user=me(request),
        search=query.search,
        service_type=query.service_type or "",
        governorate=query.governorate_id,
        district=query.district_id,
        sub_district=query.sub_district_id,
        number=query.application_number,
        plot=query.plot_number,
        since=window.since,
        until=window.until,
    )
    page = paginate(rows, query, lambda row: row)
    page.items = selectors.application_cards(page.items)
    return page


@router.post(
    "/applications",
    policy="applications.edit",
    response=ApplicationOut,
    status=201,
    summary="Register an application",
)
def application_create(
    request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(ApplicationIn)]]
) -> Reply:
    """Its units follow from the coordinates. 400 `GEOGRAPHIC_BOUNDS_ERROR` outside of Yemen."""
    row = services.application_create(data=payload, by=me(request))
    return record(selectors.application_cards([row])[0], status=201)


@router.get(
    "/applications/{id:application_id}", policy="applications.view", response=ApplicationOut, summary="One application"
)
def application_detail(request: HttpRequest, application_id: UUID) -> Reply:
    """404 for one outside of your areas, too."""
    return record(selectors.application_cards([access.application_for(me(request), application_id)])[0])


@router.update(
    "/applications/{id:application_id}",
    policy="applications.edit",
    response=ApplicationOut,
    summary="Change an application",
)
def application_update(
    request: HttpRequest, application_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ApplicationChange)]]
) -> Reply:
    """Another place gives it other units; sessions that have begun keep theirs."""
    row = services.application_update(
        id=application_id, data=payload, by=me(request), version=version(request, payload)
    )
    return record(selectors.application_cards([row])[0])


@router.delete(
    "/applications/{id:application_id}", policy="applications.delete", response=None, summary="Delete an application"
)
def application_delete(request: HttpRequest, application_id: UUID) -> Reply:
    """409 `IN_USE` while tasks or survey sessions belong to it."""
    services.application_delete(id=application_id, by=me(request))
    return Reply(message=_("Application deleted successfully."))
