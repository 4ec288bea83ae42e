"""Sampling points, their programme and trends, own parameters, sums (specification 001; C72, C83)."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.kit import In, Listing, Out, Page, Reply, Router, paginate
from api.kit.envelope import dumps
from api.v1.lab.router import catalogue
from api.v1.lab.schemas import ParameterOut, ResultOut
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.tenancy import scope
from portal.lab import parameters, wire
from portal.lab import selectors as lab
from portal.lab import services as samples
from portal.lab.choices import Compliance, SampleType
from portal.lab.models import SamplingPoint
from portal.lab.points import places, selectors, services
from portal.lab.points.models import Frequency, ProgrammeItem
from portal.lab.points.selectors import Occurrence
from portal.lab.trends import selectors as trends

router = Router(tags=["sampling points"])
MOST_DAYS = 1100


class PointQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"name": "name", "code": "code", "createdAt": "created_at"}
    descending: ClassVar[bool] = False

    search: str = Field("", max_length=200, description="Contained in code, name or city")
    type: str = Field("", max_length=30)
    city: str = Field("", max_length=100)
    active: bool | None = None
    sort: str | None = Field(None, description="name (default), code, createdAt")


class PointIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"code": "P-014", "name": "Anfa, tap 4", "type": "drinking_water", "city": "Casablanca",
                        "latitude": 33.59, "longitude": -7.62, "population": 12000}
        }
    )  # fmt: skip

    code: str = Field(max_length=40, description="Unique in the organisation")
    name: str = Field(max_length=200)
    type: SampleType
    city: str = Field("", max_length=100)
    latitude: float | None = Field(None, ge=-90, le=90, description="WGS 84 degrees, together with longitude")
    longitude: float | None = Field(None, ge=-180, le=180)
    population: int | None = Field(None, ge=0, le=2**31 - 1, description="People served")
    notes: str = Field("", max_length=10_000)
    is_active: bool = True


class PointChange(PointIn):
    """Absent fields stay as they are."""

    code: str | None = Field(None, max_length=40)  # type: ignore[assignment]
    name: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    type: SampleType | None = None  # type: ignore[assignment]


class PointOut(Out):
    id: UUID
    code: str
    name: str
    type: SampleType
    city: str
    latitude: float | None
    longitude: float | None
    population: int | None
    notes: str
    is_active: bool
    organization_id: UUID
    created_at: datetime
    updated_at: datetime


class Area(BaseModel):
    """What is shown on a map: `bbox` and `zoom` say what is in sight, the rest which samples judge."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    bbox: str = Field("", max_length=120, description="west,south,east,north in degrees", examples=["-10,30,-4,35"])
    zoom: int = Field(5, ge=0, le=19, description="Of a web map: points within 44 pixels come as a group, below 16")
    date_from: str = Field("", max_length=10, description="Samples taken from this day on")
    date_to: str = Field("", max_length=10)
    standard: str = Field("", max_length=20, description="Judge by this standard; else by the compliance status")
    parameter_id: UUID | None = Field(None, description="Judge by results of this parameter alone")
    type: str = Field("", max_length=30)
    search: str = Field("", max_length=200)


class ItemIn(In):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"samplingPointId": "01941f29-7c00-7a1b-8c2d-3e4f5a6b7c8d", "group": "microbiological",
                        "parameters": ["NO3"], "frequency": "monthly", "startsOn": "2026-01-01"}
        }
    )  # fmt: skip
    aliases: ClassVar[Mapping[str, str]] = {"codes": "parameters"}

    sampling_point_id: UUID
    group: str = Field("", max_length=40, description="Group of parameters, as of GET /parameters")
    parameters: list[str] = Field([], max_length=200, description="Codes, beside those of the group")
    frequency: Frequency
    times: int = Field(1, ge=1, le=365, description="With times_per_year: the days of a year in equal shares")
    months: list[int] = Field([], max_length=12, description="1 to 12; empty: the whole year")
    starts_on: date
    ends_on: date | None = Field(None, description="The last day")
    assignee_id: UUID | None = None
    notes: str = Field("", max_length=2000)
    is_active: bool = True


class ItemChange(ItemIn):
    """Absent fields stay as they are; the sampling point does not change."""

    sampling_point_id: UUID | None = None  # type: ignore[assignment]
    frequency: Frequency | None = None  # type: ignore[assignment]
    starts_on: date | None = None  # type: ignore[assignment]


class ItemOut(Out):
    id: UUID
    sampling_point_id: UUID
    group: str
    parameters: list[str]
    frequency: Frequency
    times: int
    months: list[int]
    starts_on: date
    ends_on: date | None
    assignee_id: UUID | None
    notes: str
    is_active: bool
    updated_at: datetime


class ItemQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"point": "point__name", "startsOn": "starts_on"}
    descending: ClassVar[bool] = False

    sampling_point_id: UUID | None = None
    sort: str | None = Field(None, description="point (default), startsOn")


class DueQuery(Listing):
    date_from: str = Field("", max_length=10, description="92 days ago where absent")
    date_to: str = Field("", max_length=10, description="In 31 days where absent")
    state: Literal["", "overdue", "due", "coming", "taken"] = ""
    sampling_point_id: UUID | None = None
    search: str = Field("", max_length=200, description="Contained in the point's code, name or city")


class DueOut(Out):
    programme_id: UUID
    sampling_point_id: UUID
    sampling_point_code: str
    sampling_point_name: str
    group: str
    parameters: list[str]
    frequency: Frequency
    assignee_id: UUID | None
    opens: date = Field(description="First day of the slot, in the organisation's time zone")
    closes: date = Field(description="Last day")
    state: Literal["overdue", "due", "coming", "taken"]
    sample_id: UUID | None = Field(description="The first sample of the slot")
    sample_code: str | None
    collection_date: datetime | None
    compliance_status: Compliance | None


class TrendQuery(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    sampling_point_id: list[UUID] = Field(max_length=trends.MOST_POINTS, description="Repeatable, at most 6")
    parameter_id: UUID
    date_from: str = Field("", max_length=10)
    date_to: str = Field("", max_length=10)
    standard: list[str] = Field([], description="Limits of these; of all in use where absent")


class TrendValue(Out):
    result_id: UUID
    sample_id: UUID
    sample_code: str
    collection_date: datetime
    value_text: str
    unit: str
    number: float | None = Field(description="In the parameter's unit; the bound of a censored value")
    censored: Literal["", "<", ">"]
    compliance_status: Compliance


class TrendSeries(Out):
    sampling_point_id: UUID
    values: list[TrendValue]
    n: int
    n_censored: int
    direction: Literal["rising", "falling", "none", "too_few"] = Field(description="Mann-Kendall, two-sided, 5 %")
    s: int
    z: float
    p: float
    slope_per_year: float | None = Field(description="Sen's slope of the measured values")
    median: float | None


class TrendOut(Out):
    parameter_code: str
    unit: str
    series: list[TrendSeries]
    limits: list[dict[str, Any]] = Field(description="Per standard: role and steps (from, lower, upper)")


class ParameterIn(In):
    """An organisation's own parameter."""

    aliases: ClassVar[Mapping[str, str]] = {"minValue": "minimum", "maxValue": "maximum", "aliases": "aliases_"}

    code: str = Field(max_length=30)
    name_en: str = Field(max_length=200)
    name_fr: str = Field("", max_length=200)
    name_ar: str = Field("", max_length=200)
    cas: str = Field("", max_length=20)
    group: str = Field("", max_length=40)
    aliases_: list[str] = Field([], alias="aliases", max_length=50)
    unit: str = Field(max_length=30)
    species: str = Field("", max_length=20)
    decimals: int | None = Field(None, ge=0, le=12)
    minimum: float | None = Field(None, description="Lowest plausible value (`minValue`)")
    maximum: float | None = Field(None, description="Highest plausible value (`maxValue`)")
    typical_loq: str = Field("", max_length=60)
    methods: str = Field("", max_length=2000, description="Separated by semicolons")
    holding_hours: int | None = Field(None, ge=1, le=9999)
    members: list[str] = Field([], max_length=100, description="Codes of what a sum adds up")


class ParameterChange(ParameterIn):
    """Absent fields stay. Of a shared parameter `minValue`, `maxValue` and `holdingHours` alone, for you alone."""

    code: str | None = Field(None, max_length=30)  # type: ignore[assignment]
    name_en: str | None = Field(None, max_length=200)  # type: ignore[assignment]
    unit: str | None = Field(None, max_length=30)  # type: ignore[assignment]
    is_active: bool | None = None


class SumIn(In):
    parameter_id: UUID = Field(description="A parameter with `members`")


@router.get("/sampling-points", policy="samples.view", response=list[PointOut], summary="Sampling points")
def point_list(request: HttpRequest, query: Query[PointQuery]) -> Page:
    """By name."""
    found = selectors.point_list(search=query.search, type=query.type, city=query.city, active=query.active)
    return paginate(found, query, _point)


@router.get(
    "/sampling-points/geojson",
    policy="samples.view",
    response=None,
    summary="Sampling points as GeoJSON",
    openapi_extra={"responses": {200: {"content": {"application/geo+json": {"schema": {"type": "object"}}}}}},
)
def point_geojson(request: HttpRequest, query: Query[Area]) -> HttpResponse:
    """A FeatureCollection: each point with `state`, the worst verdict of the period (FAIL, INDETERMINATE, INVESTIGATE,
    WARNING, PASS, PENDING, NONE); points close to each other as a group with `count` and `states`."""
    since, until = _period(query.date_from, query.date_to)
    wanted = places.Wanted(
        since=since,
        until=until,
        standard=query.standard,
        parameter=query.parameter_id,
        type=query.type,
        search=query.search,
    )
    found = places.features(wanted, box=_box(query.bbox), zoom=query.zoom)
    return HttpResponse(dumps(found), content_type="application/geo+json")


@router.post(
    "/sampling-points", policy="points.edit", response=PointOut, status=201, summary="Register a sampling point"
)
def point_create(request: HttpRequest, payload: Body[PointIn]) -> Reply:
    """A code that is taken answers 409 `DUPLICATE`."""
    return Reply(_point(services.point_create(data=payload.model_dump(), by=_user(request))), status=201)


@router.get(
    "/sampling-points/{id:sampling_point_id}", policy="samples.view", response=PointOut, summary="One sampling point"
)
def point_detail(request: HttpRequest, sampling_point_id: UUID) -> dict[str, Any]:
    """Its samples: `GET /samples?search=`; what falls due: `GET /programme/occurrences?samplingPointId=`."""
    return _point(selectors.point_get(id=sampling_point_id))


@router.update(
    "/sampling-points/{id:sampling_point_id}",
    policy="points.edit",
    response=PointOut,
    summary="Change a sampling point",
)
def point_update(request: HttpRequest, sampling_point_id: UUID, payload: Body[PointChange]) -> dict[str, Any]:
    """`isActive: false` takes it out of use: nothing falls due there any more."""
    point = selectors.point_get(id=sampling_point_id)
    return _point(services.point_update(point=point, data=_changes(payload), by=_user(request)))


@router.delete("/sampling-points/{id:sampling_point_id}", policy="points.edit", summary="Delete a sampling point")
def point_delete(request: HttpRequest, sampling_point_id: UUID) -> Reply:
    """409 `IN_USE` where samples or the programme refer to it."""
    services.point_delete(point=selectors.point_get(id=sampling_point_id), by=_user(request))
    return Reply(message=_("Sampling point deleted successfully."))


@router.get("/programme", policy="samples.view", response=list[ItemOut], summary="Planned samplings")
def item_list(request: HttpRequest, query: Query[ItemQuery]) -> Page:
    """Which point is sampled for what and how often."""
    return paginate(selectors.item_list(point=query.sampling_point_id), query, _item)


@router.get(
    "/programme/occurrences", policy="samples.view", response=list[DueOut], summary="What the programme makes due"
)
def due_list(request: HttpRequest, query: Query[DueQuery]) -> Page:
    """Slots from `dateFrom` to `dateTo` (at most three years), the earliest end first, with the sample of each."""
    today = selectors.today()
    first = _day(query.date_from, "dateFrom") or today - timedelta(days=selectors.OVERDUE_DAYS)
    last = _day(query.date_to, "dateTo") or today + timedelta(days=selectors.COMING_DAYS)
    if not 0 <= (last - first).days <= MOST_DAYS or first.year < 1900:
        raise Invalid.field("dateTo", _("The period has at most %(count)d days.") % {"count": MOST_DAYS})
    rows, total = selectors.occurrence_list(
        first=first,
        last=last,
        states=[query.state] if query.state else [],
        points=[query.sampling_point_id] if query.sampling_point_id else None,
        search=query.search,
        limit=query.limit,
        offset=(query.page - 1) * query.limit,
    )
    return Page([_due(row) for row in rows], query.page, query.limit, total)


@router.post("/programme", policy="points.edit", response=ItemOut, status=201, summary="Plan a sampling")
def item_create(request: HttpRequest, payload: Body[ItemIn]) -> Reply:
    """At least a group or one parameter."""
    data = _item_data(payload.model_dump())
    point = selectors.point_get(id=payload.sampling_point_id)
    return Reply(_item(services.item_create(point=point, data=data, by=_user(request))), status=201)


@router.get(
    "/programme/{id:programme_item_id}", policy="samples.view", response=ItemOut, summary="One planned sampling"
)
def item_detail(request: HttpRequest, programme_item_id: UUID) -> dict[str, Any]:
    """As planned; what it makes due is under `/programme/occurrences`."""
    return _item(selectors.item_get(id=programme_item_id))


@router.update(
    "/programme/{id:programme_item_id}", policy="points.edit", response=ItemOut, summary="Change a planned sampling"
)
def item_update(request: HttpRequest, programme_item_id: UUID, payload: Body[ItemChange]) -> dict[str, Any]:
    """What falls due follows at once; samples that were taken stay."""
    item = selectors.item_get(id=programme_item_id)
    return _item(services.item_update(item=item, data=_item_data(_changes(payload)), by=_user(request)))


@router.delete("/programme/{id:programme_item_id}", policy="points.edit", summary="Delete a planned sampling")
def item_delete(request: HttpRequest, programme_item_id: UUID) -> Reply:
    """Samples that were taken for it stay."""
    services.item_delete(item=selectors.item_get(id=programme_item_id), by=_user(request))
    return Reply(message=_("Planned sampling deleted successfully."))


@router.post(
    "/programme/{id:programme_item_id}/register",
    policy="samples.edit",
    status=201,
    summary="Register the planned sample",
)
def item_register(request: HttpRequest, programme_item_id: UUID) -> Reply:
    """As taken now by you; place and kind of water are the point's. Answers with the sample."""
    item = selectors.item_get(id=programme_item_id)
    return Reply(wire.samples([services.planned_register(item=item, by=_user(request))])[0], status=201)


@router.get("/trends", policy="samples.view", response=TrendOut, summary="Trend of a parameter")
def trend(request: HttpRequest, query: Query[TrendQuery]) -> dict[str, Any]:
    """Values over time with the limits that were in force, and whether they rise or fall. Censored values keep their
    bound and their sign; they enter the test by what is certain of their order, and the slope not at all."""
    parameter = lab.parameter_get(id=query.parameter_id)
    since, until = _period(query.date_from, query.date_to)
    for id in query.sampling_point_id:
        selectors.point_get(id=id)
    found = trends.series_list(points=query.sampling_point_id, parameter=parameter, since=since, until=until)
    moments = [value.at for one in found for value in one.values]
    lines = (
        trends.limit_lines(
            parameter=parameter,
            type=found[0].point.type,
            first=since or min(moments),
            last=until or max(moments),
            standards=query.standard,
        )
        if moments
        else []
    )
    return {
        "parameterCode": parameter.code,
        "unit": parameter.unit,
        "series": [_series(one) for one in found],
        "limits": [
            {
                "standard": line.standard,
                "role": line.role,
                "provisional": line.provisional,
                "steps": [{"from": clock.wire(at), "lower": low, "upper": high} for at, low, high in line.steps],
            }
            for line in lines
        ],
    }


@catalogue.post(
    "/parameters", policy="parameters.manage", response=ParameterOut, status=201, summary="Make a parameter"
)
def parameter_create(request: HttpRequest, payload: Body[ParameterIn]) -> Reply:
    """Your organisation's own. Results and limits of your own standards may name it at once."""
    made = parameters.parameter_create(data=_parameter_data(payload.model_dump()), by=_user(request))
    return Reply(lab.parameter_cards([made])[0], status=201)


@catalogue.update(
    "/parameters/{id:parameter_id}", policy="parameters.manage", response=ParameterOut, summary="Change a parameter"
)
def parameter_update(request: HttpRequest, parameter_id: UUID, payload: Body[ParameterChange]) -> dict[str, Any]:
    """Of a shared parameter the plausible range and the holding time, for your organisation alone."""
    parameter, by = lab.parameter_get(id=parameter_id), _user(request)
    data = _parameter_data(_changes(payload))
    active = data.pop("is_active", None)
    if parameter.organization_id is None:
        if active is not None or set(data) - {"minimum", "maximum", "holding_hours"}:
            raise Invalid(
                _("Shared parameters are the platform's. Set your own range, or make a parameter of your own.")
            )
        ours = lab.parameter_cards([parameter])[0]
        held = {"minimum": ours["minValue"], "maximum": ours["maxValue"], "holding_hours": ours["holdingHours"]}
        parameters.range_save(parameter=parameter, by=by, **(_parameter_data(held) | data))
    elif data:
        parameters.parameter_update(parameter=parameter, data=data, by=by)
    if active is not None:
        parameters.parameter_activate(parameter=parameter, active=active, by=by)
    return lab.parameter_cards([lab.parameter_get(id=parameter_id)])[0]


@router.post(
    "/samples/{id:sample_id}/sums", policy="results.edit", response=ResultOut, status=201, summary="Calculate a sum"
)
def sum_calculate(request: HttpRequest, sample_id: UUID, payload: Body[SumIn]) -> Reply:
    """Adds up the parts that were measured, as your organisation counts censored ones, and enters the sum as a result.
    A sum that was calculated before is brought up to date."""
    row = samples.sum_calculate(sample=sample_id, parameter=payload.parameter_id, by=_user(request))
    return Reply(wire.results([row])[0], status=201)


def _user(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined,no-any-return]


def _changes(payload: In) -> dict[str, Any]:
    """What was sent; null leaves a field that must have a value as it is."""
    optional = {"latitude", "longitude", "population", "ends_on", "assignee_id", "minimum", "maximum", "decimals",
                "holding_hours"}  # fmt: skip
    return {name: value for name, value in payload.changes.items() if value is not None or name in optional}


def _item_data(data: dict[str, Any]) -> dict[str, Any]:
    data.pop("sampling_point_id", None)
    if "parameters" in data:
        data["codes"] = data.pop("parameters")
    if "assignee_id" in data:
        id = data.pop("assignee_id")
        found = User.objects.filter(pk=id, organization=scope.organization_id(), deleted_at=None).first()
        if id is not None and found is None:
            raise Invalid.field("assigneeId", _("There is no such person."))
        data["assignee"] = found
    return data


def _parameter_data(data: dict[str, Any]) -> dict[str, Any]:
    if "aliases_" in data:
        data["aliases"] = data.pop("aliases_")
    for name in ("minimum", "maximum"):
        if data.get(name) is not None:
            data[name] = Decimal(str(data[name]))
    return data


def _box(text: str) -> tuple[float, float, float, float]:
    if not text:
        return places.WORLD
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise Invalid.field("bbox", _("Send bbox as west,south,east,north.")) from None
    if not all(-1000 < edge < 1000 for edge in (west, south, east, north)):
        raise Invalid.field("bbox", _("Send bbox as west,south,east,north."))
    return west, south, east, north


def _day(text: str, name: str) -> date | None:
    if not text:
        return None
    if (day := clock.parse_date(text)) is None:
        raise Invalid.field(name, _("Enter a date like 2026-11-20."))
    return day


def _period(date_from: str, date_to: str) -> tuple[datetime | None, datetime | None]:
    return trends.period(_day(date_from, "dateFrom"), _day(date_to, "dateTo"))


def _point(row: SamplingPoint) -> dict[str, Any]:
    return {
        "id": row.pk,
        "code": row.code,
        "name": row.name,
        "type": row.type,
        "city": row.city,
        "latitude": row.latitude,
        "longitude": row.longitude,
        "population": row.population,
        "notes": row.notes,
        "isActive": row.is_active,
        "organizationId": row.organization_id,
        "createdAt": clock.wire(row.created_at),
        "updatedAt": clock.wire(row.updated_at),
    }


def _item(row: ProgrammeItem) -> dict[str, Any]:
    return {
        "id": row.pk,
        "samplingPointId": row.point_id,
        "group": row.group,
        "parameters": row.codes,
        "frequency": row.frequency,
        "times": row.times,
        "months": row.months,
        "startsOn": row.starts_on,
        "endsOn": row.ends_on,
        "assigneeId": row.assignee_id,
        "notes": row.notes,
        "isActive": row.is_active,
        "updatedAt": clock.wire(row.updated_at),
    }


def _due(row: Occurrence) -> dict[str, Any]:
    return {
        "programmeId": row.item_id,
        "samplingPointId": row.point_id,
        "samplingPointCode": row.point_code,
        "samplingPointName": row.point_name,
        "group": row.group,
        "parameters": row.codes,
        "frequency": row.frequency,
        "assigneeId": row.assignee_id,
        "opens": row.opens,
        "closes": row.closes,
        "state": row.state,
        "sampleId": row.sample_id,
        "sampleCode": row.sample_code,
        "collectionDate": clock.wire(row.collection_date),
        "complianceStatus": row.compliance_status,
    }


def _series(one: trends.Series) -> dict[str, Any]:
    return {
        "samplingPointId": one.point.pk,
        "values": [
            {
                "resultId": value.result,
                "sampleId": value.sample,
                "sampleCode": value.code,
                "collectionDate": clock.wire(value.at),
                "valueText": value.text,
                "unit": value.unit,
                "number": value.number,
                "censored": value.censored,
                "complianceStatus": value.status,
            }
            for value in one.values
        ],
        "n": one.trend.n,
        "nCensored": one.trend.censored,
        "direction": one.trend.direction,
        "s": one.trend.s,
        "z": round(one.trend.z, 4),
        "p": round(one.trend.p, 6),
        "slopePerYear": one.trend.slope,
        "median": one.summary.median,
    }
