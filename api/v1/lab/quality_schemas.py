"""Shapes of worksheets and quality control."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from api.kit import In, Listing, Out

Kind = Literal["sample", "blank", "duplicate", "spike", "control"]
QcKind = Literal["blank", "duplicate", "spike", "control"]
Verdict = Literal["PASS", "WARNING", "FAIL", "INDETERMINATE", "NOT_EVALUATED"]
Status = Literal["open", "completed", "verified"]
Control = Literal["none", "in_control", "warning", "out_of_control"]
Percent = Decimal | None


class ColumnIn(In):
    parameter_id: UUID
    unit: str = Field("", max_length=30, description="Of the values on this worksheet; else the parameter's own")


class PlaceIn(In):
    kind: Kind = "sample"
    sample_id: UUID | None = Field(None, description="Of a sample, and of the sample that a duplicate or spike is of")
    material_id: UUID | None = Field(None, description="Of a control")


class HeadIn(In):
    method: str = Field(max_length=150)
    edition: str = Field("", max_length=40)
    analyst_id: UUID | None = Field(None, description="Else the person who calls")
    instrument: str = Field("", max_length=150)
    analysed_at: AwareDatetime | None = None
    notes: str = Field("", max_length=10_000)


class WorksheetIn(HeadIn):
    parameters: list[ColumnIn] = Field(min_length=1, max_length=15)
    items: list[PlaceIn] = Field(min_length=1, max_length=60, description="In the order of measurement")


class WorksheetChange(In):
    method: str | None = Field(None, max_length=150)
    edition: str | None = Field(None, max_length=40)
    analyst_id: UUID | None = None
    instrument: str | None = Field(None, max_length=150)
    analysed_at: AwareDatetime | None = None
    notes: str | None = Field(None, max_length=10_000)
    version: int | None = None


class ItemsIn(In):
    items: list[PlaceIn] = Field(min_length=1, max_length=60)


class OrderIn(In):
    item_ids: list[UUID] = Field(min_length=1, max_length=60, description="Every position, in the order of the run")
    version: int | None = Field(None, description="Of the worksheet that you saw; a stale one is 409 VERSION_CONFLICT")


class CellIn(In):
    item_id: UUID
    parameter_id: UUID
    value: str = Field(max_length=200, description="As typed: 7.20, <0.01, absent …")
    version: int | None = Field(None, description="Of the value that you saw; null where the cell was empty")
    field: Literal["value", "added"] = Field("value", description="added: what a spike was given")


class CellsIn(In):
    cells: list[CellIn] = Field(max_length=1800)


class CompleteIn(In):
    empty: bool = Field(False, description="Empty cells are meant")
    version: int | None = None


class VersionIn(In):
    version: int | None = None


class DecisionIn(In):
    decision: Literal["accept", "repeat"]
    reason: str = Field(max_length=500)


class WorksheetQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at", "number": "number", "method": "method"}

    status: list[Status] = Field([], description="Repeatable")
    control: list[Control] = Field([], description="Repeatable")
    analyst_id: UUID | None = None
    parameter_id: UUID | None = None
    sample_id: UUID | None = None
    search: str = Field("", max_length=200, description="Number, method, instrument, codes of samples")
    sort: str | None = Field(None, description="createdAt (default, newest first), number or method")


class WorkQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"collectionDate": "collection_date", "code": "code"}
    descending: ClassVar[bool] = False

    parameter_id: list[UUID] = Field(description="Repeatable; samples that lack a result for one of them")
    type: list[str] = Field([], description="Kind of water, repeatable")
    search: str = Field("", max_length=200)
    sort: str | None = Field(None, description="collectionDate (default, oldest first) or code")


class WorkOut(Out):
    id: UUID
    code: str
    type: str
    location: str
    collection_date: datetime
    missing: int = Field(description="How many of the parameters have no result")


class WorksheetOut(Out):
    id: UUID
    number: str = Field(examples=["WS-2026-000012"])
    method: str
    edition: str
    analyst_id: UUID
    analyst_name: str
    instrument: str
    analysed_at: datetime | None
    notes: str
    status: Status
    control: Control
    decision: Literal["accept", "repeat"] | None
    decision_reason: str
    decided_by: UUID | None
    decided_at: datetime | None
    completed_by: UUID | None
    completed_at: datetime | None
    verified_by: UUID | None
    verified_at: datetime | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


class ColumnOut(Out):
    parameter_id: UUID
    parameter_code: str
    parameter_name: str
    unit: str


class ItemOut(Out):
    id: UUID
    position: int
    kind: Kind
    sample_id: UUID | None
    sample_code: str | None
    material_id: UUID | None
    added: dict[str, str]


class QcOut(Out):
    id: UUID
    kind: QcKind
    parameter_id: UUID
    parameter_code: str
    material_id: UUID | None
    worksheet_id: UUID | None
    item_id: UUID | None
    measured_at: datetime
    analyst_name: str
    method: str
    instrument: str
    value_text: str
    value: float | None
    qualifier: str
    unit: str
    added: float | None
    compared: str
    figure: float | None = Field(description="RPD or recovery in percent; of a blank the value")
    figure_to: float | None
    score: float | None = Field(description="z-score of a control")
    rules: list[str] = Field(description="Of Westgard: 1_2s, 1_3s, 2_2s, R_4s, 4_1s, 10_x")
    verdict: Verdict
    reason: str
    repeated: bool
    version: int


class HeldOut(Out):
    item_id: UUID
    parameter_id: UUID
    value: str
    former: str | None = Field(description="Of a rejected run: to be measured again")
    version: int | None
    verdict: str | None
    result_id: UUID | None
    qc: QcOut | None


class WorksheetDetail(WorksheetOut):
    parameters: list[ColumnOut]
    items: list[ItemOut]
    cells: list[HeldOut]
    empty_cells: int


class CellOut(Out):
    item_id: UUID
    parameter_id: UUID
    field: Literal["value", "added"]
    status: Literal["saved", "unchanged", "error", "conflict"]
    value: str
    current: str | None = Field(description="What stands there, in a conflict")
    version: int | None
    verdict: str | None = Field(description="Compliance of a sample's result, verdict of a QC result")
    message: str | None
    result_id: UUID | None


class CellsOut(Out):
    cells: list[CellOut]
    control: Control


class MaterialIn(In):
    name: str = Field(max_length=150)
    lot: str = Field(max_length=60)
    supplier: str = Field("", max_length=150)
    expires_on: date | None = None
    notes: str = Field("", max_length=10_000)
    is_active: bool = True


class MaterialChange(In):
    name: str = Field("", max_length=150)
    lot: str = Field("", max_length=60)
    supplier: str = Field("", max_length=150)
    expires_on: date | None = None
    notes: str = Field("", max_length=10_000)
    is_active: bool = True


class _TargetFields(In):
    unit: str = Field("", max_length=30)
    uncertainty: Decimal | None = Field(None, max_digits=30, description="Expanded, k = 2")
    sd: Decimal | None = Field(None, max_digits=30, description="Else half of the expanded uncertainty")
    basis: Literal["fixed", "period"] = "fixed"
    period_from: date | None = None
    period_to: date | None = None


class TargetIn(_TargetFields):
    parameter_id: UUID
    assigned: Decimal = Field(max_digits=30)


class TargetChange(_TargetFields):
    assigned: Decimal = Field(Decimal(0), max_digits=30)


class TargetOut(Out):
    id: UUID
    material_id: UUID
    parameter_id: UUID
    parameter_code: str
    unit: str
    assigned: float
    uncertainty: float | None
    sd: float | None
    basis: Literal["fixed", "period"]
    period_from: date | None
    period_to: date | None


class MaterialOut(Out):
    id: UUID
    name: str
    lot: str
    supplier: str
    expires_on: date | None
    notes: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


class MaterialDetail(MaterialOut):
    targets: list[TargetOut]


class MaterialQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"name": "name", "expiresOn": "expires_on"}
    descending: ClassVar[bool] = False

    is_active: bool | None = None
    sort: str | None = Field(None, description="name (default) or expiresOn")


class CriterionIn(In):
    parameter_id: UUID
    method: str = Field("", max_length=200, description="Empty: any method")
    blank_limit: Decimal | None = Field(None, max_digits=30)
    unit: str = Field("", max_length=30, description="Of the blank's limit")
    max_rpd: Percent = None
    spike_low: Percent = None
    spike_high: Percent = None
    control_low: Percent = None
    control_high: Percent = None


class CriterionChange(In):
    method: str = Field("", max_length=200)
    blank_limit: Decimal | None = Field(None, max_digits=30)
    unit: str = Field("", max_length=30)
    max_rpd: Percent = None
    spike_low: Percent = None
    spike_high: Percent = None
    control_low: Percent = None
    control_high: Percent = None


class CriterionOut(Out):
    id: UUID
    parameter_id: UUID
    parameter_code: str
    method: str
    blank_limit: float | None
    unit: str
    max_rpd: float | None
    spike_low: float | None
    spike_high: float | None
    control_low: float | None
    control_high: float | None


class CriterionQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"parameter": "parameter__code", "method": "method"}
    descending: ClassVar[bool] = False

    parameter_id: UUID | None = None
    sort: str | None = Field(None, description="parameter (default) or method")


class QcIn(In):
    kind: QcKind
    parameter_id: UUID
    material_id: UUID | None = Field(None, description="Of a control")
    value: str | int | float = Field(description="As of a result")
    unit: str = Field("", max_length=30)
    measured_at: AwareDatetime | None = None
    analyst_name: str = Field("", max_length=150)
    method: str = Field("", max_length=200)
    instrument: str = Field("", max_length=150)
    added: Decimal | None = Field(None, max_digits=30, description="What a spike was given, in `unit`")
    compared: str | None = Field(None, max_length=64, description="What a duplicate or spike is compared with")


class QcQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"measuredAt": "measured_at"}

    kind: list[QcKind] = Field([], description="Repeatable")
    verdict: list[Verdict] = Field([], description="Repeatable")
    material_id: UUID | None = None
    parameter_id: UUID | None = None
    worksheet_id: UUID | None = None
    sort: str | None = Field(None, description="measuredAt (newest first)")


class ChartQuery(In):
    material_id: UUID
    parameter_id: UUID
    date_from: date | None = None
    date_to: date | None = None


class PointOut(Out):
    id: UUID
    measured_at: datetime
    value: float
    score: float | None
    rules: list[str]
    verdict: Verdict
    repeated: bool
    worksheet_id: UUID | None


class ChartOut(Out):
    material_id: UUID
    parameter_id: UUID
    unit: str
    basis: Literal["fixed", "period"]
    assigned: float
    mean: float | None
    sd: float | None
    points: list[PointOut]


def renamed(values: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """What a service calls otherwise: `analyst_id` as `analyst`."""
    return {names.get(name, name): value for name, value in values.items()}
