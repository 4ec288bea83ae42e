"""Pages of own standards, new editions, the grid of limits, and one limit with its confirmation and history."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.lab import selectors
from portal.lab import standards as services
from portal.lab.models import Limit, Standard
from portal.lab.pages.lists import LimitFilter, confidence
from portal.lab.pages.rule_forms import ConfirmationForm, EditionForm, LimitForm, StandardForm
from portal.lab.pages.wording import limit_text
from portal.lab.reports.wording import plain
from portal.ui.people import may, person
from portal.ui.trail import tell

PAGE = 25


@require_http_methods(["GET", "POST"])
@policy("standards.edit")
def standard_create(request: HttpRequest) -> HttpResponse:
    form = StandardForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.standard_create(data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:limit_grid", made.pk)
    return _form(request, form, title=_("New standard"), back=reverse("lab:standard_list"))


@require_http_methods(["GET", "POST"])
@policy("standards.edit")
def standard_edit(request: HttpRequest, standard_id: UUID) -> HttpResponse:
    standard = selectors.standard_get(id=standard_id)
    form = StandardForm(request.POST or None, standard=standard)
    back = reverse("lab:standard_detail", args=[standard_id])
    if form.is_valid():
        try:
            services.standard_update(standard=standard, data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect(back)
    return _form(request, form, title=_("Change standard"), back=back, standard=standard)


@require_http_methods(["GET", "POST"])
@policy("standards.edit")
def edition_create(request: HttpRequest, standard_id: UUID) -> HttpResponse:
    standard = selectors.standard_get(id=standard_id)
    form = EditionForm(request.POST or None, initial={"reference": standard.reference})
    if form.is_valid():
        try:
            made = services.edition_create(standard=standard, data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:limit_grid", made.pk)
    back = reverse("lab:standard_detail", args=[standard_id])
    hint = _(
        "The new edition begins with a copy of all limits and judges samples taken from its first day on. Verdicts that"
        " are there and issued reports stay as they are."
    )
    return _form(request, form, title=_("New edition"), back=back, standard=standard, hint=hint)


@require_http_methods(["GET", "POST"])
@policy("standards.edit")
def standard_delete(request: HttpRequest, standard_id: UUID) -> HttpResponse:
    standard = selectors.standard_get(id=standard_id)
    if request.method == "POST":
        try:
            services.standard_delete(standard=standard, by=person(request))
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
            return redirect("lab:standard_detail", standard_id)
        return redirect("lab:standard_list")
    return render(request, "lab/rules/standard_delete.html", {"standard": standard})


@require_GET
@policy("standards.edit")
def limit_grid(request: HttpRequest, standard_id: UUID) -> HttpResponse:
    """All limits of a standard with a form for a new one; each row opens into a form in its place."""
    return render(request, "lab/rules/grid.html", _grid(request, selectors.standard_get(id=standard_id)))


@require_POST
@policy("standards.edit")
def limit_create(request: HttpRequest, standard_id: UUID) -> HttpResponse:
    standard = selectors.standard_get(id=standard_id)
    form = LimitForm(request.POST)
    if form.is_valid():
        try:
            made = services.limit_save(
                standard=standard,
                parameter=form.cleaned_data["parameter"],
                data=form.cleaned_data,
                by=person(request),
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            if not request.htmx:  # type: ignore[attr-defined]
                return redirect(reverse("lab:limit_grid", args=[standard_id]) + f"#limit-{made.pk}")
            kept = ("matrix", "kind", "effective_from", "provisional")
            fresh = LimitForm(initial={name: form.cleaned_data[name] for name in kept})
            context = {"standard": standard, "form": fresh, "row": _row(selectors.limit_get(id=made.pk))}
            return render(request, "lab/rules/grid.html#added", context)
    if not request.htmx:  # type: ignore[attr-defined]
        context = _grid(request, standard) | {"form": form}
        return render(request, "lab/rules/grid.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    context = {"standard": standard, "form": form}
    return render(request, "lab/rules/grid.html#entry", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_http_methods(["GET", "POST"])
@policy("standards.edit")
def limit_edit(request: HttpRequest, limit_id: UUID) -> HttpResponse:
    limit = selectors.limit_get(id=limit_id)
    form = LimitForm(request.POST or None, limit=limit)
    if form.is_valid():
        try:
            made = services.limit_save(
                standard=limit.standard,
                parameter=limit.parameter,
                data=form.cleaned_data,
                by=person(request),
                limit=limit,
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            if not request.htmx:  # type: ignore[attr-defined]
                return redirect("lab:limit_detail", made.pk)
            row = _row(selectors.limit_get(id=made.pk))
            return render(request, "lab/rules/grid.html#row", {"standard": limit.standard, "row": row, "focus": True})
    context: dict[str, Any] = {"standard": limit.standard, "row": _row(limit), "edit_form": form}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "lab/rules/grid.html#edit", context, status=status)
    return render(request, "lab/rules/limit_edit.html", context, status=status)


@require_GET
@policy("standards.edit")
def limit_row(request: HttpRequest, limit_id: UUID) -> HttpResponse:
    """One row as it is: what a cancelled edit goes back to."""
    limit = selectors.limit_get(id=limit_id)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("lab:limit_detail", limit_id)
    context = {"standard": limit.standard, "row": _row(limit), "focus": True}
    return render(request, "lab/rules/grid.html#row", context)


@require_POST
@policy("standards.edit")
def limit_delete(request: HttpRequest, limit_id: UUID) -> HttpResponse:
    limit = selectors.limit_get(id=limit_id)
    services.limit_delete(limit=limit, by=person(request))
    return redirect("lab:limit_grid", limit.standard_id)


@require_GET
@policy("parameters.view")
def limit_detail(request: HttpRequest, limit_id: UUID) -> HttpResponse:
    return _limit(request, selectors.limit_get(id=limit_id), ConfirmationForm())


@require_POST
@policy("standards.edit")
def limit_confirm(request: HttpRequest, limit_id: UUID) -> HttpResponse:
    limit = selectors.limit_get(id=limit_id)
    form = ConfirmationForm(request.POST)
    if form.is_valid():
        try:
            services.limit_confirm(limit=limit, by=person(request), **form.cleaned_data)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:limit_detail", limit_id)
    return _limit(request, limit, form)


@require_POST
@policy("standards.edit")
def limit_withdraw(request: HttpRequest, limit_id: UUID) -> HttpResponse:
    limit = selectors.limit_get(id=limit_id)
    try:
        services.limit_withdraw(limit=limit, by=person(request))
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    return redirect("lab:limit_detail", limit_id)


def _limit(request: HttpRequest, limit: Limit, form: ConfirmationForm) -> HttpResponse:
    context = {
        "limit": limit,
        "row": _row(limit),
        "form": form,
        "told": tell(services.limit_history(limit=limit)),
        "may_edit": may(request, "standards.edit"),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "lab/rules/limit.html", context, status=status)


def _row(limit: Limit) -> dict[str, Any]:
    return {
        "limit": limit,
        "text": limit_text(limit),
        "guidance": f"{plain(limit.guidance)} {limit.unit}" if limit.guidance is not None else "",
        "source": confidence(limit),
        "own": limit.organization_id is not None,
    }


def _grid(request: HttpRequest, standard: Standard) -> dict[str, Any]:
    filters = LimitFilter(request.GET, queryset=selectors.limit_list(standard=standard.pk), request=request)
    filters.form.fields["group"].widget.attrs["class"] = "form-select w-auto"
    page = Paginator(filters.qs, PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    return {
        "standard": standard,
        "form": LimitForm(initial={"effective_from": standard.effective_from}),
        "filters": filters.form,
        "filtered": bool(query),
        "query": query.urlencode(),
        "page": page,
        "rows": [_row(limit) for limit in page],
    }


def _form(request: HttpRequest, form: Any, *, title: str, back: str, **more: Any) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "lab/rules/form.html", {"form": form, "title": title, "back": back} | more, status=status)
