"""Pages of parameters, standards and their limits."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import policy
from portal.lab import selectors
from portal.lab.choices import StandardRole
from portal.lab.pages.lists import (
    LimitFilter,
    LimitsColumn,
    LimitTable,
    ParameterFilter,
    ParameterTable,
    StandardTable,
    confidence,
)
from portal.lab.pages.wording import MATRICES, bounds, group_name, limit_text
from portal.lab.reports.wording import plain
from portal.lab.rulebook import rulebook
from portal.lab.science.units import fitting_units
from portal.ui.lists import Empty, list_page
from portal.ui.people import may


@require_GET
@policy("parameters.view")
def parameter_list(request: HttpRequest) -> HttpResponse:
    keys = dict.fromkeys(selectors.standard_list().values_list("key", flat=True))
    return list_page(
        request,
        queryset=selectors.parameter_list().prefetch_related("limits__standard"),
        table=ParameterTable,
        filterset=ParameterFilter,
        template="lab/catalogue/parameters.html",
        list_id="parameters",
        caption=_("Parameters"),
        empty=Empty(title=_("No parameters"), icon="ruler-measure"),
        table_kwargs={"extra_columns": [(f"limits_{key}", LimitsColumn(key)) for key in keys]},
        context={"may_manage": may(request, "parameters.manage")},
    )


@require_GET
@policy("parameters.view")
def parameter_detail(request: HttpRequest, parameter_id: UUID) -> HttpResponse:
    parameter = selectors.parameter_get(id=parameter_id)
    ours = rulebook().parameters.get(parameter_id, parameter)
    changed = any(getattr(ours, name) != getattr(parameter, name) for name in ("minimum", "maximum", "holding_hours"))
    limits = [
        {
            "limit": limit,
            "text": limit_text(limit),
            "matrix": MATRICES.get(limit.matrix, limit.matrix),
            "guidance": f"{plain(limit.guidance)} {limit.unit}" if limit.guidance is not None else "",
            "confidence": confidence(limit),
        }
        for limit in selectors.limit_list(parameter=parameter_id)
    ]
    context = {
        "parameter": parameter,
        "group": group_name(parameter.group),
        "plausible": bounds("range", ours.minimum, ours.maximum),
        "shared_range": bounds("range", parameter.minimum, parameter.maximum) if changed else "",
        "holding_hours": ours.holding_hours,
        "may_manage": may(request, "parameters.manage"),
        "units": fitting_units(parameter.unit, parameter.species or None),
        "methods": [method for method in parameter.methods.split("; ") if method],
        "limits": limits,
    }
    return render(request, "lab/catalogue/parameter.html", context)


@require_GET
@policy("parameters.view")
def standard_list(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=selectors.standard_list(),
        table=StandardTable,
        template="lab/catalogue/standards.html",
        list_id="standards",
        caption=_("Standards"),
        empty=Empty(title=_("No standards"), icon="scale"),
        context={"may_edit": may(request, "standards.edit"), "may_choose": may(request, "parameters.manage")},
    )


@require_GET
@policy("parameters.view")
def standard_detail(request: HttpRequest, standard_id: UUID) -> HttpResponse:
    standard = selectors.standard_get(id=standard_id)
    return list_page(
        request,
        queryset=selectors.limit_list(standard=standard_id),
        table=LimitTable,
        filterset=LimitFilter,
        template="lab/catalogue/standard.html",
        list_id="limits",
        caption=_("Limits"),
        empty=Empty(title=_("This standard has no limits here"), icon="scale"),
        context={
            "standard": standard,
            "role": StandardRole(role).label if (role := standard.role_here) else _("Not used"),  # type: ignore[attr-defined]
            "may_edit": may(request, "standards.edit"),
        },
    )
