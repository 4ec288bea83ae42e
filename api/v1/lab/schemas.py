"""Shapes of samples, results, parameters and standards (`docs/api.md`; specification 001)."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from api.kit import In, Listing, Out
from portal.lab.choices import Compliance, DecisionRule, LimitKind, SampleStatus, SampleType, StandardRole
from portal.lab.science.measurement import Qualifier
from portal.lab.science.verdicts import Flag, Reason, Verdict

_SAMPLE = "01941f29-7c00-7a1b-8c2d-3e4f5a6b7c8d"
_RESULT = "01941f2a-1b40-7c3d-9e4f-5a6b7c8d9e0f"
_PARAMETER = "01941f00-0000-7000-8000-000000000001"
_STANDARD = "01941f00-0000-7000-8000-0000000000aa"
_PERSON = "01941f00-1111-7000-8000-000000000007"
_ORGANIZATION = "01941f00-2222-7000-8000-00000000000a"
_TYPES = ", ".join(SampleType.values)
_STATUSES = ", ".join(SampleStatus.values)


def _one_of(values: Iterable[str]) -> Any:
    allowed = list(values)

    def check(value: str) -> str:
        if value and value not in allowed:
            raise PydanticCustomError("choice", "choice", {"allowed": ", ".join(allowed)})
        return value

    return Annotated[str, AfterValidator(check), WithJsonSchema({"type": "string", "enum": allowed})]


def _some_of(values: Iterable[str]) -> Any:
    allowed = list(values)

    def check(found: list[str]) -> list[str]:
        if not set(found) <= {*allowed, ""}:
            raise PydanticCustomError("choice", "choice", {"allowed": ", ".join(allowed)})
        return [value for value in found if value]

    shape = {"type": "array", "items": {"type": "string", "enum": allowed}}
    return Annotated[list[str], AfterValidator(check), WithJsonSchema(shape)]


def _said_by_server(*names: str) -> Mapping[str, str]:
    """Fields of an answer that a client may send back: they change nothing, and nobody is told so."""
    record = ("organizationId", "createdAt", "createdBy", "updatedAt", "updatedBy", "version", "reason", "labId")
    return {name: name for name in (*names, *record)}


class SampleQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "collectionDate": "collection_date",
        "code": "code",
        "location": "location",
        "createdAt": "created_at",
        "updatedAt": "updated_at",
    }

    date_from: str = Field(
        "",
        max_length=40,
        description="Collected on or after: a date in the organisation's time zone, or a date-time with offset",
        examples=["2026-11-01"],
    )
    date_to: str = Field("", max_length=40, description="Collected on or before, inclusive", examples=["2026-11-30"])
    type: _some_of(SampleType.values) = Field([], description="Kind of water (repeatable)")  # type: ignore[valid-type]
    location: str = Field("", max_length=300, description="Contained in the location; case and accents do not matter")
    compliance_status: _some_of(Compliance.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    status: _some_of(SampleStatus.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    standard: str = Field("", max_length=20, description="Key of a standard, with verdict", examples=["MA"])
    verdict: _one_of([verdict.value for verdict in Verdict]) = Field(  # type: ignore[valid-type]
        "", description="The sample's verdict under `standard`, or under any"
    )
    project_id: UUID | None = Field(None, description="Samples of this project")
    search: str = Field("", max_length=300, description="Contained in code, id, location or collector")
    sort: str | None = Field(None, description="collectionDate (default, newest first), code, location, createdAt, "
                             "updatedAt")  # fmt: skip
    count: Literal["exact", "estimate"] = Field(
        "exact", description="`estimate`: above 100,000 rows `total` may be the database's estimate"
    )


class SampleIn(In):
    """What a client may write. Required on create: type, location, collectionDate, collectorName."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "drinking_water",
                "location": "Anfa, tap 4",
                "collectionDate": "2026-11-20T09:15:00Z",
                "collectorName": "Amina",
                "latitude": 33.59,
                "longitude": -7.62,
                "notes": "",
                "localSyncId": "tablet-3/000042",
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = _said_by_server("complianceStatus", "verdicts", "flags", "resultCount")

    type: str = Field(description=f"Kind of water: {_TYPES}")
    location: str = Field(max_length=300, description="Where it was taken")
    collection_date: datetime = Field(
        description="When it was taken: date-time with offset or Z; a bare date is midnight in the organisation's zone"
    )
    collector_name: str = Field(max_length=150, description="Who took it")
    code: str | None = Field(None, max_length=60, description="Unique in the organisation; given where absent")
    sampling_point_id: UUID | None = None
    latitude: float | None = Field(None, ge=-90, le=90, description="WGS 84 degrees, together with longitude")
    longitude: float | None = Field(None, ge=-180, le=180)
    received_at: datetime | None = Field(None, description="When the laboratory received it")
    status: str | None = Field(None, description=f"{_STATUSES}; registered on create")
    notes: str | None = Field(None, max_length=10_000)
    project_id: UUID | None = None
    id: UUID | None = Field(None, description="Your own UUID for it, on create; it stays the record's id")
    local_sync_id: str | None = Field(
        None, max_length=64, description="Your own text for it, on create: a repeat answers 200 with the stored record"
    )


class SampleChange(SampleIn):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"status": "received", "receivedAt": "2026-11-20T14:05:00Z", "version": 4713}}
    )

    type: str | None = Field(None, description=f"Kind of water: {_TYPES}")  # type: ignore[assignment]
    location: str | None = Field(None, max_length=300)  # type: ignore[assignment]
    collection_date: datetime | None = None  # type: ignore[assignment]
    collector_name: str | None = Field(None, max_length=150)  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")
    reason: str | None = Field(None, max_length=1000, description="Why, for the audit log")


class SampleVerdict(Out):
    standard: str = Field(description="Key: MA (Morocco), WHO, EU, EPA or your own")
    edition: str
    verdict: Verdict = Field(description="The worst of its results")
    result_ids: list[UUID] = Field(description="The results that are to blame; empty where all is well")


class RecordOut(Out):
    local_sync_id: str | None
    organization_id: UUID
    created_at: datetime
    created_by: UUID | None = Field(description="User id")
    updated_at: datetime
    updated_by: UUID | None
    version: int = Field(description="For If-Match and sync; grows with every change, not by one")


_RECORD = {
    "localSyncId": None, "organizationId": _ORGANIZATION, "createdAt": "2026-11-20T09:20:11Z", "createdBy": _PERSON,
    "updatedAt": "2026-11-20T15:02:40Z", "updatedBy": _PERSON, "version": 4713,
}  # fmt: skip


class SampleOut(RecordOut):
    model_config = ConfigDict(
        alias_generator=to_camel,
        json_schema_extra={
            "example": {
                "id": _SAMPLE, "code": "S-2026-000123", "type": "drinking_water", "location": "Anfa, tap 4",
                "samplingPointId": None, "latitude": 33.59, "longitude": -7.62,
                "collectionDate": "2026-11-20T09:15:00Z", "receivedAt": None, "collectorName": "Amina",
                "status": "registered", "complianceStatus": "fail",
                "verdicts": [{"standard": "MA", "edition": "2020", "verdict": "FAIL", "resultIds": [_RESULT]}],
                "resultCount": 4, "notes": "", "projectId": None, **_RECORD,
            }
        },
    )  # fmt: skip

    id: UUID
    code: str
    type: SampleType
    location: str
    sampling_point_id: UUID | None
    latitude: float | None
    longitude: float | None
    collection_date: datetime
    received_at: datetime | None
    collector_name: str
    status: SampleStatus
    compliance_status: Compliance = Field(
        description="Computed: fail = a legal limit is broken; warning = close to it, undecided, or a guideline is "
        "broken; pending = nothing to judge yet"
    )
    verdicts: list[SampleVerdict] = Field(description="One per standard: the worst verdict of the results")
    result_count: int
    notes: str
    project_id: UUID | None


class ResultIn(In):
    """What a client may write. Required on create: parameterName or parameterId, value, unit."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "parameterName": "NO3",
                "value": "12.00",
                "unit": "mg/L N",
                "testDate": "2026-11-20T15:00:00Z",
                "technicianName": "Youssef",
                "testMethod": "ISO 10304-1:2007",
                "quantificationLimit": 0.5,
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {
        "parameterCode": "parameter_name",
        "valueText": "value",
        "value_text": "value",
        **_said_by_server(
            "complianceStatus", "verdicts", "flags", "censoringLimit", "normalizedValue", "normalizedUnit"
        ),
    }

    parameter_name: str | None = Field(
        None, max_length=200, description="Code, or name in English, French or Arabic (GET /parameters)"
    )
    parameter_id: UUID | None = None
    value: float | str = Field(
        description="A number, or the text as the laboratory writes it, kept as it is: `7.20`, `<0.01`, `> 2419.6`, "
        "`~5`, `1.2e-5`, `0,05`, Arabic-Indic digits, `absent`, `present`, `ND`, `TNTC`. No thousands separators",
        json_schema_extra={"examples": ["<0.01", 7.2]},
    )
    unit: str = Field(max_length=30, description="One of the parameter's `units`; bare mg/L is the parameter's species")
    qualifier: str | None = Field(
        None, max_length=20, description="=, <, >, ~, present, absent, not_detected, too_numerous; beside a bare number"
    )
    test_date: datetime | None = Field(None, description="When it was analysed")
    technician_name: str | None = Field(None, max_length=150)
    test_method: str | None = Field(None, max_length=200)
    detection_limit: float | None = Field(None, ge=0, description="In `unit`")
    quantification_limit: float | None = Field(None, ge=0, description="In `unit`")
    uncertainty: float | None = Field(None, ge=0, description="Expanded, k = 2, in `unit`")
    dilution_factor: float | None = Field(None, gt=0)
    instrument: str | None = Field(None, max_length=150)
    notes: str | None = Field(None, max_length=10_000)
    replaces_id: UUID | None = Field(None, description="The result that this retest replaces; the old one is kept")
    id: UUID | None = Field(None, description="Your own UUID for it, on create")
    local_sync_id: str | None = Field(None, max_length=64, description="On create: a repeat answers 200")
    sample_id: UUID | None = Field(None, description="On create that of the path; a change moves the result")


class ResultChange(ResultIn):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"value": "11.80", "reason": "Typing error", "version": 4713}}
    )

    value: float | str | None = Field(None, description="As on create")  # type: ignore[assignment]
    unit: str | None = Field(None, max_length=30)  # type: ignore[assignment]
    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")
    reason: str | None = Field(None, max_length=1000, description="Why, for the audit log")


class ResultVerdict(Out):
    standard: str
    edition: str = Field(description="The one in force on the collection date")
    role: StandardRole
    provisional: bool = Field(description="The limit still has to be confirmed from the standard's text")
    verdict: Verdict
    reason: Reason
    kind: LimitKind
    lower: float | None
    upper: float | None
    guidance: float | None
    compared_value: float | None = Field(description="In `unit`, that of the limit")
    unit: str
    decision_rule: DecisionRule


class ResultOut(RecordOut):
    model_config = ConfigDict(
        alias_generator=to_camel,
        json_schema_extra={
            "example": {
                "id": _RESULT, "sampleId": _SAMPLE, "parameterId": _PARAMETER, "parameterCode": "NO3",
                "parameterName": "Nitrate (as NO3)", "value": 12.0, "valueText": "12.00", "qualifier": "=",
                "censoringLimit": None, "unit": "mg/L N", "normalizedValue": 53.124, "normalizedUnit": "mg/L NO3",
                "complianceStatus": "fail", "detectionLimit": None, "quantificationLimit": 0.5, "uncertainty": None,
                "dilutionFactor": 1, "testDate": "2026-11-20T15:00:00Z", "technicianName": "Youssef",
                "testMethod": "ISO 10304-1:2007", "instrument": None, "notes": "", "replacesId": None,
                "verdicts": [
                    {"standard": "MA", "edition": "2020", "role": "legal", "provisional": False, "verdict": "FAIL",
                     "reason": "ABOVE_LIMIT", "kind": "maximum", "lower": None, "upper": 50, "guidance": None,
                     "comparedValue": 53.124, "unit": "mg/L NO3", "decisionRule": "simple_acceptance"},
                ],
                "flags": [], **_RECORD,
            }
        },
    )  # fmt: skip

    id: UUID
    sample_id: UUID
    parameter_id: UUID
    parameter_code: str
    parameter_name: str = Field(description="In the language of the request")
    value: float | None = Field(description="The number; null where it is censored or there is none")
    value_text: str = Field(description="As the laboratory wrote it")
    qualifier: Qualifier
    censoring_limit: float | None = Field(description="The bound of `<0.01` or `> 2419.6`, in `unit`")
    unit: str
    normalized_value: float | None = Field(description="In the parameter's own unit")
    normalized_unit: str
    compliance_status: Compliance
    detection_limit: float | None
    quantification_limit: float | None
    uncertainty: float | None
    dilution_factor: float
    test_date: datetime | None
    technician_name: str
    test_method: str
    instrument: str | None
    notes: str
    replaces_id: UUID | None
    verdicts: list[ResultVerdict] = Field(description="One per standard in use, with the numbers that were compared")
    flags: list[Flag] = Field(description="What a reader must know besides: late analysis, blind method, missing parts")


class ResultQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "parameterCode": "parameter__code",
        "testDate": "test_date",
        "createdAt": "created_at",
        "updatedAt": "updated_at",
    }
    descending: ClassVar[bool] = False

    sort: str | None = Field(None, description="parameterCode (default), testDate, createdAt, updatedAt")


class ParameterQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"code": "code", "group": "group", "name": "name_en"}
    descending: ClassVar[bool] = False

    search: str = Field("", max_length=100, description="Contained in code or name in any language; or CAS number")
    group: str = Field("", max_length=40, examples=["microbiological"])
    sort: str | None = Field(None, description="code (default), group, name")


class ParameterLimit(Out):
    standard: str
    edition: str
    role: StandardRole = Field(description="What the standard is to your organisation")
    kind: LimitKind
    lower: float | None
    upper: float | None
    guidance: float | None
    unit: str
    provisional: bool


class ParameterOut(Out):
    model_config = ConfigDict(
        alias_generator=to_camel,
        json_schema_extra={
            "example": {
                "id": _PARAMETER, "code": "NO3", "name": "Nitrate (as NO3)", "nameEn": "Nitrate (as NO3)",
                "nameFr": "Nitrates (NO3)", "nameAr": "النترات", "aliases": ["Nitrate", "Nitrates"],
                "cas": "14797-55-8", "group": "inorganic", "unit": "mg/L NO3", "species": "NO3",
                "units": ["mg/L NO3", "mg/L", "µg/L", "mg/L N"], "minValue": 0, "maxValue": 5000, "whoThreshold": 50,
                "moroccanThreshold": 50,
                "limits": [{"standard": "MA", "edition": "2020", "role": "legal", "kind": "maximum", "lower": None,
                            "upper": 50, "guidance": None, "unit": "mg/L NO3", "provisional": False}],
                "decimals": 2, "typicalLoq": "0.5", "holdingHours": None, "members": [],
                "methods": ["ISO 10304-1:2007"], "isActive": True,
                "organizationId": None, "updatedAt": "2026-11-01T08:00:00Z",
            }
        },
    )  # fmt: skip

    id: UUID
    code: str
    name: str = Field(description="In the language of the request")
    name_en: str
    name_fr: str
    name_ar: str
    aliases: list[str]
    cas: str
    group: str
    unit: str = Field(description="The parameter's own unit")
    species: str | None = Field(description="What a bare mg/L is expressed as")
    units: list[str] = Field(description="Usual units in which values may be sent; other spellings are understood too")
    min_value: float | None = Field(description="Lowest plausible value in `unit`; below, input is refused (400)")
    max_value: float | None = Field(description="Highest plausible value in `unit`")
    who_threshold: float | None = Field(description="WHO's upper limit for drinking water in `unit`, null where none")
    moroccan_threshold: float | None = Field(description="NM 03.7.001's upper limit in `unit`")
    limits: list[ParameterLimit] = Field(description="Today's limits for drinking water, standards in use only")
    decimals: int | None
    typical_loq: str
    holding_hours: int | None = Field(description="From sampling to analysis; a later result is flagged")
    members: list[str] = Field(description="Codes of what a sum adds up")
    methods: list[str]
    is_active: bool
    organization_id: UUID | None = Field(description="Null: shared by all organisations")
    updated_at: datetime


class StandardQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"position": "place", "key": "key", "effectiveFrom": "effective_from"}
    descending: ClassVar[bool] = False

    sort: str | None = Field(None, description="position (default: the order of reports), key, effectiveFrom")


class StandardOut(Out):
    id: UUID
    key: str = Field(examples=["MA"])
    edition: str = Field(examples=["2020"])
    reference: str = Field(examples=["NM 03.7.001:2020"])
    name: str = Field(description="In the language of the request")
    name_en: str
    name_fr: str
    name_ar: str
    role: StandardRole | None = Field(description="What it is to your organisation; null: not used")
    default_role: StandardRole
    in_use: bool
    effective_from: date | None
    effective_to: date | None = Field(description="The first day on which it no longer applies")
    position: int = Field(description="Place on your organisation's reports")
    limit_count: int
    organization_id: UUID | None = Field(description="Null: shared by all organisations")
    updated_at: datetime


class LimitOut(Out):
    id: UUID
    standard: str
    edition: str
    parameter_id: UUID
    parameter_code: str
    parameter_name: str
    matrix: str = Field(description="Kind of water: drinking, bottled, bathing, pool, waste_water, irrigation")
    kind: LimitKind
    lower: float | None
    upper: float | None
    guidance: float | None = Field(description="Above it and up to `upper`: WARNING")
    unit: str
    strict: bool = Field(description="The limit itself already fails")
    provisional: bool
    confirmed: bool = Field(description="Not provisional, or confirmed by your organisation")
    confirmed_clause: str | None = Field(description="Where the number stands in the text, as your organisation says")
    confidence: str = Field(description="Source: P primary, S secondary, O older edition, M to be confirmed, W own")
    clause: str
    note: str
    organization_id: UUID | None = Field(description="Null: shared by all organisations")
    effective_from: date | None
    effective_to: date | None


class StandardDetail(StandardOut):
    limits: list[LimitOut]
