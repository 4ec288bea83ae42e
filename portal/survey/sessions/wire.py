"""Sessions and their items as clients see them: the fields of the requests, what the server adds, codes of flags."""

from collections.abc import Iterable, Sequence
from typing import Any

from portal.core.common.clock import wire as stamp
from portal.core.sync.registry import Row
from portal.survey.choices import SESSION_WIRE


def _location(row: Row, name: str, moment: str = "") -> dict[str, Any] | None:
    if row[f"{name}_latitude"] is None or row[f"{name}_longitude"] is None:
        return None
    place = {"lat": row[f"{name}_latitude"], "lng": row[f"{name}_longitude"], "accuracy": row[f"{name}_accuracy"]}
    return {**place, "timestamp": stamp(row[moment])} if moment else place


def _record(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "version": row["version"],
        "flags": row["flags"],
        "createdAt": stamp(row["created_at"]),
        "updatedAt": stamp(row["updated_at"]),
    }


def _item(row: Row) -> dict[str, Any]:
    return {**_record(row), "sessionId": row["session_id"], "idempotencyKey": row["item_key"] or None}


def sessions(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """`status` is one of draft, submitted, approved, rejected; `statusDetail` says more (C76). `remarks` are those of
    the last return."""
    remarks = _remarks([row["id"] for row in rows if row["revision"]])
    return [
        {
            **_record(row),
            "sessionId": row["id"],
            "sessionNumber": row["session_number"],
            "applicationId": row["application_id"],
            "taskId": row["task_id"],
            "surveyorId": row["surveyor_id"],
            "surveyType": row["survey_type"],
            "status": SESSION_WIRE[row["status"]][0],
            "statusDetail": SESSION_WIRE[row["status"]][1],
            "revision": row["revision"],
            "startTime": stamp(row["started_at"]),
            "startLocation": _location(row, "start", "started_at"),
            "endLocation": _location(row, "end", "ended_at"),
            "weatherConditions": row["weather_conditions"],
            "notes": row["notes"],
            "clientMetadata": row["client_metadata"],
            "declaredCounts": row["declared_counts"],
            "qualityScore": row["quality_score"],
            "clientQualityScore": row["client_quality_score"],
            "qualityBreakdown": row["quality_breakdown"],
            "contentHash": row["content_hash"] or None,
            "submittedAt": stamp(row["submitted_at"]),
            "reviewedAt": stamp(row["reviewed_at"]),
            "reviewReason": row["review_reason"],
            "remarks": remarks.get((row["id"], row["revision"] - 1), []),
        }
        for row in rows
    ]


def _remarks(sessions: list[Any]) -> dict[Any, list[dict[str, Any]]]:
    from portal.survey.review.models import ReviewRemark

    found: dict[Any, list[dict[str, Any]]] = {}
    if sessions:
        for row in ReviewRemark.objects.filter(session__in=sessions):
            found.setdefault((row.session_id, row.revision), []).append(remark(row))
    return found


def remark(row: Any) -> dict[str, Any]:
    return {"entity": row.entity, "entityId": row.entity_id, "decision": row.decision, "remark": row.remark}


def points(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {
            **_item(row),
            "pointNumber": row["number"],
            "latitude": row["latitude"],
            "longitude": row["longitude"],
            "elevation": row["elevation"],
            "heightReference": row["height_reference"] or "unknown",
            "horizontalAccuracy": row["horizontal_accuracy"],
            "verticalAccuracy": row["vertical_accuracy"],
            "gpsSource": row["gps_source"],
            "pointType": row["point_type"],
            "featureCode": row["feature_code"],
            "description": row["description"],
            "capturedAt": stamp(row["captured_at"]),
            "qualityFlags": row["quality_flags"],
            "isVerified": row["is_verified"],
            "receiver": row["receiver"],
            "quality": row["quality"],
        }
        for row in rows
    ]


def geometries(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """`area`, `perimeter` and `length` are the server's (m², m), `client…` the device's."""
    return [
        {
            **_item(row),
            "geometryNumber": row["number"],
            "geometryType": row["geometry_type"],
            "coordinates": row["coordinates"],
            "properties": row["properties"],
            "featureType": row["feature_type"],
            "featureCode": row["feature_code"],
            "description": row["description"],
            "area": _rounded(row["area"]),
            "perimeter": _rounded(row["perimeter"]),
            "length": _rounded(row["length"]),
            "areaUncertainty": _rounded(row["area_uncertainty"]),
            "clientArea": row["client_area"],
            "clientPerimeter": row["client_perimeter"],
            "clientLength": row["client_length"],
            "accuracy": row["accuracy"],
            "isComplete": row["is_complete"],
            "isClosed": row["is_closed"],
            "qualityScore": row["client_quality_score"],
            "validationFlags": row["validation_flags"],
            "startedAt": stamp(row["started_at"]),
            "completedAt": stamp(row["completed_at"]),
        }
        for row in rows
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def attachments(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Without addresses: those are given for five minutes at a time (`attachments.services.links`)."""
    return [
        {
            **_item(row),
            "attachmentId": row["id"],
            "filename": row["filename"],
            "fileType": row["file_type"],
            "fileSize": row["file_size"],
            "attachmentType": row["attachment_type"],
            "relatedPointId": row["related_point_id"],
            "relatedGeometryId": row["related_geometry_id"],
            "captureLocation": _location(row, "capture"),
            "capturedAt": stamp(row["captured_at"]),
            "metadata": row["metadata"],
            "status": row["status"],
            "failure": row["failure"] or None,
            "checksumSha256": row["sha256"] or None,
            "width": row["width"],
            "height": row["height"],
        }
        for row in rows
    ]


def plain(models: Iterable[Any]) -> list[Row]:
    """Model instances as rows of columns."""
    return [{field.attname: getattr(model, field.attname) for field in model._meta.concrete_fields} for model in models]
