"""Entering, changing and deleting results inside a sample's page, one fragment at a time.

Each address also answers without htmx: a form then comes as the sample's whole page, a success as a redirect to it.
"""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import Conflict, DomainError
from portal.core.common.ids import parse_uuid
from portal.core.tenancy import scope
from portal.lab import selectors, services
from portal.lab.lifecycle.models import Retest
from portal.lab.models import Result, Sample
from portal.lab.pages.forms import ResultForm
from portal.lab.pages.samples import detail_context, entry_form, head_context
from portal.lab.pages.wording import ResultRow
from portal.ui.people import person

# What stays in the form from one entry to the next: a series comes from one hand, one day, one method.
_KEPT = ("technician_name", "test_date", "instrument")


@require_GET
@policy("results.edit")
def result_entry(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    """The entry form anew: with the units of the chosen parameter, or prepared for a repeated analysis."""
    sample = selectors.sample_get(id=sample_id)
    if "replaces" in request.GET:
        old = selectors.result_get(id=_uuid(request.GET["replaces"]))
        chosen = {"parameter_id": str(old.parameter_id), "unit": old.unit, "replaces_id": old.pk}
        form = entry_form(request, **chosen | {"test_method": old.test_method})
        return _page(request, sample, "entry", {"form": form, "focus": "value", "replaces": old})
    values = {name: request.GET.get(name, "") for name in ResultForm.base_fields}
    form = ResultForm(initial=values)
    if form.parameter is not None:
        form.initial["unit"] = form.parameter.unit
    return _page(
        request, sample, "entry", {"form": form, "focus": "value", "replaces": _replaced(values["replaces_id"])}
    )


@require_POST
@policy("results.edit")
def result_create(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    sample = selectors.sample_get(id=sample_id)
    form = ResultForm(request.POST)
    if form.is_valid():
        try:
            row, _created = services.result_create(sample=sample_id, data=form.wire(), by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            if not request.htmx:  # type: ignore[attr-defined]
                return _back(sample)
            rows = [ResultRow(selectors.result_get(id=row["id"]))]
            if row["replaces_id"]:
                rows.append(ResultRow(selectors.result_get(id=row["replaces_id"]), replaced=True))
            fresh = entry_form(
                request, **{name: form.cleaned_data[name] for name in _KEPT if name in form.cleaned_data}
            )
            more = {"form": fresh, "focus": "parameter_id", "rows": rows}
            return _page(request, selectors.sample_get(id=sample_id), "created", more)
    more = {"form": form, "replaces": _replaced(form.data.get("replaces_id", "")), "focus": _wrong(form)}
    return _page(request, sample, "entry", more, refused=True)


@require_POST
@policy("results.edit")
def result_sum(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    """Calculate a sum from the results that are there, or bring it up to date."""
    sample = selectors.sample_get(id=sample_id)
    try:
        services.sum_calculate(sample=sample_id, parameter=_uuid(request.POST.get("parameter", "")), by=person(request))
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    return _back(sample)


@require_GET
@policy("samples.view")
def result_row(request: HttpRequest, result_id: UUID) -> HttpResponse:
    """One result as it is now: what a cancelled edit goes back to."""
    result = selectors.result_get(id=result_id)
    if not request.htmx:  # type: ignore[attr-defined]
        return _back(result.sample)
    return _page(request, result.sample, "row", {"row": _row(result), "focus": True})


@require_http_methods(["GET", "POST"])
@policy("results.edit")
def result_edit(request: HttpRequest, result_id: UUID) -> HttpResponse:
    result = selectors.result_get(id=result_id)
    form = ResultForm(request.POST or None, result=result, prefix=f"r{result.pk.hex[-8:]}")
    more: dict[str, Any] = {"row": _row(result), "edit_form": form, "focus": "value"}
    if form.is_valid():
        version = form.cleaned_data["version"]
        data = form.wire(only_changed=True) | {"reason": form.cleaned_data["reason"]}
        try:
            services.result_update(id=result_id, data=data, by=person(request), version=version)
        except Conflict as conflict:
            if "current" not in conflict.meta:
                form.refuse(conflict)
            else:
                form.accept(conflict.meta["version"])
                more |= {"conflict": conflict, "clashes": form.clashes(conflict.meta["current"])}
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            result = selectors.result_get(id=result_id)
            if not request.htmx:  # type: ignore[attr-defined]
                return _back(result.sample)
            return _page(request, result.sample, "changed", {"row": _row(result), "focus": True})
    return _page(request, result.sample, "edit", more | {"focus": _wrong(form)}, refused=form.is_bound)


@require_GET
@policy("results.edit")
def result_units(request: HttpRequest, result_id: UUID) -> HttpResponse:
    """The edit form of a result after another parameter was chosen: its units, nothing saved."""
    result = selectors.result_get(id=result_id)
    prefix = f"r{result.pk.hex[-8:]}"
    values = {name: request.GET.get(f"{prefix}-{name}", "") for name in ResultForm.base_fields}
    form = ResultForm(result=result, prefix=prefix, initial=values)
    return _page(request, result.sample, "edit", {"row": _row(result), "edit_form": form, "focus": "value"})


@require_http_methods(["GET", "POST"])
@policy("results.delete")
def result_delete(request: HttpRequest, result_id: UUID) -> HttpResponse:
    result = selectors.result_get(id=result_id)
    if request.method == "POST":
        try:
            with scope.acting(reason=request.POST.get("reason", "").strip()[:500]):
                services.result_delete(id=result_id, by=person(request))
        except Conflict as refusal:
            messages.error(request, str(refusal.message))
            return _back(result.sample)
        sample = selectors.sample_get(id=result.sample_id)
        if not request.htmx:  # type: ignore[attr-defined]
            return _back(sample)
        olds = selectors.result_list(sample=sample.pk).filter(pk__in=[result.replaces_id] if result.replaces_id else [])
        return _page(request, sample, "deleted", {"rows": [_row(old) for old in olds], "gone": result_id})
    return _page(request, result.sample, "delete", {"row": _row(result), "deleting": True})


def _row(result: Result) -> ResultRow:
    asked = Retest.objects.filter(result=result, withdrawn_at=None).first()
    return ResultRow(result, Result.objects.filter(replaces=result, deleted_at=None).exists(), asked)


def _page(
    request: HttpRequest, sample: Sample, part: str, more: dict[str, Any], *, refused: bool = False
) -> HttpResponse:
    """A part for htmx, which brings the head along where the sample may have changed; else the whole page."""
    entry, edit, focus = more.get("form"), more.get("edit_form"), more.get("focus")
    for form in (entry, edit):
        if form is not None and focus in form.fields:
            form.fields[focus].widget.attrs["autofocus"] = True
    if entry is not None:
        entry.ask_units(reverse("lab:result_entry", args=[sample.pk]), "#result-entry")
    if edit is not None:
        id = edit.result.pk
        edit.ask_units(reverse("lab:result_units", args=[id]), f"#result-{id}")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    if request.htmx:  # type: ignore[attr-defined]
        context = head_context(request, sample) | more | {"oob": part in ("created", "changed", "deleted")}
        return render(request, f"lab/samples/parts.html#{part}", context, status=status)
    context = detail_context(request, sample) | {"open_part": part} | more
    if (row := more.get("row")) is not None:
        context["open_row"] = row.result.pk
    return render(request, "lab/samples/detail.html", context, status=status)


def _back(sample: Sample) -> HttpResponse:
    return redirect(reverse("lab:sample_detail", args=[sample.pk]) + "#results")


def _wrong(form: ResultForm) -> str:
    """The first field at fault, which gets the focus."""
    return next((name for name in form.errors if name in form.fields), "value")


def _replaced(text: str) -> Result | None:
    return selectors.result_get(id=_uuid(text)) if text else None


def _uuid(text: str) -> UUID:
    """A malformed id is as unknown as any other."""
    return parse_uuid(text) or UUID(int=0)
