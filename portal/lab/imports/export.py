"""Samples with their results as a WQX-shaped CSV, which imports again without loss.

Columns of WQX 3 as the Water Quality Portal writes them; what WQX has no column for stands in columns of ours,
`Marsad…`, which other readers leave alone.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import batched
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from portal.core.common.clock import wire
from portal.core.common.text import harmless
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import Actor, tenant
from portal.lab.imports.selectors import _Echo
from portal.lab.models import Result, Sample
from portal.lab.science.measurement import Qualifier, parse_measurement

CHUNK: Final = 1000
_MEDIA: Final = {"drinking_water": "Drinking Water", "drinking_source": "Drinking Water", "waste_water": "Wastewater", "groundwater": "Groundwater"}  # fmt: skip  # noqa: E501
_CONDITIONS: Final = {
    Qualifier.NOT_DETECTED: "Not Detected",
    Qualifier.LESS: "Present Below Quantification Limit",
    Qualifier.GREATER: "Present Above Quantification Limit",
    Qualifier.PRESENT: "Detected Not Quantified",
}
COLUMNS: Final = (
    "OrganizationFormalName", "ActivityIdentifier", "ActivityTypeCode", "ActivityMediaName",
    "ActivityMediaSubdivisionName", "ActivityStartDate", "ActivityStartTime/Time", "ActivityStartTime/TimeZoneCode",
    "MonitoringLocationIdentifier", "MonitoringLocationName", "LatitudeMeasure", "LongitudeMeasure",
    "ActivityCommentText", "ResultIdentifier", "CharacteristicName", "ResultMeasureValue",
    "ResultMeasure/MeasureUnitCode", "ResultDetectionConditionText", "ResultStatusIdentifier", "ResultValueTypeName",
    "AnalysisStartDate", "AnalysisStartTime/Time", "AnalysisStartTime/TimeZoneCode",
    "ResultCommentText", "MarsadSampleCode", "MarsadSampleType",
    "MarsadCollector", "MarsadReceivedAt", "MarsadStatus", "MarsadQualifier", "MarsadMethod", "MarsadAnalyst",
    "MarsadInstrument", "MarsadDetectionLimit", "MarsadQuantificationLimit", "MarsadUncertainty",
    "MarsadDilutionFactor", "MarsadReplaces",
)  # fmt: skip


def wqx_csv(rows: QuerySet[Sample], *, by: Actor, organization: UUID) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, commas, CRLF; times in UTC; one line per result, one for a sample without any.

    Reads in a scope of its own: the answer is sent after the page's has ended.
    """
    writer = csv.DictWriter(_Echo(), COLUMNS, restval="")
    yield b"\xef\xbb\xbf" + writer.writeheader().encode()
    with tenant(organization, by=by):
        name = Organization.objects.get(pk=organization).name
        for samples in batched(rows.select_related("sampling_point").iterator(chunk_size=CHUNK), CHUNK):
            results: dict[UUID, list[Result]] = {}
            found = Result.objects.filter(sample__in=samples, deleted_at=None).select_related("parameter")
            for result in found.order_by("created_at", "id"):
                results.setdefault(result.sample_id, []).append(result)
            lines = []
            for sample in samples:
                head = {"OrganizationFormalName": name, **_sample(sample)}
                told = [{**head, **_result(result)} for result in results.get(sample.pk, [])] or [head]
                lines += [writer.writerow(_safe(row)) for row in told]
            yield "".join(lines).encode()


def _safe(row: Mapping[str, Any]) -> dict[str, object]:
    return {name: harmless(value) for name, value in row.items()}


def _sample(sample: Sample) -> dict[str, Any]:
    day, time = _moment(sample.collection_date)
    return {
        "ActivityIdentifier": str(sample.pk),
        "ActivityTypeCode": "Sample-Routine",
        "ActivityMediaName": "Water",
        "ActivityMediaSubdivisionName": _MEDIA.get(sample.type, "Surface Water"),
        "ActivityStartDate": day,
        "ActivityStartTime/Time": time,
        "ActivityStartTime/TimeZoneCode": "UTC",
        "MonitoringLocationIdentifier": sample.sampling_point.code if sample.sampling_point else "",
        "MonitoringLocationName": sample.location,
        "LatitudeMeasure": "" if sample.latitude is None else repr(sample.latitude),
        "LongitudeMeasure": "" if sample.longitude is None else repr(sample.longitude),
        "ActivityCommentText": sample.notes,
        "MarsadSampleCode": sample.code,
        "MarsadSampleType": sample.type,
        "MarsadCollector": sample.collector_name,
        "MarsadReceivedAt": wire(sample.received_at) or "",
        "MarsadStatus": sample.status,
    }


def _result(result: Result) -> dict[str, Any]:
    qualifier = Qualifier(result.qualifier)
    day, time = _moment(result.test_date) if result.test_date else ("", "")
    return {
        "ResultIdentifier": str(result.pk),
        "CharacteristicName": result.parameter.code,
        "ResultMeasureValue": result.value_text,
        "ResultMeasure/MeasureUnitCode": result.unit,
        "ResultDetectionConditionText": _CONDITIONS.get(qualifier, ""),
        "ResultStatusIdentifier": "Final",
        "ResultValueTypeName": "Estimated" if qualifier is Qualifier.ABOUT else "Actual",
        "AnalysisStartDate": day,
        "AnalysisStartTime/Time": time,
        "AnalysisStartTime/TimeZoneCode": "UTC" if day else "",
        "ResultCommentText": result.notes,
        "MarsadQualifier": "" if parse_measurement(result.value_text).qualifier == qualifier else qualifier.value,
        "MarsadMethod": result.test_method,
        "MarsadAnalyst": result.technician_name,
        "MarsadInstrument": result.instrument or "",
        "MarsadDetectionLimit": _plain(result.detection_limit),
        "MarsadQuantificationLimit": _plain(result.quantification_limit),
        "MarsadUncertainty": _plain(result.uncertainty),
        "MarsadDilutionFactor": "" if result.dilution_factor == 1 else _plain(result.dilution_factor),
        "MarsadReplaces": str(result.replaces_id or ""),
    }


def _moment(moment: datetime) -> tuple[str, str]:
    """Day and time in UTC, the time to the microsecond where there is one."""
    day, _sign, time = (wire(moment) or "").rstrip("Z").partition("T")
    return day, time


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number.normalize():f}"
