"""Pages of worksheets: list, new, grid entry, completion, decision, verification, print."""

import json
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.common.errors import Conflict, DomainError, IllegalTransition, Invalid
from portal.core.common.ids import parse_uuid
from portal.lab.pages.forms import to_minute
from portal.lab.quality import selectors as quality
from portal.lab.quality.wording import badge
from portal.lab.rulebook import rulebook
from portal.lab.science.units import fitting_units
from portal.lab.worksheets import pdf, selectors, services, showing
from portal.lab.worksheets.board import Board
from portal.lab.worksheets.forms import DecisionForm, HeadForm, NewForm, WorkForm, WorksheetFilter, WorksheetTable
from portal.lab.worksheets.grid import ADDED, VALUE, Cell, grid_check, grid_save, item_move
from portal.lab.worksheets.models import Worksheet
from portal.lab.worksheets.services import MAX_COLUMNS, MAX_ITEMS, Place
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

SHOWN = 100  # samples of open work on one page
MAX_CELLS = MAX_ITEMS * MAX_COLUMNS * 2


@require_GET
@policy("samples.view")
def worksheet_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "worksheets.edit")
    empty = Empty(
        title=gettext_lazy("No worksheet yet"),
        text=gettext_lazy(
            "A worksheet takes samples and QC samples together through one method: values are entered as a grid and"
            " judged at once."
        ),
        icon="table",
        action_label=gettext_lazy("New worksheet") if may_edit else "",
        action_url=reverse("lab:worksheet_create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=selectors.worksheet_list(),
        table=WorksheetTable,
        filterset=WorksheetFilter,
        template="lab/worksheets/list.html",
        list_id="worksheets",
        caption=gettext_lazy("Worksheets"),
        empty=empty,
        live=["worksheet.changed"],
        context={"may_edit": may_edit},
    )


# --- new ----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@policy("worksheets.edit")
def worksheet_create(request: HttpRequest) -> HttpResponse:
    """The query says which open work is shown, the form what becomes of it."""
    work = WorkForm(request.GET)
    parameters = list(work.cleaned_data["parameters"]) if work.is_valid() else []
    lots = quality.material_usable(on=timezone.localdate())
    initial = {"analyst": person(request).pk, "analysed_at": to_minute(clock.now())}
    form = NewForm(request.POST or None, initial=initial, materials=lots)
    if form.is_valid():
        try:
            made = services.worksheet_create(
                data=form.cleaned_data,
                columns=[(row.pk, request.POST.get(f"unit-{row.pk}", "")) for row in parameters],
                places=_places(request, form),
                by=person(request),
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:worksheet_detail", made.pk)
    context = {
        "form": form,
        "work": work,
        "columns": [
            (row, fitting_units(row.unit, row.species or None), request.POST.get(f"unit-{row.pk}", row.unit))
            for row in parameters
        ],
        "methods": sorted({part.strip() for row in parameters for part in row.methods.split(";") if part.strip()}),
        "samples": _work(work, [row.pk for row in parameters]),
        "chosen": set(request.POST.getlist("samples")),
        "shown": SHOWN,
    }
    template = "lab/worksheets/new.html#work" if request.htmx else "lab/worksheets/new.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=_status(form))


def _work(work: WorkForm, parameters: list[UUID], worksheet: Worksheet | None = None) -> Any:
    if not parameters or not work.is_valid():
        return []
    chosen = work.cleaned_data
    since, until = quality.period(chosen["date_from"], chosen["date_to"])
    return selectors.open_work(
        parameters=parameters,
        types=[chosen["type"]] if chosen["type"] else (),
        since=since,
        until=until,
        search=chosen["q"],
        worksheet=worksheet,
    )[:SHOWN]


def _places(request: HttpRequest, form: NewForm) -> list[Place]:
    """Controls, blanks, then the samples in the order of the page, each followed by its QC samples."""
    values = form.cleaned_data
    samples = [id for text in request.POST.getlist("samples") if (id := parse_uuid(text))]
    if not samples:
        raise Invalid(_("Choose at least one sample."))
    places = [Place("control", material=material.pk) for material in values["materials"]]
    places += [Place("blank")] * values["blanks"]
    for number, sample in enumerate(samples):
        places.append(Place("sample", sample=sample))
        if number < values["duplicates"]:
            places.append(Place("duplicate", sample=sample))
        if number < values["spikes"]:
            places.append(Place("spike", sample=sample))
    return places


# --- one worksheet --------------------------------------------------------------------------------------


@require_GET
@policy("samples.view")
def worksheet_detail(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    sheet = selectors.worksheet_get(id=worksheet_id)
    return render(request, "lab/worksheets/detail.html", _context(request, sheet, Board(sheet)))


def _context(
    request: HttpRequest, sheet: Worksheet, board: Board, typed: showing.Marks | None = None
) -> dict[str, Any]:
    me, status = person(request), sheet.status
    may_edit = may(request, "worksheets.edit")
    is_open, done = status == Worksheet.Status.OPEN, status == Worksheet.Status.COMPLETED
    out = sheet.control == Worksheet.Control.OUT_OF_CONTROL
    open_question = done and out and sheet.decision != Worksheet.Decision.ACCEPT
    return {
        "sheet": sheet,
        "board": board,
        "rows": showing.rows(board, typed=typed),
        "status": badge(sheet.status, sheet.get_status_display()),
        "control": badge(sheet.control, sheet.get_control_display()),
        "decision": badge(sheet.decision, sheet.get_decision_display()) if sheet.decision else "",
        "words": showing.words(),
        "layout": showing.layout(board),
        "versions": json.dumps(
            {
                f"{item.pk}:{column.parameter_id}": held.version
                for item in board.items
                for column in board.columns
                if (held := board.held(item, column.parameter_id)).version is not None
            }
        ),
        "editing": is_open and may_edit and may(request, "results.edit"),
        "may_edit": is_open and may_edit,
        "may_see_qc": may(request, "qc.view"),
        "may_reopen": done and may_edit,
        "may_decide": open_question and may_edit,
        "may_verify": done
        and may(request, "worksheets.verify")
        and not open_question
        and me.pk not in (sheet.analyst_id, sheet.completed_by_id),
        "open_question": open_question,
        "unused": is_open and may_edit and not board.filled and not board.entries,
    }


@require_GET
@policy("samples.view")
def worksheet_state(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    """What stands in the grid now, for pages that hear of a change."""
    return JsonResponse(showing.state(Board(selectors.worksheet_get(id=worksheet_id))))


@require_http_methods(["GET", "POST"])
@policy("worksheets.edit")
def worksheet_entry(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    """Save cells: JSON of the changed ones from the script, else the whole form."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    if request.method == "GET":
        return redirect("lab:worksheet_detail", sheet.pk)
    if request.content_type == "application/json":
        return _json(request, sheet, write=True)
    cells = _form_cells(request)
    try:
        grid_save(worksheet=sheet, cells=cells, by=person(request))
    except IllegalTransition as refusal:
        messages.error(request, str(refusal.message))
        return redirect("lab:worksheet_detail", sheet.pk)
    bad = {(*cell.key, cell.field): cell for cell in cells if cell.status in ("error", "conflict")}
    if not bad:
        return redirect("lab:worksheet_detail", sheet.pk)
    sheet = selectors.worksheet_get(id=worksheet_id)
    context = _context(request, sheet, Board(sheet), bad)
    return render(request, "lab/worksheets/detail.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@policy("worksheets.edit")
def worksheet_check(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    """The verdicts of typed cells, nothing saved."""
    return _json(request, selectors.worksheet_get(id=worksheet_id), write=False)


def _json(request: HttpRequest, sheet: Worksheet, *, write: bool) -> HttpResponse:
    try:
        cells = _json_cells(json.loads(request.body))
    except (ValueError, TypeError, KeyError):
        return JsonResponse({"message": _("This request cannot be read.")}, status=HTTPStatus.BAD_REQUEST)
    try:
        board = (grid_save if write else grid_check)(worksheet=sheet, cells=cells, by=person(request))
    except IllegalTransition as refusal:
        return JsonResponse({"message": str(refusal.message)}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    state = board.state()
    told = showing.answer(cells, board) | {"control": badge(state, Worksheet.Control(state).label)}
    return JsonResponse(told)


def _json_cells(sent: Any) -> list[Cell]:
    """Raises ValueError, TypeError or KeyError for what is no list of cells."""
    cells = []
    for given in sent["cells"][:MAX_CELLS]:
        field, version = given.get("field", VALUE), given.get("version")
        if field not in (VALUE, ADDED) or not isinstance(given["value"], str):
            raise ValueError(field)
        if version is not None and type(version) is not int:
            raise ValueError(version)
        cells.append(Cell(UUID(given["itemId"]), UUID(given["parameterId"]), given["value"][:200], version, field))
    return cells


def _form_cells(request: HttpRequest) -> list[Cell]:
    """The cells of the form that a script did not touch; the versions stand in one hidden field."""
    try:
        versions = json.loads(request.POST.get("versions", "{}"))
    except ValueError:
        versions = {}
    cells = []
    for name, value in request.POST.items():
        kind, _colon, place = name.partition(":")
        item, _colon, parameter = place.partition(":")
        ids = parse_uuid(item), parse_uuid(parameter)
        if kind in ("v", "a") and ids[0] and ids[1]:
            version = versions.get(place) if isinstance(versions, dict) else None
            version = version if type(version) is int and kind == "v" else None
            cells.append(Cell(ids[0], ids[1], str(value)[:200], version, VALUE if kind == "v" else ADDED))
    return cells


@require_http_methods(["GET", "POST"])
@policy("worksheets.edit")
def worksheet_edit(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    sheet = selectors.worksheet_get(id=worksheet_id)
    names = ("method", "edition", "instrument", "notes")
    initial = {name: getattr(sheet, name) for name in names}
    initial |= {"analyst": sheet.analyst_id, "analysed_at": to_minute(sheet.analysed_at)}
    form = HeadForm(request.POST or None, initial=initial)
    if form.is_valid():
        data = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            services.worksheet_update(worksheet=sheet, data=data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:worksheet_detail", sheet.pk)
    return render(request, "lab/worksheets/edit.html", {"sheet": sheet, "form": form}, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("worksheets.edit")
def item_add(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    """More samples of the open work, or QC samples."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    board = Board(sheet)
    faults: list[str] = []
    if request.method == "POST":
        try:
            services.items_add(worksheet=sheet, places=_added(request), by=person(request))
        except DomainError as refusal:
            faults = [error.message for error in refusal.errors] or [str(refusal.message)]
        else:
            return redirect("lab:worksheet_detail", sheet.pk)
    work = WorkForm(request.GET)
    del work.fields["parameters"]
    context = {
        "sheet": sheet,
        "work": work,
        "samples": _work(work, [column.parameter_id for column in board.columns], sheet),
        "present": [item.sample for item in board.items if item.kind == "sample"],
        "lots": quality.material_usable(on=timezone.localdate()),
        "faults": faults,
        "shown": SHOWN,
    }
    template = "lab/worksheets/add.html#work" if request.htmx else "lab/worksheets/add.html"  # type: ignore[attr-defined]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
    return render(request, template, context, status=status)


def _added(request: HttpRequest) -> list[Place]:
    kind = request.POST.get("kind", "")
    sample, material = (parse_uuid(request.POST.get(name, "")) for name in ("sample", "material"))
    if kind in ("blank", "duplicate", "spike", "control"):
        return [Place(kind, sample=sample, material=material)]
    return [Place("sample", sample=id) for text in request.POST.getlist("samples") if (id := parse_uuid(text))]


@require_POST
@policy("worksheets.edit")
def item_remove(request: HttpRequest, worksheet_id: UUID, worksheet_item_id: UUID) -> HttpResponse:
    sheet = selectors.worksheet_get(id=worksheet_id)
    by = person(request)
    return _act(request, sheet, lambda: services.item_remove(worksheet=sheet, item=worksheet_item_id, by=by))


@require_POST
@policy("worksheets.edit")
def item_place(request: HttpRequest, worksheet_id: UUID, worksheet_item_id: UUID) -> HttpResponse:
    """Move a position to the place that is named; the script gets the new order, a form the page."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    position = request.POST.get("position", "")
    place = int(position) if position.isdecimal() and len(position) < 4 else 1

    def move() -> None:
        item_move(worksheet=sheet, item=worksheet_item_id, position=place, by=person(request))

    if request.headers.get("Accept") != "application/json":
        return _act(request, sheet, move)
    try:
        move()
    except (Conflict, IllegalTransition, Invalid) as refusal:
        return JsonResponse({"message": str(refusal.message)}, status=HTTPStatus.CONFLICT)
    return JsonResponse({"layout": showing.layout(Board(selectors.worksheet_get(id=worksheet_id)))})


@require_POST
@policy("worksheets.edit")
def worksheet_complete(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    """With `empty` the person has seen that cells are empty."""
    sheet = selectors.worksheet_get(id=worksheet_id)
    empty = bool(request.POST.get("empty"))
    return _act(request, sheet, lambda: services.worksheet_complete(worksheet=sheet, by=person(request), empty=empty))


@require_POST
@policy("worksheets.edit")
def worksheet_reopen(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    sheet = selectors.worksheet_get(id=worksheet_id)
    return _act(request, sheet, lambda: services.worksheet_reopen(worksheet=sheet, by=person(request)))


@require_POST
@policy("worksheets.verify")
def worksheet_verify(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    sheet = selectors.worksheet_get(id=worksheet_id)
    return _act(request, sheet, lambda: services.worksheet_verify(worksheet=sheet, by=person(request)))


@require_http_methods(["GET", "POST"])
@policy("worksheets.edit")
def worksheet_decide(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    sheet = selectors.worksheet_get(id=worksheet_id)
    form = DecisionForm(request.POST or None, may_accept=may(request, "worksheets.verify"))
    if form.is_valid():
        try:
            services.worksheet_decide(worksheet=sheet, **form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:worksheet_detail", sheet.pk)
    context = {"sheet": sheet, "form": form, "failing": _failing(sheet)}
    return render(request, "lab/worksheets/decide.html", context, status=_status(form))


def _failing(sheet: Worksheet) -> Any:
    return quality.result_list(worksheet=sheet.pk, verdicts=["FAIL"]).filter(repeated=False)


@require_POST
@policy("worksheets.edit")
def worksheet_delete(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    sheet = selectors.worksheet_get(id=worksheet_id)
    try:
        services.worksheet_delete(worksheet=sheet, by=person(request))
    except (Conflict, IllegalTransition) as refusal:
        messages.error(request, str(refusal.message))
        return redirect("lab:worksheet_detail", sheet.pk)
    return redirect("lab:worksheet_list")


@require_GET
@policy("samples.view")
def worksheet_pdf(request: HttpRequest, worksheet_id: UUID) -> HttpResponse:
    sheet = selectors.worksheet_get(id=worksheet_id)
    content = pdf.worksheet_pdf(sheet, Board(sheet), rules=rulebook())
    headers = {"Content-Disposition": f'inline; filename="{sheet.number}.pdf"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


def _act(request: HttpRequest, sheet: Worksheet, what: Any) -> HttpResponse:
    """Do it and go back to the worksheet; a refusal is told there."""
    try:
        what()
    except (Conflict, IllegalTransition, Invalid) as refusal:
        messages.error(request, str(refusal.message))
    return redirect("lab:worksheet_detail", sheet.pk)


def _status(form: Any) -> HTTPStatus:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound and not form.is_valid() else HTTPStatus.OK
