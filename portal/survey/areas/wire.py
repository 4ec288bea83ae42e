"""Units, assignments and refusals as the API shows them (`contract-rooms.md` section 2)."""

from typing import Any

from portal.core.common import clock
from portal.core.geo.models import GeoDataset, GeoUnit
from portal.survey.areas import denials, selectors
from portal.survey.areas.models import GeoAssignment, GeoDecision
from portal.survey.areas.scoping import Decision


def dataset(row: GeoDataset) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "version": row.version,
        "isActive": row.active,
        "status": row.status,
        "progress": row.progress,
        "counts": row.counts,
        "errors": row.faults,
        "credit": row.credit,
        "createdAt": clock.wire(row.created_at),
    }


def unit(row: GeoUnit) -> dict[str, Any]:
    return {
        "id": row.pk,
        "level": row.level,
        "code": row.code,
        "parentId": row.parent_id,
        "nameEn": row.name_en,
        "nameAr": row.name_ar,
        "isoCode": row.iso_code or None,
        "bbox": row.bbox,
        "hasBoundary": row.has_boundary,
        "datasetId": row.dataset_id,
        "datasetVersion": row.dataset.version,
    }


def assigned(row: GeoAssignment) -> dict[str, Any]:
    """The four ids, as 004 sends them to a device."""
    return {
        "governorateId": row.governorate_id,
        "districtId": row.district_id,
        "subDistrictId": row.sub_district_id,
        "neighborhoodId": row.neighborhood_id,
    }


def assignment(row: GeoAssignment) -> dict[str, Any]:
    named = row.unit
    return {
        "id": row.pk,
        "userId": row.user_id,
        "userName": row.user.name,
        **assigned(row),
        "level": named.level,
        "unitCode": row.code,
        "unitNameEn": named.name_en,
        "unitNameAr": named.name_ar,
        "validFrom": clock.wire(row.valid_from),
        "validTo": clock.wire(row.valid_to),
        "status": selectors.state_of(row, clock.now()),
        "createdAt": clock.wire(row.created_at),
        "updatedAt": clock.wire(row.updated_at),
    }


def denial(row: GeoDecision) -> dict[str, Any]:
    return {
        "id": row.pk,
        "userId": row.user_id,
        "userName": row.user.name,
        "deviceId": row.device or None,
        "sessionId": row.session_id,
        "applicationId": row.application_id,
        "rule": row.rule,
        "lat": row.latitude,
        "lng": row.longitude,
        "accuracy": row.accuracy,
        "marginM": row.margin,
        "distanceOutsideM": row.distance_outside_m,
        "nearestUnitId": row.nearest_unit_id,
        "datasetVersion": row.dataset_version,
        "requestId": row.request_id,
        "capturedAt": clock.wire(row.captured_at),
        "createdAt": clock.wire(row.created_at),
    }


def message(row: GeoDecision) -> str:
    """Why it was refused, for people."""
    return denials.message(Decision(False, row.rule, distance_outside_m=row.distance_outside_m))


def explanation(row: GeoDecision) -> dict[str, Any]:
    """A refusal with what to draw: the point, the areas that the person had then, the nearest place in them."""
    allowed = selectors.allowed_units(row)
    nearest = selectors.nearest_place(row)
    point = None if row.longitude is None else {"type": "Point", "coordinates": [row.longitude, row.latitude]}
    return {
        **denial(row),
        "message": message(row),
        "point": point,
        "nearestPoint": nearest and {"type": "Point", "coordinates": [round(part, 7) for part in nearest]},
        "allowedUnits": [
            {"id": one.pk, "code": one.code, "level": one.level, "nameEn": one.name_en, "nameAr": one.name_ar}
            for one in allowed
        ],
        "allowedArea": {
            "type": "FeatureCollection",
            "features": selectors.outlines({one.pk: one.name for one in allowed}),
        },
    }
