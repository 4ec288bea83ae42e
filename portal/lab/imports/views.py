"""Pages of imports: upload, mapping with a live preview, check, import, errors, revert."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy, request_actor
from portal.core.common.errors import Conflict, DomainError, Invalid
from portal.core.common.spreadsheets import Format, Table
from portal.lab.imports import selectors, services
from portal.lab.imports.forms import RevertForm, SettingsForm, UploadForm, column_choices, name_choices
from portal.lab.imports.mapping import Columns
from portal.lab.imports.models import ImportRun
from portal.lab.imports.tables import RowFilter, RowTable, RunFilter, RunTable, SourceTable, outcome_badge, status_badge
from portal.lab.rulebook import rulebook
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person

SAMPLED = 2000  # rows in which the mapping step looks for names of parameters
_S = ImportRun.Status


@require_GET
@policy("samples.import")
def run_list(request: HttpRequest) -> HttpResponse:
    empty = Empty(
        title=_("No file imported yet"),
        text=_(
            "Results of an instrument, a laboratory's spreadsheet or a WQX file: every row is checked before anything"
            " is written, and an import can be reverted."
        ),
        icon="file-spreadsheet",
        action_label=_("Import a file"),
        action_url=reverse("lab:import_upload"),
    )
    return list_page(
        request,
        queryset=selectors.run_list(),
        table=RunTable,
        filterset=RunFilter,
        template="lab/imports/list.html",
        list_id="imports",
        caption=_("Imports"),
        empty=empty,
        context={"tab": "runs"},
    )


@require_GET
@policy("samples.import")
def source_list(request: HttpRequest) -> HttpResponse:
    empty = Empty(
        title=_("No source yet"),
        text=_("A source keeps how its files are built: it comes into being with the first file of it."),
        icon="template",
        action_label=_("Import a file"),
        action_url=reverse("lab:import_upload"),
    )
    return list_page(
        request,
        queryset=selectors.source_list(),
        table=SourceTable,
        template="lab/imports/list.html",
        list_id="sources",
        caption=_("Sources"),
        empty=empty,
        context={"tab": "sources"},
    )


@require_http_methods(["GET", "POST"])
@policy("samples.import")
def source_delete(request: HttpRequest, import_source_id: UUID) -> HttpResponse:
    """Asks first, and says what stays."""
    source = selectors.source_get(id=import_source_id)
    if request.method == "POST":
        try:
            services.source_delete(source=source, by=person(request))
        except Conflict as refusal:
            messages.error(request, str(refusal.message))
        return redirect("lab:import_sources")
    return render(request, "lab/imports/source_delete.html", {"source": source, "runs": source.runs.count()})


@require_http_methods(["GET", "POST"])
@policy("samples.import")
def run_upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None, initial={"source": request.GET.get("source")})
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            run = services.run_upload(
                file=file.file, name=file.name, source=form.cleaned_data["source"], by=person(request)
            )
        except Invalid as refusal:
            form.add_error("file", str(refusal.message))
        else:
            return redirect("lab:import_mapping", run_id=run.pk)
    return render(request, "lab/imports/upload.html", {"form": form}, status=_status(form))


@require_http_methods(["GET", "POST"])
@policy("samples.import")
def run_mapping(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The mapping; a POST keeps it and starts the check, with `reread` reads the file in another format first, and
    with `preview` shows how the first rows would read."""
    run = selectors.run_get(id=run_id)
    if run.status not in (_S.UPLOADED, _S.CHECKED) and not run.broken:
        return redirect("lab:import_detail", run_id=run.pk)
    held = Columns.from_json(run.mapping)
    if "reread" in request.POST:
        return _reread(request, run, held)
    table = services.run_table(run=run, rows=SAMPLED)
    if request.method == "GET":
        form = SettingsForm.of(held, name=_source_name(run), layout=run.layout, table=table)
        return _mapping_page(request, run, form, held, table)
    form = SettingsForm(request.POST, table=table)
    if not form.is_valid():
        return _mapping_page(request, run, form, held, table)
    mapping = form.mapping(request.POST, table)
    if "preview" in request.POST:
        return _preview(request, run, mapping, table)
    try:
        said = form.cleaned_data
        run = services.run_map(run=run, name=said["name"], layout=said["layout"], mapping=mapping, by=person(request))
        services.run_check(run=run, by=person(request))
    except DomainError as refusal:
        form.refuse(refusal)
        return _mapping_page(request, run, form, mapping, table)
    return redirect("lab:import_detail", run_id=run.pk)


def _source_name(run: ImportRun) -> str:
    return run.source.name if run.source else run.filename.rpartition(".")[0][:100]


def _reread(request: HttpRequest, run: ImportRun, held: Columns) -> HttpResponse:
    post, old = request.POST, held.format
    header = post.get("header", "")
    chosen = Format(
        encoding=post.get("encoding", old.encoding),
        delimiter=old.delimiter and post.get("delimiter", old.delimiter),
        sheet=post.get("sheet", old.sheet),
        header=int(header) if header.isdecimal() and 0 < int(header) < 1000 else old.header,
    )
    try:
        services.run_reread(run=run, format=chosen, by=person(request))
    except Invalid as refusal:
        table = services.run_table(run=run, rows=SAMPLED)
        form = SettingsForm(request.POST, table=table)
        form.is_valid()
        form.refuse(refusal)
        return _mapping_page(request, run, form, held, table)
    return redirect("lab:import_mapping", run_id=run.pk)


def _mapping_page(
    request: HttpRequest, run: ImportRun, form: SettingsForm, mapping: Columns, table: Table
) -> HttpResponse:
    rules = rulebook()
    context: dict[str, Any] = {
        "run": run,
        "form": form,
        "warnings": table.warnings,
        "columns": column_choices(mapping, table, rules),
        "names": name_choices(mapping, services.run_names(run=run, mapping=mapping, table=table), rules),
        "earlier": services.earlier_run(run=run),
    } | _previewed(run, mapping, table)
    return render(request, "lab/imports/mapping.html", context, status=_status(form))


def _preview(request: HttpRequest, run: ImportRun, mapping: Columns, table: Table) -> HttpResponse:
    return render(request, "lab/imports/mapping.html#preview", _previewed(run, mapping, table))


def _previewed(run: ImportRun, mapping: Columns, table: Table) -> dict[str, Any]:
    try:
        mapping.check(table.headings, rulebook())
    except Invalid as refusal:
        return {"faults": [error.message for error in refusal.errors]}
    rows = services.run_preview(run=run, mapping=mapping, table=table)
    return {"preview": [(row, outcome_badge(row.outcome)) for row in rows]}


@require_GET
@policy("samples.import")
def run_detail(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = selectors.run_get(id=run_id)
    if run.status == _S.UPLOADED:
        return redirect("lab:import_mapping", run_id=run.pk)
    return list_page(
        request,
        queryset=selectors.row_list(run=run),
        table=RowTable,
        filterset=RowFilter,
        template="lab/imports/detail.html",
        list_id="rows",
        caption=_("Rows of the file"),
        empty=Empty(title=_("The rows of this file are no longer kept"), icon="archive"),
        context=_detail(request, run),
    )


@require_GET
@policy("samples.import")
def run_state(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The progress of a step; when it has ended, the page is loaded anew."""
    run = selectors.run_get(id=run_id)
    if not run.busy or run.broken:
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Refresh": "true"})
    return render(request, "lab/imports/detail.html#progress", {"run": run})


def _detail(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    counts = run.counts if run.status in (_S.IMPORTED, _S.REVERTING, _S.REVERTED) else run.checked
    tiles = {
        entity: [(word, counts.get(f"{entity}.{word}", 0)) for word in words]
        for entity, words in (
            ("sample", ("created", "updated", "unchanged", "conflict", "refused")),
            ("result", ("created", "updated", "unchanged", "conflict", "refused")),
            ("row", ("refused", "partly", "skipped")),
        )
    }
    taken = sum(counts.get(f"{entity}.{word}", 0) for entity in ("sample", "result") for word in ("created", "updated"))
    return {
        "run": run,
        "status": status_badge(run),
        "tiles": {
            entity: [(outcome_badge(word), number) for word, number in found if number]
            for entity, found in tiles.items()
        },
        "taken": taken,
        "faults": sum(counts.get(f"row.{word}", 0) for word in ("refused", "partly", "conflict")),
        "counts": {key.replace(".", "_"): number for key, number in counts.items()},
        "reasons": [] if run.busy else selectors.reason_list(run=run),
        "may_revert": run.status == _S.IMPORTED and may(request, "samples.delete") and may(request, "results.delete"),
    }


@require_POST
@policy("samples.import")
def run_import(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = selectors.run_get(id=run_id)
    try:
        if run.broken:
            services.run_resume(run=run, by=person(request))
        else:
            services.run_import(run=run, by=person(request))
    except Conflict:  # somebody was quicker: the page shows where it stands
        pass
    return redirect("lab:import_detail", run_id=run.pk)


@require_http_methods(["GET", "POST"])
@policy("samples.delete")
def run_revert(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = selectors.run_get(id=run_id)
    form = RevertForm(request.POST or None)
    if form.is_valid():
        try:
            services.run_revert(run=run, reason=form.cleaned_data["reason"], by=person(request))
        except (Conflict, Invalid) as refusal:
            form.add_error(None, str(refusal.message))
        else:
            return redirect("lab:import_detail", run_id=run.pk)
    return render(request, "lab/imports/revert.html", {"run": run, "form": form}, status=_status(form))


@require_POST
@policy("samples.import")
def run_forget(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = selectors.run_get(id=run_id)
    try:
        services.run_forget(run=run, by=person(request))
    except Conflict:
        return redirect("lab:import_detail", run_id=run.pk)
    return redirect("lab:import_list")


@require_GET
@policy("samples.import")
def run_errors(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """The refused rows with their reasons; `?skipped=1` those left out as well."""
    run = selectors.run_get(id=run_id)
    by = request_actor(request, user=person(request))
    content = selectors.refused_csv(run=run, by=by, skipped=bool(request.GET.get("skipped")))
    headers = {"Content-Disposition": 'attachment; filename="refused-rows.csv"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


def _status(form: Any) -> HTTPStatus:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound and not form.is_valid() else HTTPStatus.OK
