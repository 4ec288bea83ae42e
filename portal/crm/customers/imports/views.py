"""Pages of imports: list, upload, columns, check, run, errors, revert."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.common.sheets import TYPES, sheet
from portal.core.common.spreadsheets import DELIMITERS, ENCODINGS
from portal.crm.customers.fields import LABELS
from portal.crm.customers.imports import services
from portal.crm.customers.imports.models import CustomerImport, CustomerImportRow
from portal.crm.customers.imports.options import CUSTOM, MATCH, Options
from portal.crm.customers.models import CustomField
from portal.ui import answers
from portal.ui.people import may, person

PAGE = 30
_S = CustomerImport.Status


class OptionsForm(forms.Form):
    """What is to become of rows and of what is there; the columns are fields of the page itself."""

    mode = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=[
            ("create", gettext_lazy("Create new customers")),
            ("update", gettext_lazy("Change customers that are there")),
            ("upsert", gettext_lazy("Create and change")),
        ],
    )
    match_by = forms.MultipleChoiceField(
        label=gettext_lazy("A row is a customer that is there by"),
        choices=[(name, LABELS.get(name, gettext_lazy("Identifier"))) for name in MATCH],
        widget=forms.CheckboxSelectMultiple,
    )
    on_duplicate = forms.ChoiceField(
        label=gettext_lazy("A new customer that is there already"),
        choices=[
            ("skip", gettext_lazy("Leave it out")),
            ("update", gettext_lazy("Change the one that is there")),
            ("create", gettext_lazy("Create it all the same")),
        ],
    )
    empty_cells = forms.ChoiceField(
        label=gettext_lazy("Empty cells"),
        choices=[("keep", gettext_lazy("Keep what is there")), ("clear", gettext_lazy("Clear what is there"))],
    )
    phone_country = forms.CharField(
        label=gettext_lazy("Country of phone numbers without a code"), required=False, max_length=40
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding"), choices=[(one, one) for one in ENCODINGS], required=False
    )
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Columns are separated by"),
        choices=[(one, gettext_lazy("Tab") if one == "\t" else one) for one in DELIMITERS],
        required=False,
    )


@require_GET
@policy("customers.import")
def import_list(request: HttpRequest) -> HttpResponse:
    rows = CustomerImport.objects.select_related("created_by").order_by("-created_at", "-id")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "crm/customers/imports/list.html", {"page": page})


@require_http_methods(["GET", "POST"])
@policy("customers.import")
def import_upload(request: HttpRequest) -> HttpResponse:
    fault = ""
    if request.method == "POST":
        sent = request.FILES.get("file")
        if sent is None or sent.file is None:
            fault = _("Choose a file.")
        else:
            try:
                run = services.import_upload(file=sent.file, name=sent.name or "", said={}, by=person(request))
                return redirect("crm:import_mapping", run.pk)
            except DomainError as refusal:
                fault = answers.refusal_text(refusal)
    return render(request, "crm/customers/imports/upload.html", {"fault": fault}, status=422 if fault else 200)


@require_http_methods(["GET", "POST"])
@policy("customers.import")
def import_mapping(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Which column is which field; a POST keeps it and begins the check."""
    run = services.import_get(id=import_id, user=person(request))
    if run.status not in (_S.UPLOADED, _S.MAPPED, _S.VALIDATED, _S.FAILED):
        return redirect("crm:import_detail", run.pk)
    options, fault = Options.from_json(run.options), ""
    written = options.format
    held = {
        "mode": options.mode,
        "match_by": options.match_by,
        "on_duplicate": options.on_duplicate,
        "empty_cells": options.empty_cells,
        "phone_country": options.phone_country,
        "encoding": written.get("encoding"),
        "delimiter": written.get("delimiter"),
    }
    form = OptionsForm(request.POST or None, initial=held)
    if form.is_valid():
        try:
            run = services.import_map(run=run, said=_said(request, run, form.cleaned_data, written), by=person(request))
            if "reread" not in request.POST:
                services.import_begin(run=run, dry_run=True, by=person(request))
                return redirect("crm:import_detail", run.pk)
            return redirect("crm:import_mapping", run.pk)
        except DomainError as refusal:
            fault = answers.refusal_text(refusal)
    try:
        table = services.preview(run)
    except DomainError as refusal:  # removed meanwhile, or not to be read in the format that was asked for
        messages.error(request, answers.refusal_text(refusal))
        return redirect("crm:import_detail", run.pk)
    fields: list[tuple[str, object]] = [
        (name, label) for name, label in LABELS.items() if name not in ("customFields", "statusReason")
    ]
    fields += [(f"{CUSTOM}{row.key}", row.label) for row in CustomField.objects.all()]
    columns = [
        (
            place,
            heading,
            options.mapping.get(heading, ""),
            [cells[place] for _line, cells in table.rows[:3] if place < len(cells)],
        )
        for place, heading in enumerate(table.headings)
    ]
    context = {
        "run": run,
        "form": form,
        "columns": columns,
        "fields": fields,
        "fault": fault,
        "text": written.get("delimiter") in DELIMITERS,
    }
    return render(request, "crm/customers/imports/mapping.html", context, status=422 if fault or form.errors else 200)


def _said(request: HttpRequest, run: CustomerImport, said: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    mapping = {heading: request.POST.get(f"column_{place}", "") for place, heading in enumerate(run.headings)}
    made = {
        "mapping": mapping,
        "mode": said["mode"],
        "matchBy": said["match_by"],
        "onDuplicate": said["on_duplicate"],
        "emptyCells": said["empty_cells"],
        "phoneCountry": said["phone_country"],
    }
    if written.get("delimiter") in DELIMITERS:
        made |= {"encoding": said["encoding"], "delimiter": said["delimiter"]}
    return made


@require_GET
@policy("customers.import")
def import_detail(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Where the import stands, what would become or became of the rows, and why not."""
    run = services.import_get(id=import_id, user=person(request))
    rows = CustomerImportRow.objects.filter(
        run=run, outcome__in=[CustomerImportRow.Outcome.FAILED, CustomerImportRow.Outcome.SKIPPED]
    ).order_by("row_no")
    fresh = run.finished_at is not None and clock.now() - run.finished_at <= services.REVERTIBLE
    context = {
        "run": run,
        "card": services.import_card(run),
        "percent": round(100 * run.position / run.total) if run.total else 0,
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "may_revert": run.status == _S.DONE and fresh and may(request, "customers.delete"),
    }
    partial = bool(request.htmx) and run.busy and not run.broken  # type: ignore[attr-defined]
    template = "crm/customers/imports/detail.html"
    response = render(request, f"{template}#progress" if partial else template, context)
    if request.htmx and not run.busy:  # type: ignore[attr-defined]
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
@policy("customers.import")
def import_act(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Run, go on, revert or cancel."""
    by = person(request)
    run = services.import_get(id=import_id, user=by)
    acts = {
        "run": lambda: services.import_begin(run=run, dry_run=False, by=by),
        "resume": lambda: services.import_resume(run=run, by=by),
        "revert": lambda: services.import_revert(run=run, by=by),
        "cancel": lambda: services.import_cancel(run=run, by=by),
    }
    act = acts.get(request.POST.get("do", ""))
    refused = answers.refused(act) if act else None
    if refused:
        messages.error(request, answers.refusal_text(refused))
    return redirect("crm:import_detail", import_id)


@require_GET
@policy("customers.import")
def import_errors(request: HttpRequest, import_id: UUID) -> HttpResponseBase:
    head, rows = services.error_rows(services.import_get(id=import_id, user=person(request)))
    file, _count, _digest = sheet("csv", head, rows)
    return FileResponse(file, as_attachment=True, filename="errors.csv", content_type=TYPES["csv"])
