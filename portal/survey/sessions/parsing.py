"""What a device may say of sessions, points, geometries and attachments, and how it becomes columns.

Numbers are JSON numbers and booleans JSON booleans: a text with digits is an error of its item (004-VAL-01).
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.sync import fields
from portal.core.sync.fields import Field, Fields, Parser, Refused
from portal.survey.choices import AttachmentType, FeatureType, GeometryType, GpsSource, PointType, SurveyType

_DOCUMENT: Final = 16_384  # characters of an object as JSON
_FLAGS: Final = 50
METRES: Final = 100_000.0


def number(low: float, high: float) -> Parser:
    def parse(value: Any, zone: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Refused(_("Must be a number."))
        if not low <= value <= high:
            raise Refused(_("Must be a number from %(low)s to %(high)s.") % {"low": f"{low:g}", "high": f"{high:g}"})
        return float(value)

    return parse


def whole(low: int, high: int) -> Parser:
    def parse(value: Any, zone: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Refused(_("Must be a whole number from %(low)d to %(high)d.") % {"low": low, "high": high})
        return value

    return parse


def flag(value: Any, zone: str) -> bool:
    if not isinstance(value, bool):
        raise Refused(_("Must be true or false."))
    return value


def moment(value: Any, zone: str) -> datetime:
    parsed = clock.parse_moment(value)
    if parsed is None or not 1990 <= parsed.year <= 2200:
        raise Refused(_("Must be a date and time with its offset (2026-11-20T09:15:00Z)."))
    return parsed


def document(value: Any, zone: str) -> dict[str, Any]:
    """A JSON object, its numbers plain."""
    if not isinstance(value, dict):
        raise Refused(_("Must be an object."))
    text = json.dumps(value)
    if len(text) > _DOCUMENT or "\\u0000" in text:
        raise Refused(_("Must have at most %(limit)d characters.") % {"limit": _DOCUMENT})
    return json.loads(text)  # type: ignore[no-any-return]


def texts(value: Any, zone: str) -> list[str]:
    if not isinstance(value, list) or len(value) > _FLAGS:
        raise Refused(_("Must be a list of at most %(limit)d texts.") % {"limit": _FLAGS})
    parse = fields.text(100)
    return [text for item in value if (text := parse(item, zone))]


def plain(value: Any) -> Any:
    """Nested lists with every number a plain float: what came keeps how it was written."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    return float(value) if isinstance(value, float) else value


def flat(data: Mapping[str, Any], name: str, refuse: Callable[[str, str, str], None]) -> dict[str, Any]:
    """`data` with the object under `name` taken apart: `startLocation.lat` and so on."""
    said = data.get(name)
    if said is None:
        cleared = {f"{name}.lat": None, f"{name}.lng": None} if name in data else {}
        return {key: value for key, value in data.items() if key != name} | cleared
    if not isinstance(said, dict):
        refuse("VALIDATION_ERROR", _("Must be an object."), name)
        return dict(data)
    return {**data, **{f"{name}.{key}": value for key, value in said.items() if isinstance(key, str)}}


def location(name: str, columns: tuple[str, str, str, str], *, required: bool) -> tuple[Field, ...]:
    """`{lat, lng, accuracy, timestamp}`: degrees of WGS 84, metres."""
    lat, lng, accuracy, stamp = columns
    place = (
        Field(f"{name}.lat", lat, number(-90, 90), required=required),
        Field(f"{name}.lng", lng, number(-180, 180), required=required),
        Field(f"{name}.accuracy", accuracy, number(0, METRES)),
    )
    return (*place, Field(f"{name}.timestamp", stamp, moment, required=required)) if stamp else place


SESSION_FIELDS: Final = fields.fields(
    Field("applicationId", "application_id", fields.reference, required=True),
    Field("surveyType", "survey_type", fields.choice(SurveyType.values), required=True),
    *location("startLocation", ("start_latitude", "start_longitude", "start_accuracy", "started_at"), required=True),
    *location("endLocation", ("end_latitude", "end_longitude", "end_accuracy", "ended_at"), required=False),
    Field("weatherConditions", "weather_conditions", fields.text(200), empty=""),
    Field("notes", "notes", fields.text(20_000), empty=""),
    Field("clientMetadata", "client_metadata", document, empty={}),
    Field("qualityScore", "client_quality_score", number(0, 100)),
    Field("localSyncId", "local_sync_id", fields.text(64)),
)
POINT_FIELDS: Final = fields.fields(
    Field("pointNumber", "number", whole(0, 2_000_000_000), required=True),
    Field("latitude", "latitude", number(-90, 90), required=True),
    Field("longitude", "longitude", number(-180, 180), required=True),
    Field("elevation", "elevation", number(-1000, 10_000)),
    Field("heightReference", "height_reference", fields.text(40), empty=""),
    Field("horizontalAccuracy", "horizontal_accuracy", number(0, METRES)),
    Field("verticalAccuracy", "vertical_accuracy", number(0, METRES)),
    Field("gpsSource", "gps_source", fields.choice(GpsSource.values), required=True),
    Field("pointType", "point_type", fields.choice(PointType.values), required=True),
    Field("featureCode", "feature_code", fields.text(60), empty=""),
    Field("description", "description", fields.text(4000), empty=""),
    Field("capturedAt", "captured_at", moment, required=True),
    Field("qualityFlags", "quality_flags", texts, empty=[]),
    Field("isVerified", "is_verified", flag, empty=False),
    Field("receiver", "receiver", document, empty={}),
)
GEOMETRY_FIELDS: Final = fields.fields(
    Field("geometryNumber", "number", whole(0, 2_000_000_000), required=True),
    Field("geometryType", "geometry_type", fields.choice(GeometryType.values), required=True),
    Field("coordinates", "coordinates", lambda value, zone: plain(value), required=True),
    Field("properties", "properties", document, empty={}),
    Field("featureType", "feature_type", fields.choice(FeatureType.values), required=True),
    Field("featureCode", "feature_code", fields.text(60), empty=""),
    Field("description", "description", fields.text(4000), empty=""),
    Field("area", "client_area", number(0, 1e13)),
    Field("perimeter", "client_perimeter", number(0, 1e9)),
    Field("length", "client_length", number(0, 1e9)),
    Field("accuracy", "accuracy", number(0, METRES)),
    Field("isComplete", "is_complete", flag, empty=True),
    Field("isClosed", "is_closed", flag, empty=False),
    Field("qualityScore", "client_quality_score", number(0, 100)),
    Field("validationFlags", "validation_flags", texts, empty=[]),
    Field("startedAt", "started_at", moment),
    Field("completedAt", "completed_at", moment),
)
ATTACHMENT_FIELDS: Final = fields.fields(
    Field("attachmentType", "attachment_type", fields.choice(AttachmentType.values), required=True),
    Field("relatedPointId", "related_point_id", fields.reference),
    Field("relatedGeometryId", "related_geometry_id", fields.reference),
    *location("captureLocation", ("capture_latitude", "capture_longitude", "capture_accuracy", ""), required=False),
    Field("capturedAt", "captured_at", moment),
    Field("metadata", "metadata", document, empty={}),
)


def columns_of(known: Fields) -> tuple[str, ...]:
    """The columns that a device can write."""
    return tuple(field.column for field in known.all if field.column != "local_sync_id")
