"""Pages of quality control: control materials with their charts, acceptance criteria, QC results."""

import json
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common import clock, pdf
from portal.core.common.errors import Conflict, DomainError
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.quality import drawing, selectors, services
from portal.lab.quality.forms import (
    ChartForm,
    CriterionFilter,
    CriterionForm,
    CriterionReadTable,
    CriterionTable,
    MaterialFilter,
    MaterialForm,
    MaterialTable,
    ResultFilter,
    ResultTable,
    TargetForm,
)
from portal.lab.quality.models import ControlMaterial, ControlTarget
from portal.lab.quality.selectors import Chart
from portal.lab.quality.westgard import FEW
from portal.lab.quality.wording import RULES
from portal.lab.reports.charts import COLOURS
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person


@require_GET
@policy("qc.view")
def material_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "qc.edit")
    empty = Empty(
        title=gettext_lazy("No control material yet"),
        text=gettext_lazy(
            "Register the reference materials that are measured with every run: each parameter gets its own control"
            " chart."
        ),
        icon="chart-line",
        action_label=gettext_lazy("New control material") if may_edit else "",
        action_url=reverse("lab:qc_material_create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=selectors.material_list(),
        table=MaterialTable,
        filterset=MaterialFilter,
        template="lab/quality/list.html",
        list_id="materials",
        caption=gettext_lazy("Control materials"),
        empty=empty,
        context={"tab": "materials", "may_edit": may_edit},
    )


@require_GET
@policy("qc.view")
def result_list(request: HttpRequest) -> HttpResponse:
    empty = Empty(
        title=gettext_lazy("No QC result yet"),
        text=gettext_lazy("Blanks, duplicates, spikes and controls of worksheets appear here with their verdicts."),
        icon="gauge",
    )
    return list_page(
        request,
        queryset=selectors.result_list(),
        table=ResultTable,
        filterset=ResultFilter,
        template="lab/quality/list.html",
        list_id="qc-results",
        caption=gettext_lazy("QC results"),
        empty=empty,
        context={"tab": "results", "may_edit": may(request, "qc.edit")},
    )


@require_GET
@policy("qc.view")
def criterion_list(request: HttpRequest) -> HttpResponse:
    may_edit = may(request, "qc.edit")
    empty = Empty(
        title=gettext_lazy("No acceptance criterion yet"),
        text=gettext_lazy("Say for each parameter how large a blank, a difference or a recovery may be."),
        icon="scale",
        action_label=gettext_lazy("New criterion") if may_edit else "",
        action_url=reverse("lab:qc_criterion_create") if may_edit else "",
    )
    return list_page(
        request,
        queryset=selectors.criterion_list(),
        table=CriterionTable if may_edit else CriterionReadTable,
        filterset=CriterionFilter,
        template="lab/quality/list.html",
        list_id="criteria",
        caption=gettext_lazy("Acceptance criteria"),
        empty=empty,
        context={"tab": "criteria", "may_edit": may_edit},
    )


# --- control materials -----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@policy("qc.edit")
def material_create(request: HttpRequest) -> HttpResponse:
    return _material(request, None, _("New control material"), reverse("lab:qc_materials"))


@require_http_methods(["GET", "POST"])
@policy("qc.edit")
def material_edit(request: HttpRequest, control_material_id: UUID) -> HttpResponse:
    row = selectors.material_get(id=control_material_id)
    return _material(request, row, _("Change control material"), reverse("lab:qc_material", args=[row.pk]))


def _material(request: HttpRequest, row: ControlMaterial | None, title: str, back: str) -> HttpResponse:
    initial = {name: getattr(row, name) for name in MaterialForm.base_fields} if row else None
    form = MaterialForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            made = services.material_save(material=row, data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:qc_material", made.pk)
    return _form(request, form, title, back)


@require_GET
@policy("qc.view")
def material_detail(request: HttpRequest, control_material_id: UUID) -> HttpResponse:
    row = selectors.material_get(id=control_material_id)
    context = {
        "material": row,
        "expired": row.expires_on is not None and row.expires_on < timezone.localdate(),
        "charts": selectors.charts(material=row),
        "may_edit": may(request, "qc.edit"),
    }
    return render(request, "lab/quality/material.html", context)


@require_http_methods(["GET", "POST"])
@policy("qc.edit")
def target_create(request: HttpRequest, control_material_id: UUID) -> HttpResponse:
    material = selectors.material_get(id=control_material_id)
    return _target(request, material, None, _("New assigned value"))


@require_http_methods(["GET", "POST"])
@policy("qc.edit")
def target_edit(request: HttpRequest, control_target_id: UUID) -> HttpResponse:
    row = selectors.target_get(id=control_target_id)
    return _target(request, row.material, row, str(row.parameter.name))


def _target(request: HttpRequest, material: ControlMaterial, row: ControlTarget | None, title: str) -> HttpResponse:
    form = TargetForm(request.POST or None, row=row)
    if form.is_valid():
        try:
            services.target_save(material=material, target=row, data=form.data_for_service, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:qc_material", material.pk)
    return _form(request, form, title, reverse("lab:qc_material", args=[material.pk]), material=material)


@require_POST
@policy("qc.edit")
def target_delete(request: HttpRequest, control_target_id: UUID) -> HttpResponse:
    row = selectors.target_get(id=control_target_id)
    try:
        services.target_delete(target=row, by=person(request))
    except Conflict as refusal:
        messages.error(request, str(refusal.message))
    return redirect("lab:qc_material", row.material_id)


# --- charts --------------------------------------------------------------------------------------------------


@require_GET
@policy("qc.view")
def chart(request: HttpRequest, control_material_id: UUID, parameter_id: UUID) -> HttpResponse:
    form = ChartForm(request.GET)
    made = _chart(control_material_id, parameter_id, form)
    context = _chart_context(made) | {
        "form": form,
        "data": json.dumps(drawing.data(made)),
        "query": request.GET.urlencode(),
        "may_edit": may(request, "qc.edit"),
    }
    return render(request, "lab/quality/chart.html", context)


@require_GET
@policy("qc.view")
def chart_pdf(request: HttpRequest, control_material_id: UUID, parameter_id: UUID) -> HttpResponse:
    made = _chart(control_material_id, parameter_id, ChartForm(request.GET))
    organization = Organization.objects.get(pk=scope.organization_id())
    language = (get_language() or "en")[:2]
    number = f"{made.target.material.lot} {made.target.parameter.code}"
    context = _chart_context(made) | {
        "picture": drawing.picture(made),
        "organization": organization,
        "printed_at": clock.now().astimezone(clock.zone(organization.time_zone)),
        "language": language,
        "direction": "rtl" if language == "ar" else "ltr",
    }
    content = pdf.render("lab/quality/chart_pdf.html", context, number=number, colours=COLOURS)
    headers = {"Content-Disposition": 'inline; filename="control-chart.pdf"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


def _chart(material: UUID, parameter: UUID, form: ChartForm) -> Chart:
    target = selectors.target_of(material=material, parameter=parameter)
    chosen = form.cleaned_data if form.is_valid() else {}
    since, until = selectors.period(chosen.get("date_from"), chosen.get("date_to"))
    return selectors.chart(target=target, since=since, until=until)


def _chart_context(made: Chart) -> dict[str, Any]:
    known = made.statistics
    return {
        "chart": made,
        "target": made.target,
        "lines": [(step, made.line(step)) for step in (3, 2, 1, 0, -1, -2, -3)] if known else [],
        "rules": list(RULES.items()),
        "preliminary": known is not None and made.target.basis == "period" and known.number < FEW,
        "few": FEW,
        "newest_first": made.points[::-1],
        "rejected": [point for point in made.violations if point.verdict == "FAIL"],
    }


# --- acceptance criteria -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@policy("qc.edit")
def criterion_create(request: HttpRequest) -> HttpResponse:
    form = CriterionForm(request.POST or None)
    if form.is_valid():
        try:
            services.criterion_save(criterion=None, data=form.data_for_service, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:qc_criteria")
    return _form(request, form, _("New criterion"), reverse("lab:qc_criteria"))


@require_http_methods(["GET", "POST"])
@policy("qc.edit")
def criterion_edit(request: HttpRequest, acceptance_criterion_id: UUID) -> HttpResponse:
    row = selectors.criterion_get(id=acceptance_criterion_id)
    form = CriterionForm(request.POST or None, row=row)
    if form.is_valid():
        try:
            services.criterion_save(criterion=row, data=form.data_for_service, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:qc_criteria")
    delete = reverse("lab:qc_criterion_delete", args=[row.pk])
    return _form(request, form, str(row.parameter.name), reverse("lab:qc_criteria"), delete=delete)


@require_POST
@policy("qc.edit")
def criterion_delete(request: HttpRequest, acceptance_criterion_id: UUID) -> HttpResponse:
    services.criterion_delete(criterion=selectors.criterion_get(id=acceptance_criterion_id), by=person(request))
    return redirect("lab:qc_criteria")


def _form(request: HttpRequest, form: Any, title: str, back: str, **more: Any) -> HttpResponse:
    bad = form.is_bound and not form.is_valid()
    status = HTTPStatus.UNPROCESSABLE_ENTITY if bad else HTTPStatus.OK
    context = {"form": form, "title": title, "back": back, **more}
    return render(request, "lab/quality/form.html", context, status=status)
