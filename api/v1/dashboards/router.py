"""Dashboards, their widgets and their figures (C51)."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Declared, Page, Reply, Router, expected_version, paginate
from api.v1.dashboards.schemas import (
    DashboardChange,
    DashboardData,
    DashboardIn,
    DashboardOut,
    DashboardQuery,
    WidgetChange,
    WidgetIn,
    WidgetOut,
)
from api.v1.projects.router import me, record, version
from api.v1.views.router import unless_known
from portal.collect.charts.figures import etag
from portal.collect.dashboards import selectors, services, wire

router = Router(tags=["dashboards"])


@router.get("/dashboards", policy="views.view", response=list[DashboardOut], summary="Dashboards")
def dashboard_list(request: HttpRequest, query: Query[DashboardQuery]) -> Page:
    """Of the projects that you see, and those of none. Newest first."""
    found = selectors.dashboard_list(user=me(request), project=query.project_id, search=query.search)
    page = paginate(found, query, lambda row: row)
    page.items = wire.dashboards(page.items)
    return page


@router.post("/dashboards", policy="views.edit", response=DashboardOut, status=201, summary="Create a dashboard")
def dashboard_create(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(DashboardIn)]]) -> Reply:
    """With its widgets, where you give them."""
    row = services.dashboard_create(data=payload, by=me(request))
    return record(wire.dashboards([row])[0], status=201)


@router.get("/dashboards/{id:dashboard_id}", policy="views.view", response=DashboardOut, summary="One dashboard")
def dashboard_detail(request: HttpRequest, dashboard_id: UUID) -> Reply:
    """Its version is the ETag, and moves with its widgets, too."""
    return record(wire.dashboards([selectors.dashboard_for(me(request), dashboard_id)])[0])


@router.get(
    "/dashboards/{id:dashboard_id}/data",
    also=(304,),
    policy="views.view",
    response=DashboardData,
    summary="Figures of a dashboard",
)
def dashboard_figures(request: HttpRequest, dashboard_id: UUID) -> Reply | HttpResponse:
    """The figures of every widget; one that cannot be drawn says why in `error`. ETag and 304 as for a view."""
    dashboard = selectors.dashboard_for(me(request), dashboard_id)
    found = selectors.dashboard_data(widgets=selectors.widget_list(dashboard=dashboard), user=me(request))
    said = repr([(one["id"], one["data"] and etag(one["data"]), one["error"]) for one in found])
    return unless_known(request, {"widgets": found}, f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"')


@router.update(
    "/dashboards/{id:dashboard_id}", policy="views.edit", response=DashboardOut, summary="Change a dashboard"
)
def dashboard_update(
    request: HttpRequest, dashboard_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(DashboardChange)]]
) -> Reply:
    """All fields are optional."""
    row = services.dashboard_update(id=dashboard_id, data=payload, by=me(request), version=version(request, payload))
    return record(wire.dashboards([row])[0])


@router.delete("/dashboards/{id:dashboard_id}", policy="views.delete", response=None, summary="Delete a dashboard")
def dashboard_delete(request: HttpRequest, dashboard_id: UUID) -> Reply:
    """The views stay."""
    services.dashboard_delete(id=dashboard_id, by=me(request), version=expected_version(request))
    return Reply(message=_("Dashboard deleted successfully."))


@router.get(
    "/dashboards/{id:dashboard_id}/widgets",
    policy="views.view",
    response=list[WidgetOut],
    summary="Widgets of a dashboard",
)
def widget_list(request: HttpRequest, dashboard_id: UUID) -> list[dict[str, Any]]:
    """From the top, all of them."""
    return wire.widgets(selectors.widget_list(dashboard=selectors.dashboard_for(me(request), dashboard_id)))


@router.post(
    "/dashboards/{id:dashboard_id}/widgets",
    policy="views.edit",
    response=WidgetOut,
    status=201,
    summary="Put a view on a dashboard",
)
def widget_add(
    request: HttpRequest, dashboard_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(WidgetIn)]]
) -> dict[str, Any]:
    """At the first free place, unless you name one."""
    return wire.widget(services.widget_add(dashboard=dashboard_id, data=payload, by=me(request)))


@router.update(
    "/dashboards/{id:dashboard_id}/widgets/{id:widget_id}",
    policy="views.edit",
    response=WidgetOut,
    summary="Move or change a widget",
)
def widget_change(
    request: HttpRequest,
    dashboard_id: UUID,
    widget_id: UUID,
    payload: Body[Annotated[dict[str, Any], Declared(WidgetChange)]],
) -> dict[str, Any]:
    """Of `position`, absent parts stay."""
    return wire.widget(services.widget_change(dashboard=dashboard_id, id=widget_id, data=payload, by=me(request)))


@router.delete(
    "/dashboards/{id:dashboard_id}/widgets/{id:widget_id}",
    policy="views.edit",
    response=None,
    summary="Take a view off a dashboard",
)
def widget_remove(request: HttpRequest, dashboard_id: UUID, widget_id: UUID) -> Reply:
    """The view stays."""
    services.widget_remove(dashboard=dashboard_id, id=widget_id, by=me(request))
    return Reply(message=_("Widget removed successfully."))
