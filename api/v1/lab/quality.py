"""Worksheets and quality control, for instruments and laboratory systems."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import LARGE, Page, Reply, Router, expected_version, paginate
from api.v1.lab.quality_schemas import (
    CellsIn,
    CellsOut,
    ChartOut,
    ChartQuery,
    CompleteIn,
    CriterionChange,
    CriterionIn,
    CriterionOut,
    CriterionQuery,
    DecisionIn,
    ItemsIn,
    MaterialChange,
    MaterialDetail,
    MaterialIn,
    MaterialOut,
    MaterialQuery,
    OrderIn,
    PlaceIn,
    QcIn,
    QcOut,
    QcQuery,
    TargetChange,
    TargetIn,
    TargetOut,
    VersionIn,
    WorkOut,
    WorkQuery,
    WorksheetChange,
    WorksheetDetail,
    WorksheetIn,
    WorksheetOut,
    WorksheetQuery,
    renamed,
)
from portal.core.accounts.models import User
from portal.core.common.clock import wire as stamp
from portal.lab.models import Sample
from portal.lab.quality import selectors as quality
from portal.lab.quality import services as qc
from portal.lab.worksheets import selectors, services
from portal.lab.worksheets.grid import Cell, grid_save, items_order, outcome
from portal.lab.worksheets.models import Worksheet
from portal.lab.worksheets.services import Place

worksheets = Router(tags=["worksheets"])
router = Router(tags=["quality control"])


def _user(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined,no-any-return]


# --- worksheets ---------------------------------------------------------------------------------------
@worksheets.get("/worksheets", policy="samples.view", response=list[WorksheetOut], summary="Worksheets")
def worksheet_list(request: HttpRequest, query: Query[WorksheetQuery]) -> Page:
    """Newest first."""
    found = selectors.worksheet_list(
        statuses=query.status,
        controls=query.control,
        analyst=query.analyst_id,
        parameter=query.parameter_id,
        sample=query.sample_id,
        search=query.search,
    )
    return paginate(found, query, selectors.worksheet_card)


@worksheets.get("/worksheets/open-work", policy="worksheets.edit", response=list[WorkOut], summary="Open work")
def open_work(request: HttpRequest, query: Query[WorkQuery]) -> Page:
    """Samples that are received or in progress, lack a result for one of the parameters, and stand for it on no open
    worksheet."""
    found = selectors.open_work(parameters=query.parameter_id, types=query.type, search=query.search)
    return paginate(found, query, _work)


def _work(row: Sample) -> dict[str, Any]:
    return {
        "id": row.pk,
        "code": row.code,
        "type": row.type,
        "location": row.location,
        "collectionDate": stamp(row.collection_date),
        "missing": row.missing,  # type: ignore[attr-defined]
    }


@worksheets.post("/worksheets", policy="worksheets.edit", response=WorksheetDetail, status=201, summary="New worksheet")
def worksheet_create(request: HttpRequest, payload: WorksheetIn) -> dict[str, Any]:
    """Each sample stands once, its duplicates and spikes after it. Send `Idempotency-Key`."""
    head = payload.model_dump(include={"method", "edition", "analyst_id", "instrument", "analysed_at", "notes"})
    made = services.worksheet_create(
        data=renamed(head, analyst_id="analyst"),
        columns=[(column.parameter_id, column.unit) for column in payload.parameters],
        places=_places(payload.items),
        by=_user(request),
    )
    return selectors.worksheet_detail(selectors.worksheet_get(id=made.pk))


def _places(items: list[PlaceIn]) -> list[Place]:
    return [Place(item.kind, sample=item.sample_id, material=item.material_id) for item in items]


@worksheets.get(
    "/worksheets/{id:worksheet_id}", policy="samples.view", response=WorksheetDetail, summary="One worksheet"
)
def worksheet_detail(request: HttpRequest, worksheet_id: UUID) -> dict[str, Any]:
    """With its parameters, positions and the cells that have a value."""
    return selectors.worksheet_detail(selectors.worksheet_get(id=worksheet_id))


@worksheets.update(
    "/worksheets/{id:worksheet_id}", policy="worksheets.edit", response=WorksheetDetail, summary="Change a worksheet"
)
def worksheet_update(request: HttpRequest, worksheet_id: UUID, payload: WorksheetChange) -> dict[str, Any]:
    """The head of an open one; 422 afterwards."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    changes = renamed(payload.changes, analyst_id="analyst")
    version = expected_version(request, changes.pop("version", None))
    services.worksheet_update(worksheet=sheet, data=changes, by=_user(request), version=version)
    return _detail(sheet)


@worksheets.delete("/worksheets/{id:worksheet_id}", policy="worksheets.edit", summary="Delete an unused worksheet")
def worksheet_delete(request: HttpRequest, worksheet_id: UUID) -> Reply:
    """409 once a value was entered."""
    services.worksheet_delete(worksheet=selectors.worksheet_get(id=worksheet_id), by=_user(request))
    return Reply(message=_("Worksheet deleted successfully."))


@worksheets.post(
    "/worksheets/{id:worksheet_id}/items", policy="worksheets.edit", response=WorksheetDetail, summary="Add positions"
)
def worksheet_items(request: HttpRequest, worksheet_id: UUID, payload: ItemsIn) -> dict[str, Any]:
    """At the end of an open worksheet."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    services.items_add(worksheet=sheet, places=_places(payload.items), by=_user(request))
    return _detail(sheet)


@worksheets.operation(
    ["PUT"],
    "/worksheets/{id:worksheet_id}/items/order",
    policy="worksheets.edit",
    response=WorksheetDetail,
    summary="Order the positions",
)
def worksheet_items_order(request: HttpRequest, worksheet_id: UUID, payload: OrderIn) -> dict[str, Any]:
    """Of an open worksheet. QC samples are judged anew, since the rules of Westgard go by the order of the run."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    version = expected_version(request, payload.version)
    items_order(worksheet=sheet, ids=payload.item_ids, by=_user(request), version=version)
    return _detail(sheet)


@worksheets.delete(
    "/worksheets/{id:worksheet_id}/items/{id:worksheet_item_id}", policy="worksheets.edit", summary="Remove a position"
)
def worksheet_item_remove(request: HttpRequest, worksheet_id: UUID, worksheet_item_id: UUID) -> Reply:
    """409 where it has a value, or a QC sample was made of it."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    services.item_remove(worksheet=sheet, item=worksheet_item_id, by=_user(request))
    return Reply(message=_("Position removed."))


@worksheets.post(
    "/worksheets/{id:worksheet_id}/results",
    policy="worksheets.edit",
    response=CellsOut,
    summary="Enter values",
    limit=LARGE,
)
def worksheet_results(request: HttpRequest, worksheet_id: UUID, payload: CellsIn) -> dict[str, Any]:
    """Any number of cells at once, samples and QC samples. Always 200 with one outcome per cell, in order: `saved`,
    `unchanged`, `error` with a message, `conflict` where somebody entered something else since `version`. A repeated
    request changes nothing. Needs results.edit as well."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    cells = [Cell(cell.item_id, cell.parameter_id, cell.value, cell.version, cell.field) for cell in payload.cells]
    board = grid_save(worksheet=sheet, cells=cells, by=_user(request))
    return {"cells": outcome(cells), "control": board.state()}


@worksheets.post(
    "/worksheets/{id:worksheet_id}/complete", policy="worksheets.edit", response=WorksheetDetail, summary="Complete"
)
def worksheet_complete(request: HttpRequest, worksheet_id: UUID, payload: CompleteIn) -> dict[str, Any]:
    """Closes the grid. 400 with empty cells unless `empty` is true."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    version = expected_version(request, payload.version)
    services.worksheet_complete(worksheet=sheet, by=_user(request), empty=payload.empty, version=version)
    return _detail(sheet)


@worksheets.post(
    "/worksheets/{id:worksheet_id}/reopen", policy="worksheets.edit", response=WorksheetDetail, summary="Open again"
)
def worksheet_reopen(request: HttpRequest, worksheet_id: UUID) -> dict[str, Any]:
    """As long as nobody has verified it."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    services.worksheet_reopen(worksheet=sheet, by=_user(request))
    return _detail(sheet)


@worksheets.post(
    "/worksheets/{id:worksheet_id}/decision",
    policy="worksheets.edit",
    response=WorksheetDetail,
    summary="Decide on a run that is out of control",
)
def worksheet_decide(request: HttpRequest, worksheet_id: UUID, payload: DecisionIn) -> dict[str, Any]:
    """`accept` needs worksheets.verify. `repeat` opens the worksheet; what is entered then replaces the old results."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    services.worksheet_decide(worksheet=sheet, decision=payload.decision, reason=payload.reason, by=_user(request))
    return _detail(sheet)


@worksheets.post(
    "/worksheets/{id:worksheet_id}/verify", policy="worksheets.verify", response=WorksheetDetail, summary="Verify"
)
def worksheet_verify(request: HttpRequest, worksheet_id: UUID, payload: VersionIn) -> dict[str, Any]:
    """By somebody else than the analyst and whoever completed it (403); 422 while it is out of control undecided."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    version = expected_version(request, payload.version)
    services.worksheet_verify(worksheet=sheet, by=_user(request), version=version)
    return _detail(sheet)


def _detail(sheet: Worksheet) -> dict[str, Any]:
    return selectors.worksheet_detail(selectors.worksheet_get(id=sheet.pk))


# --- quality control ------------------------------------------------------------------------------------
@router.get("/qc/materials", policy="qc.view", response=list[MaterialOut], summary="Control materials")
def material_list(request: HttpRequest, query: Query[MaterialQuery]) -> Page:
    """By name."""
    rows = quality.material_list()
    if query.is_active is not None:
        rows = rows.filter(is_active=query.is_active)
    return paginate(rows, query, quality.material_card)


@router.post("/qc/materials", policy="qc.edit", response=MaterialDetail, status=201, summary="New control material")
def material_create(request: HttpRequest, payload: MaterialIn) -> dict[str, Any]:
    """One lot of a reference material; 409 where it is known."""
    row = qc.material_save(material=None, data=payload.model_dump(), by=_user(request))
    return quality.material_card(row, targets=True)


@router.get(
    "/qc/materials/{id:control_material_id}", policy="qc.view", response=MaterialDetail, summary="One control material"
)
def material_detail(request: HttpRequest, control_material_id: UUID) -> dict[str, Any]:
    """With its assigned values."""
    return quality.material_card(quality.material_get(id=control_material_id), targets=True)


@router.update(
    "/qc/materials/{id:control_material_id}", policy="qc.edit", response=MaterialDetail, summary="Change a material"
)
def material_update(request: HttpRequest, control_material_id: UUID, payload: MaterialChange) -> dict[str, Any]:
    """`isActive: false` takes the lot out of use."""
    row = quality.material_get(id=control_material_id)
    qc.material_save(material=row, data=payload.changes, by=_user(request))
    return quality.material_card(row, targets=True)


@router.post(
    "/qc/materials/{id:control_material_id}/targets",
    policy="qc.edit",
    response=TargetOut,
    status=201,
    summary="New assigned value",
)
def target_create(request: HttpRequest, control_material_id: UUID, payload: TargetIn) -> dict[str, Any]:
    """What the material holds of a parameter, and the mean and SD of its chart: fixed, or computed from a period."""
    material = quality.material_get(id=control_material_id)
    data = renamed(payload.model_dump(), parameter_id="parameter")
    return quality.target_card(qc.target_save(material=material, target=None, data=data, by=_user(request)))


@router.update("/qc/targets/{id:control_target_id}", policy="qc.edit", response=TargetOut, summary="Change a target")
def target_update(request: HttpRequest, control_target_id: UUID, payload: TargetChange) -> dict[str, Any]:
    """Verdicts that are there stay; charts are drawn anew."""
    row = quality.target_get(id=control_target_id)
    return quality.target_card(
        qc.target_save(material=row.material, target=row, data=payload.changes, by=_user(request))
    )


@router.delete("/qc/targets/{id:control_target_id}", policy="qc.edit", summary="Delete a target")
def target_delete(request: HttpRequest, control_target_id: UUID) -> Reply:
    """409 once it was measured."""
    qc.target_delete(target=quality.target_get(id=control_target_id), by=_user(request))
    return Reply(message=_("Assigned value deleted."))


@router.get("/qc/criteria", policy="qc.view", response=list[CriterionOut], summary="Acceptance criteria")
def criterion_list(request: HttpRequest, query: Query[CriterionQuery]) -> Page:
    """By parameter."""
    rows = quality.criterion_list()
    if query.parameter_id is not None:
        rows = rows.filter(parameter=query.parameter_id)
    return paginate(rows, query, quality.criterion_card)


@router.post("/qc/criteria", policy="qc.edit", response=CriterionOut, status=201, summary="New acceptance criterion")
def criterion_create(request: HttpRequest, payload: CriterionIn) -> dict[str, Any]:
    """That of the method counts before that of any method."""
    data = renamed(payload.model_dump(), parameter_id="parameter")
    return quality.criterion_card(qc.criterion_save(criterion=None, data=data, by=_user(request)))


@router.update(
    "/qc/criteria/{id:acceptance_criterion_id}", policy="qc.edit", response=CriterionOut, summary="Change a criterion"
)
def criterion_update(request: HttpRequest, acceptance_criterion_id: UUID, payload: CriterionChange) -> dict[str, Any]:
    """Counts from the next entry on."""
    row = quality.criterion_get(id=acceptance_criterion_id)
    return quality.criterion_card(qc.criterion_save(criterion=row, data=payload.changes, by=_user(request)))


@router.delete("/qc/criteria/{id:acceptance_criterion_id}", policy="qc.edit", summary="Delete a criterion")
def criterion_delete(request: HttpRequest, acceptance_criterion_id: UUID) -> Reply:
    """Verdicts that are there stay."""
    qc.criterion_delete(criterion=quality.criterion_get(id=acceptance_criterion_id), by=_user(request))
    return Reply(message=_("Criterion deleted."))


@router.get("/qc/results", policy="qc.view", response=list[QcOut], summary="QC results")
def qc_list(request: HttpRequest, query: Query[QcQuery]) -> Page:
    """Newest first, those of worksheets and the others."""
    found = quality.result_list(
        kinds=query.kind,
        verdicts=query.verdict,
        material=query.material_id,
        parameter=query.parameter_id,
        worksheet=query.worksheet_id,
    )
    return paginate(found, query, quality.result_card)


@router.post("/qc/results", policy="worksheets.edit", response=QcOut, status=201, summary="Enter a QC result")
def qc_create(request: HttpRequest, payload: QcIn) -> dict[str, Any]:
    """One that belongs to no worksheet, such as an instrument's daily control. Send `Idempotency-Key`."""
    data = renamed(payload.model_dump(), parameter_id="parameter", material_id="material")
    return quality.result_card(qc.qc_record(data=data, by=_user(request)))


@router.get("/qc/results/{id:qc_result_id}", policy="qc.view", response=QcOut, summary="One QC result")
def qc_detail(request: HttpRequest, qc_result_id: UUID) -> dict[str, Any]:
    """With the figures that decided."""
    return quality.result_card(quality.result_get(id=qc_result_id))


@router.get("/qc/chart", policy="qc.view", response=ChartOut, summary="A control chart")
def chart(request: HttpRequest, query: Query[ChartQuery]) -> dict[str, Any]:
    """Levey-Jennings: points from the oldest to the newest, without a period the last 100, with the rules of Westgard
    that each one breaks."""
    target = quality.target_of(material=query.material_id, parameter=query.parameter_id)
    since, until = quality.period(query.date_from, query.date_to)
    return quality.chart_card(quality.chart(target=target, since=since, until=until))
