"""Administrative units, boundaries, assigned areas and refusals because of them (the office's side of 004)."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import SIGNED_IN, Declared, Page, Reply, Router, paginate, uploads
from api.kit.periods import period
from api.v1.geo import schemas
from api.v1.projects.router import me
from portal.survey.areas import loading, selectors, services, wire

router = Router(tags=["areas"])
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            uploads.MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file", "name", "version"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "GeoJSON (or gz), GeoPackage"},
                        "name": {"type": "string", "maxLength": 120},
                        "version": {"type": "string", "maxLength": 60},
                        "credit": {"type": "string", "maxLength": 300},
                        "activate": {"type": "boolean", "default": True},
                    },
                }
            }
        },
    }
}  # fmt: skip


@router.get(
    "/geo/units", policy=SIGNED_IN, reach="span", response=list[schemas.UnitOut], summary="Administrative units"
)
def unit_list(request: HttpRequest, query: Query[schemas.UnitQuery]) -> Page:
    """Of the boundaries in force, by code. All organisations share them."""
    found = selectors.unit_list(
        level=query.level or "",
        parent=query.parent_id,
        search=query.search,
        has_boundary=query.has_boundary,
        dataset=query.dataset_id,
    )
    return paginate(found, query, wire.unit)


@router.get("/geo/units/{id:unit_id}", policy=SIGNED_IN, reach="span", response=schemas.UnitDetail, summary="One unit")
def unit_detail(request: HttpRequest, unit_id: UUID) -> dict[str, Any]:
    """With its boundary, of any dataset."""
    return {**wire.unit(selectors.unit_get(id=unit_id)), "boundary": selectors.boundary(unit_id)}


@router.get(
    "/geo/datasets", policy=SIGNED_IN, reach="span", response=list[schemas.DatasetOut], summary="Editions of boundaries"
)
def dataset_list(request: HttpRequest, query: Query[schemas.DatasetQuery]) -> Page:
    """Newest first; one of them is in force."""
    return paginate(selectors.dataset_list(), query, wire.dataset)


@router.get(
    "/geo/datasets/{id:dataset_id}",
    policy=SIGNED_IN,
    reach="span",
    response=schemas.DatasetOut,
    summary="One edition of boundaries",
)
def dataset_detail(request: HttpRequest, dataset_id: UUID) -> dict[str, Any]:
    """How far its loading is, and what was wrong with its file."""
    return wire.dataset(selectors.dataset_get(id=dataset_id))


@router.post(
    "/geo/datasets",
    also=(202,),
    policy="geo.datasets",
    reach="platform",
    response=schemas.DatasetOut,
    status=201,
    media=(uploads.MULTIPART,),
    limit=uploads.SLACK + loading.MOST_BYTES,
    upload=True,
    openapi_extra=_FORM,
    summary="Load boundaries",
)
def dataset_create(request: HttpRequest) -> Reply:
    """For a SuperAdmin. A small file is loaded at once (201), a large one in a job (202: ask for the dataset again). It
    is put in force when it was loaded whole, unless `activate` is false. With errors nothing is written and `status` is
    `failed`."""
    got = uploads.received(request)
    row = loading.dataset_upload(
        path=got.file.path,
        size=got.file.size,
        filename=got.filename,
        name=got.fields.get("name", ""),
        version=got.fields.get("version", ""),
        credit=got.fields.get("credit", ""),
        activate=got.fields.get("activate", "").lower() not in ("false", "0", "no"),
        by=me(request),
    )
    return Reply(wire.dataset(row), status=202 if row.status == row.Status.LOADING else 201)


@router.post(
    "/geo/datasets/{id:dataset_id}/activate",
    policy="geo.datasets",
    reach="platform",
    response=schemas.DatasetOut,
    summary="Put boundaries in force",
)
def dataset_activate(request: HttpRequest, dataset_id: UUID) -> dict[str, Any]:
    """For all organisations, at once. Decisions that were made keep the edition that they were made with."""
    return wire.dataset(loading.dataset_activate(row=selectors.dataset_get(id=dataset_id), by=me(request)))


@router.get("/geo/assignments", policy="geo.view", response=list[schemas.AssignmentOut], summary="Who works where")
def assignment_list(request: HttpRequest, query: Query[schemas.AssignmentQuery]) -> Page:
    """Newest first; ended ones too, deleted ones not."""
    found = selectors.assignment_list(user=query.user_id, state=query.status, unit=query.unit_id, search=query.search)
    if query.governorate_id:
        found = found.filter(governorate=query.governorate_id)
    return paginate(found, query, wire.assignment)


@router.post(
    "/geo/assignments", policy="geo.assign", response=schemas.AssignmentOut, status=201, summary="Assign an area"
)
def assignment_create(
    request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(schemas.AssignmentIn)]]
) -> dict[str, Any]:
    """In effect at once. 409 `DUPLICATE` for an area that the person has."""
    return wire.assignment(services.assignment_create(data=payload, by=me(request)))


@router.get(
    "/geo/assignments/{id:geo_assignment_id}",
    policy="geo.view",
    response=schemas.AssignmentOut,
    summary="One assignment",
)
def assignment_detail(request: HttpRequest, geo_assignment_id: UUID) -> dict[str, Any]:
    """With the names of its unit."""
    return wire.assignment(selectors.assignment_get(id=geo_assignment_id))


@router.update(
    "/geo/assignments/{id:geo_assignment_id}",
    policy="geo.assign",
    response=schemas.AssignmentOut,
    summary="Change an assignment",
)
def assignment_update(
    request: HttpRequest,
    geo_assignment_id: UUID,
    payload: Body[Annotated[dict[str, Any], Declared(schemas.AssignmentChange)]],
) -> dict[str, Any]:
    """Another unit or period, in effect at once. A narrower level that is not named stays: send null to widen."""
    return wire.assignment(services.assignment_update(id=geo_assignment_id, data=payload, by=me(request)))


@router.delete(
    "/geo/assignments/{id:geo_assignment_id}", policy="geo.unassign", response=None, summary="Take an area away"
)
def assignment_delete(request: HttpRequest, geo_assignment_id: UUID) -> Reply:
    """At once. What was captured before is still taken, and flagged."""
    services.assignment_delete(id=geo_assignment_id, by=me(request))
    return Reply(message=_("Assignment deleted successfully."))


@router.get(
    "/survey/denials",
    policy="geo.denials",
    response=list[schemas.DenialOut],
    summary="Refusals because of the area",
)
def denial_list(request: HttpRequest, query: Query[schemas.DenialQuery]) -> Page:
    """Newest first."""
    window = period(request, query.date_from, query.date_to)
    found = selectors.denial_list(user=query.user_id, rule=query.rule, since=window.since, until=window.until)
    return paginate(found, query, wire.denial)


@router.get(
    "/survey/denials/{id:geo_decision_id}", policy="geo.denials", response=schemas.DenialOut, summary="One refusal"
)
def denial_detail(request: HttpRequest, geo_decision_id: UUID) -> dict[str, Any]:
    """As it was decided then."""
    return wire.denial(selectors.denial_get(id=geo_decision_id))


@router.get(
    "/survey/denials/{id:geo_decision_id}/explain",
    policy="geo.denials",
    response=schemas.ExplanationOut,
    summary="Why it was refused",
)
def denial_explain(request: HttpRequest, geo_decision_id: UUID) -> dict[str, Any]:
    """The point, the areas that the person had then, the distance, and the edition of the boundaries."""
    return wire.explanation(selectors.denial_get(id=geo_decision_id))
