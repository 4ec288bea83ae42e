"""Samples and results as clients see them (`docs/api.md`); plain dictionaries from plain rows."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from portal.core.common.clock import wire as stamp
from portal.core.sync.registry import Row
from portal.lab.models import Parameter
from portal.lab.rulebook import rulebook


def number(value: Decimal | None) -> int | float | None:
    """A JSON number; its exact text stands beside it where precision matters."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _record(row: Row) -> dict[str, Any]:
    return {
        "localSyncId": row["local_sync_id"],
        "organizationId": row["organization_id"],
        "createdAt": stamp(row["created_at"]),
        "createdBy": row["created_by_id"],
        "updatedAt": stamp(row["updated_at"]),
        "updatedBy": row["updated_by_id"],
        "version": row.get("version"),
    }


def samples(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        {
            "id": row["id"],
            "code": row["code"],
            "type": row["type"],
            "location": row["location"],
            "samplingPointId": row["sampling_point_id"],
            "latitude": row["latitude"],
            "longitude": row["longitude"],
            "collectionDate": stamp(row["collection_date"]),
            "receivedAt": stamp(row["received_at"]),
            "collectorName": row["collector_name"],
            "status": row["status"],
            "complianceStatus": row["compliance_status"],
            "verdicts": row["verdicts"],
            "resultCount": row["result_count"],
            "notes": row["notes"],
            "projectId": None,
            **_record(row),
        }
        for row in rows
    ]


def results(rows: Sequence[Row]) -> list[dict[str, Any]]:
    parameters = _parameters(row["parameter_id"] for row in rows)
    return [
        {
            "id": row["id"],
            "sampleId": row["sample_id"],
            "parameterId": row["parameter_id"],
            "parameterCode": parameters[row["parameter_id"]].code,
            "parameterName": parameters[row["parameter_id"]].name,
            "value": number(row["value"]),
            "valueText": row["value_text"],
            "qualifier": row["qualifier"],
            "censoringLimit": number(row["censoring_limit"]),
            "unit": row["unit"],
            "normalizedValue": number(row["normalized_value"]),
            "normalizedUnit": row["normalized_unit"],
            "complianceStatus": row["compliance_status"],
            "detectionLimit": number(row["detection_limit"]),
            "quantificationLimit": number(row["quantification_limit"]),
            "uncertainty": number(row["uncertainty"]),
            "dilutionFactor": number(row["dilution_factor"]),
            "testDate": stamp(row["test_date"]),
            "technicianName": row["technician_name"],
            "testMethod": row["test_method"],
            "instrument": row["instrument"],
            "notes": row["notes"],
            "replacesId": row["replaces_id"],
            "verdicts": row["verdicts"],
            **_record(row),
        }
        for row in rows
    ]


def _parameters(ids: Iterable[UUID]) -> dict[UUID, Parameter]:
    """From the rulebook; a parameter taken out of use still names its old results."""
    known = rulebook().parameters
    missing = {id for id in ids if id not in known}
    return known | {p.pk: p for p in Parameter.objects.filter(pk__in=missing)} if missing else known
