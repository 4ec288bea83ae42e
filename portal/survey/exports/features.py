"""The points, shapes and media of sessions as layers, fetched in batches."""

import tempfile
from collections.abc import Iterable, Iterator
from itertools import batched
from pathlib import Path
from typing import IO, Any, Final

import shapely
from django.conf import settings
from django.db.models import Avg, QuerySet
from shapely.geometry import shape as to_shape
from shapely.geometry.base import BaseGeometry

from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.geo.measures import utm_zone
from portal.survey.exports import writers
from portal.survey.exports.writers import Batch, Column, Layer, Progress
from portal.survey.models import SurveyAttachment, SurveyGeometry, SurveyPoint, SurveySession

CHUNK: Final = 5000
# Column of the table -> of a file. The first is the feature's id.
_SESSION: Final = {
    "session__session_number": Column("sessionNumber", "session_no"),
    "session__application__application_number": Column("applicationNumber", "appl_no"),
    "session__surveyor__name": Column("surveyor", "surveyor"),
    "session__status": Column("status", "status"),
}
_POINT: Final = {
    "id": Column("id", "id"),
    "number": Column("pointNumber", "number", "whole"),
    "point_type": Column("pointType", "type"),
    "feature_code": Column("featureCode", "code"),
    "description": Column("description", "descriptio"),
    "elevation": Column("elevation", "elevation", "real"),
    "height_reference": Column("heightReference", "height_ref"),
    "horizontal_accuracy": Column("horizontalAccuracy", "h_accuracy", "real"),
    "vertical_accuracy": Column("verticalAccuracy", "v_accuracy", "real"),
    "gps_source": Column("gpsSource", "gps_source"),
    "captured_at": Column("capturedAt", "captured", "time"),
    "quality": Column("quality", "quality", "real"),
    "flags": Column("flags", "flags"),
    "is_verified": Column("isVerified", "verified", "truth"),
}
_GEOMETRY: Final = {
    "id": Column("id", "id"),
    "number": Column("geometryNumber", "number", "whole"),
    "geometry_type": Column("geometryType", "shape_type"),
    "feature_type": Column("featureType", "type"),
    "feature_code": Column("featureCode", "code"),
    "description": Column("description", "descriptio"),
    "area": Column("area", "area_m2", "real"),
    "area_uncertainty": Column("areaUncertainty", "area_unc", "real"),
    "perimeter": Column("perimeter", "perim_m", "real"),
    "length": Column("length", "length_m", "real"),
    "client_area": Column("clientArea", "cl_area", "real"),
    "client_perimeter": Column("clientPerimeter", "cl_perim", "real"),
    "client_length": Column("clientLength", "cl_length", "real"),
    "is_complete": Column("isComplete", "complete", "truth"),
    "completed_at": Column("completedAt", "completed", "time"),
    "flags": Column("flags", "flags"),
}
_MEDIUM: Final = {
    "id": Column("id", "id"),
    "filename": Column("filename", "filename"),
    "attachment_type": Column("attachmentType", "type"),
    "file_type": Column("fileType", "file_type"),
    "file_size": Column("fileSize", "file_size", "whole"),
    "capture_accuracy": Column("accuracy", "accuracy", "real"),
    "captured_at": Column("capturedAt", "captured", "time"),
    "sha256": Column("checksumSha256", "sha256"),
    "flags": Column("flags", "flags"),
}


def _layer(name: str, shape: Any, columns: dict[str, Column], **options: str) -> Layer:
    return Layer(name, shape, (*columns.values(), *_SESSION.values()), **options)


_SHAPED: Final = {"number": "geometryNumber", "code": "featureCode", "group": "featureType"}
POINTS, SPOTS, LINES, POLYGONS, MEDIA = writers.family(
    _layer("points", "point", _POINT, number="pointNumber", code="featureCode", group="pointType", height="elevation"),
    _layer("shapes_point", "point", _GEOMETRY, **_SHAPED),
    _layer("shapes_line", "line", _GEOMETRY, **_SHAPED),
    _layer("shapes_polygon", "polygon", _GEOMETRY, **_SHAPED),
    _layer("attachments", "point", _MEDIUM, code="filename"),
)
# Of the table, in the order of the layer's columns.
POINT_COLUMNS: Final = {**_POINT, **_SESSION}
GEOMETRY_COLUMNS: Final = {**_GEOMETRY, **_SESSION}
_KINDS: Final = ((SPOTS, ("Point",)), (LINES, ("LineString",)), (POLYGONS, ("Polygon", "MultiPolygon")))


def points_of(sessions: QuerySet[SurveySession]) -> QuerySet[SurveyPoint]:
    return SurveyPoint.objects.filter(session__in=sessions.order_by().values("pk"), deleted_at=None)


def geometries_of(sessions: QuerySet[SurveySession]) -> QuerySet[SurveyGeometry]:
    return SurveyGeometry.objects.filter(session__in=sessions.order_by().values("pk"), deleted_at=None)


def placed_media_of(sessions: QuerySet[SurveySession]) -> QuerySet[SurveyAttachment]:
    return SurveyAttachment.objects.filter(
        session__in=sessions.order_by().values("pk"), deleted_at=None, capture_latitude__isnull=False
    )


def count(sessions: QuerySet[SurveySession], *, most: int | None = None) -> int:
    """How many features the file of these sessions has; counting ends a little beyond `most`."""
    total = 0
    for rows in (points_of(sessions), geometries_of(sessions), placed_media_of(sessions)):
        found = rows.order_by()
        total += found.count() if most is None else found[: most + 1].count()
        if most is not None and total > most:
            break
    return total


def batches(sessions: QuerySet[SurveySession]) -> Iterator[Batch]:
    """Everything of these sessions, layer by layer. An unfinished shape that has no form yet is no feature."""
    yield Batch(POINTS, [], [])
    yield from _batched(
        POINTS,
        points_of(sessions).order_by("session", "number", "id"),
        _POINT,
        ("longitude", "latitude"),
        lambda rows: list(shapely.points([row[-2:] for row in rows])),
    )
    for layer, kinds in _KINDS:
        rows = geometries_of(sessions).filter(geometry_type__in=kinds).order_by("session", "number", "id")
        yield from _batched(layer, rows, _GEOMETRY, ("geometry_type", "coordinates"), _shapes)
    yield from _batched(
        MEDIA,
        placed_media_of(sessions).order_by("session", "created_at", "id"),
        _MEDIUM,
        ("capture_longitude", "capture_latitude"),
        lambda rows: list(shapely.points([row[-2:] for row in rows])),
    )


def _batched(
    layer: Layer, rows: QuerySet[Any], columns: dict[str, Column], place: tuple[str, str], shapes: Any
) -> Iterator[Batch]:
    values = rows.values_list(*columns, *_SESSION, *place)
    for held in batched(values.iterator(chunk_size=CHUNK), CHUNK):
        made = [(shape, row[:-2]) for shape, row in zip(shapes(held), held, strict=True) if shape is not None]
        yield Batch(layer, [shape for shape, _row in made], [row for _shape, row in made])


def _shapes(rows: Iterable[tuple[Any, ...]]) -> list[BaseGeometry | None]:
    return [shape_of(kind, coordinates) for *_rest, kind, coordinates in rows]


def shape_of(kind: str, coordinates: Any) -> BaseGeometry | None:
    """A stored shape, in two dimensions; None for an unfinished one that its kind does not allow yet."""
    try:
        found: BaseGeometry = shapely.force_2d(to_shape({"type": kind, "coordinates": coordinates}))
    except (ValueError, TypeError, IndexError, shapely.errors.ShapelyError):
        return None
    return None if found.is_empty else found


def middle_zone(sessions: QuerySet[SurveySession]) -> int:
    """The UTM zone that the middle of these sessions lies in."""
    middle = sessions.order_by().aggregate(at=Avg("start_longitude"))["at"]
    return utm_zone(45.0 if middle is None else middle)


def survey_file(
    sessions: QuerySet[SurveySession], *, kind: str, progress: Progress | None = None
) -> tuple[IO[bytes], int]:
    """A file of `kind`, open at its beginning and without a name on the disk, and how many features it holds."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as folder:
        path = Path(folder) / f"survey.{suffix(kind)}"
        written = writers.write(kind, path, batches(sessions), zone=middle_zone(sessions), progress=progress)
        return path.open("rb"), written


def suffix(kind: str) -> str:
    return writers.SUFFIXES.get(kind, kind)


def noted(*, kind: str, session: Any = None, filters: Any = None) -> None:
    """Put into the audit log that the person in force took these surveys away."""
    details = {"format": kind, "filters": {name: str(value) for name, value in (filters or {}).items() if value}}
    record(Event(Action.EXPORT, "session", str(session.pk) if session else "", details, label=f"survey.{kind}"))
