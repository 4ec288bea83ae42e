"""What sessions hold, as files for other programs (`contract-rooms.md` section 2)."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.kit import Reply, Router
from api.kit.periods import period
from api.v1.projects.router import me
from portal.core.files.exports import AT_ONCE
from portal.core.jobs.tasks import defer, job_as_wire
from portal.survey.access import session_for
from portal.survey.exports import features, writers
from portal.survey.exports.jobs import export as export_job
from portal.survey.pages import selectors

router = Router(tags=["survey sessions"])
_WAIT = 2  # seconds that a client waits before it asks for a job again
_FILES = {"responses": {200: {"description": "The file", "content": {kind: {} for kind in writers.TYPES.values()}}}}


class FormatQuery(BaseModel):
    format: Literal["geojson", "csv", "kml", "gpkg", "shp", "dxf"] = "geojson"


class ExportQuery(FormatQuery):
    """The filters of the list of sessions."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    search: str = ""
    status: list[str] = Field([], description="Repeated: any of them")
    surveyor_id: UUID | None = None
    unit_id: UUID | None = Field(None, description="An administrative unit (`/geo/units`)")
    survey_type: str = ""
    application_id: UUID | None = None
    flag: list[str] = Field([], description="A code, or `none`; repeated: any of them")
    conflict: bool | None = None
    quality: Literal["", "low", "middle", "high"] = Field("", description="Below 60, 60 to 79, 80 and more")
    date_from: str = Field("", max_length=40, description="Begun on this day or later")
    date_to: str = Field("", max_length=40, description="Begun on this day or earlier")


@router.get(
    "/survey/sessions/export",
    also=(202,),
    policy="sessions.export",
    response=None,
    summary="Surveys as a file",
    openapi_extra=_FILES,
)
def session_list_export(request: HttpRequest, query: Query[ExportQuery]) -> HttpResponseBase | Reply:
    """Points, shapes and media of the sessions that match, within your areas. More than 5,000 features are written by a
    worker: 202 with `{jobId, status}`; the job's result holds `downloadUrl`, for a day."""
    window = period(request, query.date_from, query.date_to)
    chosen = {
        "search": query.search,
        "statuses": query.status,
        "surveyor": query.surveyor_id,
        "unit": query.unit_id,
        "survey_type": query.survey_type,
        "application": query.application_id,
        "flags": query.flag,
        "conflict": query.conflict,
        "quality": query.quality,
        "since": window.since,
        "until": window.until,
    }
    return _export(request, query.format, chosen, name="survey")


@router.get(
    "/survey/sessions/{id:session_id}/export",
    also=(202,),
    policy="sessions.export",
    response=None,
    summary="A survey as a file",
    openapi_extra=_FILES,
)
def session_export(request: HttpRequest, session_id: UUID, query: Query[FormatQuery]) -> HttpResponseBase | Reply:
    """GeoJSON (RFC 7946), CSV with UTM, KML, GeoPackage, Shapefile (zip) or DXF (metres of UTM)."""
    session = session_for(me(request), session_id)
    return _export(request, query.format, {"ids": [str(session.pk)]}, name=session.session_number)


def _export(request: HttpRequest, kind: str, chosen: Mapping[str, Any], *, name: str) -> HttpResponseBase | Reply:
    rows = selectors.session_list(user=me(request), **chosen)
    said = selectors.as_text(chosen)
    features.noted(kind=kind, filters=said)
    if features.count(rows, most=AT_ONCE) > AT_ONCE:
        job = defer(export_job, kind=kind, filters=said)
        headers = {"Retry-After": str(_WAIT), "Location": f"/api/v1/jobs/{job.pk}"}
        return Reply({**job_as_wire(job), "jobId": job.pk}, status=202, headers=headers)
    file, _count = features.survey_file(rows, kind=kind)
    return FileResponse(
        file, as_attachment=True, filename=f"{name}.{features.suffix(kind)}", content_type=writers.TYPES[kind]
    )
