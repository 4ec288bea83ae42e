"""Chart views and their figures (specification 003; C47 to C51, C53)."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Declared, Page, Reply, Router, expected_version, paginate
from api.v1.projects.router import me, record, version
from api.v1.views.schemas import DataOut, PreviewIn, ProjectViewQuery, ViewChange, ViewIn, ViewOut, ViewQuery
from portal.collect.charts import selectors, services, wire
from portal.collect.charts.figures import etag, view_data

router = Router(tags=["views"])


@router.get("/views", policy="views.view", response=list[ViewOut], summary="Views")
def view_list(request: HttpRequest, query: Query[ViewQuery]) -> Page:
    """Of the projects that you see, newest first."""
    found = selectors.view_list(
        user=me(request),
        project=query.project_id,
        form=query.form_id,
        kinds=query.chart_type,
        search=query.search,
    )
    return paginate(found, query, wire.view)


@router.post("/views", policy="views.edit", response=ViewOut, status=201, summary="Create a view")
def view_create(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(ViewIn)]]) -> Reply:
    """Checked against the form: a field that does not exist, a sum of a text or a form of another project is 400 with
    its name."""
    return record(wire.view(services.view_create(data=payload, by=me(request))), status=201)


@router.post("/views/preview", policy="views.edit", response=DataOut, summary="Figures of a view before it is stored")
def view_preview(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(PreviewIn)]]) -> dict[str, Any]:
    """Stores nothing."""
    return services.preview(data=payload, by=me(request))[0]


@router.get("/views/project/{id:project_id}", policy="views.view", response=list[ViewOut], summary="Views of a project")
def view_of_project(request: HttpRequest, project_id: UUID, query: Query[ProjectViewQuery]) -> Page:
    """Newest first. 404 for a project that you do not see."""
    return paginate(selectors.view_list(user=me(request), project=project_id), query, wire.view)


@router.get("/views/{id:view_id}", policy="views.view", response=ViewOut, summary="One view")
def view_detail(request: HttpRequest, view_id: UUID) -> Reply:
    """Its version is the ETag."""
    return record(wire.view(selectors.view_for(me(request), view_id)))


@router.get("/views/{id:view_id}/data", also=(304,), policy="views.view", response=DataOut, summary="Figures of a view")
def view_figures(request: HttpRequest, view_id: UUID) -> Reply | HttpResponse:
    """Computed in the organisation's time zone; a change of the submissions shows at once. `If-None-Match` with the
    `ETag` answers 304 while nothing has changed. 400 where the form no longer has a field of the view."""
    view = selectors.view_for(me(request), view_id)
    data = view_data(definition=selectors.definition_of(view), form=view.form, view=view.pk)
    return unless_known(request, data, etag(data))


@router.update("/views/{id:view_id}", policy="views.edit", response=ViewOut, summary="Change a view")
def view_update(
    request: HttpRequest, view_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ViewChange)]]
) -> Reply:
    """All fields are optional."""
    row = services.view_update(id=view_id, data=payload, by=me(request), version=version(request, payload))
    return record(wire.view(row))


@router.delete("/views/{id:view_id}", policy="views.delete", response=None, summary="Delete a view")
def view_delete(request: HttpRequest, view_id: UUID) -> Reply:
    """It leaves the dashboards that it stands on. All of it stays in the audit log."""
    services.view_delete(id=view_id, by=me(request), version=expected_version(request))
    return Reply(message=_("View deleted successfully."))


def unless_known(request: HttpRequest, data: Any, tag: str) -> Reply | HttpResponse:
    """The data with its ETag; 304 for a client that names it."""
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    return HttpResponse(status=304, headers=headers) if {tag, "*"} & known else Reply(data, headers=headers)
