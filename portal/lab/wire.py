"""The laboratory's records as clients see them (`docs/api.md`); plain dictionaries from plain rows.

Moments of samples and results stay what they are: the encoder writes them, five in each of a thousand results.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from portal.core.common.clock import wire as stamp
from portal.core.sync.registry import Row
from portal.lab.models import Limit, Parameter, Standard
from portal.lab.rulebook import rulebook
from portal.lab.science import verdicts
from portal.lab.science.units import UnitError, convert, convertible_units


def number(value: Decimal | None) -> int | float | None:
    """A JSON number; its exact text stands beside it where precision matters."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _record(row: Row) -> dict[str, Any]:
    return {
        "localSyncId": row["local_sync_id"],
        "organizationId": row["organization_id"],
        "createdAt": row["created_at"],
        "createdBy": row["created_by_id"],
        "updatedAt": row["updated_at"],
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
            "collectionDate": row["collection_date"],
            "receivedAt": row["received_at"],
            "collectorName": row["collector_name"],
            "status": row["status"],
            "complianceStatus": row["compliance_status"],
            "verdicts": row["verdicts"],
            "resultCount": row["result_count"],
            "notes": row["notes"],
            "projectId": row["project_id"],
            **_record(row),
        }
        for row in rows
    ]


def results(rows: Sequence[Row]) -> list[dict[str, Any]]:
    ids = {row["parameter_id"] for row in rows}
    used = _parameters(ids)
    named = {id: (used[id].code, used[id].name) for id in ids}
    return [
        {
            "id": row["id"],
            "sampleId": row["sample_id"],
            "parameterId": row["parameter_id"],
            "parameterCode": named[row["parameter_id"]][0],
            "parameterName": named[row["parameter_id"]][1],
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
            "testDate": row["test_date"],
            "technicianName": row["technician_name"],
            "testMethod": row["test_method"],
            "instrument": row["instrument"],
            "notes": row["notes"],
            "replacesId": row["replaces_id"],
            "verdicts": row["verdicts"],
            "flags": row["flags"],
            **_record(row),
        }
        for row in rows
    ]


def parameters(rows: Iterable[Parameter], *, on: date) -> list[dict[str, Any]]:
    """With the limits for drinking water that the organisation's standards set on the day `on`."""
    rules = rulebook()
    cards = []
    for row in rows:
        ours = rules.parameters.get(row.pk, row)  # with what the organisation holds plausible
        limits = [limit for limit in rules.limits_for(row.pk, "drinking", on) if limit.matrix == "drinking"]
        set_here = [limit for limit in limits if limit.lower is not None or limit.upper is not None]
        upper = {limit.standard: _in_unit(limit.upper, limit.unit, row) for limit in set_here}
        cards.append(
            {
                "id": row.pk,
                "code": row.code,
                "name": row.name,
                "nameEn": row.name_en,
                "nameFr": row.name_fr,
                "nameAr": row.name_ar,
                "aliases": row.aliases,
                "cas": row.cas,
                "group": row.group,
                "unit": row.unit,
                "species": row.species or None,
                "units": convertible_units(row.unit, row.species or None),
                "minValue": number(ours.minimum),
                "maxValue": number(ours.maximum),
                "whoThreshold": upper.get("WHO"),
                "moroccanThreshold": upper.get("MA"),
                "limits": [_limit_in_force(limit) for limit in set_here],
                "decimals": row.decimals,
                "typicalLoq": row.typical_loq,
                "holdingHours": ours.holding_hours,
                "members": row.members,
                "methods": [method for method in row.methods.split("; ") if method],
                "isActive": row.is_active,
                "organizationId": row.organization_id,
                "updatedAt": stamp(row.updated_at),
            }
        )
    return cards


def standards(rows: Iterable[Standard]) -> list[dict[str, Any]]:
    """Rows of `selectors.standard_list`."""
    return [
        {
            "id": row.pk,
            "key": row.key,
            "edition": row.edition,
            "reference": row.reference,
            "name": row.name,
            "nameEn": row.name_en,
            "nameFr": row.name_fr,
            "nameAr": row.name_ar,
            "role": row.role_here or None,  # type: ignore[attr-defined]
            "defaultRole": row.role,
            "inUse": bool(row.role_here),  # type: ignore[attr-defined]
            "effectiveFrom": row.effective_from,
            "effectiveTo": row.effective_to,
            "position": row.place,  # type: ignore[attr-defined]
            "limitCount": row.limit_count,  # type: ignore[attr-defined]
            "organizationId": row.organization_id,
            "updatedAt": stamp(row.updated_at),
        }
        for row in rows
    ]


def limits(rows: Iterable[Limit]) -> list[dict[str, Any]]:
    """Rows with their parameter and standard at hand."""
    return [
        {
            "id": row.pk,
            "standard": row.standard.key,
            "edition": row.standard.edition,
            "parameterId": row.parameter_id,
            "parameterCode": row.parameter.code,
            "parameterName": row.parameter.name,
            "matrix": row.matrix,
            "kind": row.kind,
            "lower": number(row.lower),
            "upper": number(row.upper),
            "guidance": number(row.guidance),
            "unit": row.unit,
            "strict": row.strict,
            "provisional": row.provisional,
            "confirmed": not row.open,  # type: ignore[attr-defined]
            "confirmedClause": row.confirmed_clause,  # type: ignore[attr-defined]
            "confidence": row.confidence,
            "clause": row.clause,
            "note": row.note,
            "organizationId": row.organization_id,
            "effectiveFrom": row.effective_from,
            "effectiveTo": row.effective_to,
        }
        for row in rows
    ]


def _limit_in_force(limit: verdicts.Limit) -> dict[str, Any]:
    return {
        "standard": limit.standard,
        "edition": limit.edition,
        "role": limit.role,
        "kind": limit.kind,
        "lower": number(limit.lower),
        "upper": number(limit.upper),
        "guidance": number(limit.guidance),
        "unit": limit.unit,
        "provisional": limit.provisional,
    }


def _in_unit(value: Decimal | None, unit: str, parameter: Parameter) -> int | float | None:
    """A limit in the parameter's own unit; None where it is of another kind (a share of the samples in %)."""
    if value is None:
        return None
    try:
        return number(convert(value, unit, parameter.unit, species=parameter.species or None))
    except UnitError:
        return None


def _parameters(ids: Iterable[UUID]) -> dict[UUID, Parameter]:
    """From the rulebook; a parameter taken out of use still names its old results."""
    known = rulebook().parameters
    missing = {id for id in ids if id not in known}
    return known | {p.pk: p for p in Parameter.objects.filter(pk__in=missing)} if missing else known
