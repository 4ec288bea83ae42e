"""OGC API Features 1.0, part 1 (Core and GeoJSON), over surveys: bare documents of that standard, not our envelope.

Behind the same authentication, rights and areas as everything else; QGIS and ArcGIS read it with a bearer token.
"""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query
from pydantic import BaseModel, ConfigDict, Field

from api.kit import SIGNED_IN, Router
from api.kit.envelope import dumps
from api.kit.schemas import uuid_in
from api.v1.projects.router import me
from portal.core.common import clock
from portal.core.common.errors import Invalid, NotFound
from portal.survey.exports.collections import COLLECTIONS, MOST, Box, Collection, items, northward

router = Router(tags=["OGC API Features"])
ROOT: Final = "/api/v1/ogc"
CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMANCE: Final = [f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson")]
GEOJSON: Final = "application/geo+json"
USUAL: Final = 100
# The quick rectangle around Yemen with Socotra.
EXTENT: Final = {
    "spatial": {"bbox": [[41.7, 12.0, 54.7, 19.1]], "crs": CRS84},
    "temporal": {"interval": [[None, None]]},
}


class ItemsQuery(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    bbox: str | None = Field(None, description="west,south,east,north in degrees (CRS84); heights between are ignored")
    datetime: str | None = Field(None, description="A moment, or `start/end` with `..` for an open end")
    limit: int = Field(USUAL, ge=1, description=f"Features per page; more than {MOST:,} is {MOST:,}")
    unit: str | None = Field(None, description="Id of an administrative unit (`/geo/units`)")
    after: str | None = Field(None, description="Where the page begins: comes with the `next` link")


def _described(kind: str = "application/json") -> dict[str, Any]:
    return {"responses": {200: {"description": "As the standard says", "content": {kind: {}}}}}


def _answer(body: dict[str, Any], kind: str = "application/json") -> HttpResponse:
    return HttpResponse(dumps(body), content_type=kind)


def _link(rel: str, path: str, title: object = "", kind: str = "application/json") -> dict[str, str]:
    return {"rel": rel, "href": f"{settings.PUBLIC_URL}{path}", "type": kind} | ({"title": str(title)} if title else {})


@router.get("/ogc", policy=SIGNED_IN, response=None, summary="Landing page", openapi_extra=_described())
def ogc_landing(request: HttpRequest) -> HttpResponse:
    """Where a program that speaks OGC API Features begins."""
    return _answer(
        {
            "title": _("Surveys of %(organization)s") % {"organization": request.organization},  # type: ignore[attr-defined]
            "links": [
                _link("self", ROOT),
                _link("service-desc", "/api/v1/openapi.json", kind="application/vnd.oai.openapi+json;version=3.1"),
                _link("service-doc", "/api/v1/docs", kind="text/html"),
                _link("conformance", f"{ROOT}/conformance"),
                _link("data", f"{ROOT}/collections"),
            ],
        }
    )


@router.get("/ogc/conformance", policy=SIGNED_IN, response=None, summary="Conformance", openapi_extra=_described())
def ogc_conformance(request: HttpRequest) -> HttpResponse:
    """Which parts of the standard are kept."""
    return _answer({"conformsTo": CONFORMANCE})


@router.get(
    "/ogc/collections", policy="sessions.view", response=None, summary="Collections", openapi_extra=_described()
)
def ogc_collections(request: HttpRequest) -> HttpResponse:
    """Those that you may read: `points`, `geometries`, `applications`."""
    found = [_collection(one) for one in COLLECTIONS.values() if me(request).has_permission(one.permission)]
    return _answer({"links": [_link("self", f"{ROOT}/collections")], "collections": found})


@router.get(
    "/ogc/collections/{collection_id}",
    policy="sessions.view",
    response=None,
    summary="One collection",
    openapi_extra=_described(),
)
def ogc_collection(request: HttpRequest, collection_id: str) -> HttpResponse:
    """`points`, `geometries` or `applications`."""
    return _answer(_collection(_found(request, collection_id)))


@router.get(
    "/ogc/collections/{collection_id}/items",
    policy="sessions.view",
    response=None,
    summary="Features",
    openapi_extra=_described(GEOJSON),
)
def ogc_items(request: HttpRequest, collection_id: str, query: Query[ItemsQuery]) -> HttpResponse:
    """Follow the `next` link until there is none. Unknown parameters are refused, as the standard wants."""
    collection = _found(request, collection_id)
    for name in request.GET:
        if name not in ItemsQuery.model_fields:
            raise Invalid.field(name, _("This parameter is not known."), "unknown")
    since, until = _interval(query.datetime)
    limit, box = min(query.limit, MOST), _box(query.bbox)
    rows = items(
        collection,
        user=me(request),
        box=box,
        since=since,
        until=until,
        unit=uuid_in(query.unit, "unit") if query.unit else None,
        after=_place(query.after) if query.after else None,
    )
    held = collection.features(rows[: limit + 1])
    shown = held[:limit]
    path = f"{ROOT}/collections/{collection.id}/items"
    said = {name: value for name, value in request.GET.items() if name != "after"}
    links = [
        _link("self", f"{path}?{urlencode(request.GET)}" if request.GET else path, kind=GEOJSON),
        _link("collection", f"{ROOT}/collections/{collection.id}"),
    ]
    if len(held) > limit:
        last = shown[-1]
        after = f"{last['geometry']['coordinates'][1]!r}_{last['id']}" if northward(collection, box) else last["id"]
        links.append(_link("next", f"{path}?{urlencode(said | {'after': after})}", kind=GEOJSON))
    body = {
        "type": "FeatureCollection",
        "features": shown,
        "numberReturned": len(shown),
        "timeStamp": clock.wire(clock.now()),
        "links": links,
    }
    return _answer(body, GEOJSON)


@router.get(
    "/ogc/collections/{collection_id}/items/{id:feature_id}",
    policy="sessions.view",
    response=None,
    summary="One feature",
    openapi_extra=_described(GEOJSON),
)
def ogc_item(request: HttpRequest, collection_id: str, feature_id: UUID) -> HttpResponse:
    """By the id that the list of features gives; 404 outside of your areas."""
    collection = _found(request, collection_id)
    found = collection.features(items(collection, user=me(request)).filter(pk=feature_id))
    if not found:
        raise NotFound(_("There is no such feature."))
    path = f"{ROOT}/collections/{collection.id}"
    links = [_link("self", f"{path}/items/{feature_id}", kind=GEOJSON), _link("collection", path)]
    return _answer(found[0] | {"links": links}, GEOJSON)


def _found(request: HttpRequest, id: str) -> Collection:
    found = COLLECTIONS.get(id)
    if found is None or not me(request).has_permission(found.permission):
        raise NotFound(_("There is no such collection."))
    return found


def _collection(collection: Collection) -> dict[str, Any]:
    path = f"{ROOT}/collections/{collection.id}"
    return {
        "id": collection.id,
        "title": str(collection.title),
        "itemType": "feature",
        "crs": [CRS84],
        "extent": EXTENT,
        "links": [_link("self", path), _link("items", f"{path}/items", collection.title, GEOJSON)],
    }


def _box(text: str | None) -> Box | None:
    """Four numbers, or six with heights, which are ignored. West beyond east crosses the antimeridian."""
    if text is None:
        return None
    try:
        said = [float(part) for part in text.split(",")]
        west, south, east, north = said if len(said) == 4 else (said[0], said[1], said[3], said[4])
        if len(said) not in (4, 6) or not (-90 <= south <= north <= 90 and abs(west) <= 180 and abs(east) <= 180):
            raise ValueError(text)
    except (ValueError, IndexError):
        raise Invalid.field("bbox", _("Send bbox as west,south,east,north."), "format") from None
    return west, south, east, north


def _place(text: str) -> tuple[float | None, UUID]:
    """Where a page begins: an id, or latitude and id."""
    latitude, _bar, id = text.rpartition("_")
    try:
        return float(latitude) if latitude else None, uuid_in(id, "after")
    except ValueError:
        raise Invalid.field("after", _("This is not a cursor that the server gave."), "format") from None


def _interval(text: str | None) -> tuple[datetime | None, datetime | None]:
    if text is None:
        return None, None
    parts = text.split("/")
    ends = [None if part in ("", "..") else _moment(part) for part in parts]
    if len(parts) == 1 and ends[0]:
        return ends[0], ends[0]
    if len(parts) != 2 or ends == [None, None] or (ends[0] and ends[1] and ends[0] > ends[1]):
        raise _no_moment()
    return ends[0], ends[1]


def _moment(text: str) -> datetime:
    found = clock.parse_moment(text)
    day = clock.parse_date(text) if found is None else None
    if found is None and day is None:
        raise _no_moment()
    return found or datetime(day.year, day.month, day.day, tzinfo=UTC)  # type: ignore[union-attr]


def _no_moment() -> Invalid:
    return Invalid.field("datetime", _("Send a moment as 2026-11-20T09:15:00Z, or two with / between."), "format")
