"""Pages of an organisation's own parameters and of its ranges of shared ones."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.lab import parameters as services
from portal.lab import selectors
from portal.lab.models import Parameter
from portal.lab.pages.rule_forms import DecimalField, ServiceForm
from portal.lab.pages.wording import GROUPS
from portal.lab.points.forms import CountField
from portal.lab.rulebook import rulebook
from portal.ui.forms import AUTO, LTR
from portal.ui.people import person

_HOURS = gettext_lazy("Holding time (h)")


class RangeForm(ServiceForm):
    minimum = DecimalField(label=gettext_lazy("Lowest plausible value"), required=False)
    maximum = DecimalField(label=gettext_lazy("Highest plausible value"), required=False)
    holding_hours = CountField(label=_HOURS, required=False, min_value=1, max_value=9999)
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=200, widget=forms.TextInput(AUTO))


class ParameterForm(ServiceForm):
    code = forms.CharField(label=gettext_lazy("Code"), max_length=30, widget=forms.TextInput(LTR))
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=200, widget=forms.TextInput(LTR))
    name_fr = forms.CharField(
        label=gettext_lazy("French name"), max_length=200, required=False, widget=forms.TextInput(LTR)
    )
    name_ar = forms.CharField(
        label=gettext_lazy("Arabic name"), max_length=200, required=False, widget=forms.TextInput({"dir": "rtl"})
    )
    group = forms.ChoiceField(label=gettext_lazy("Group"), choices=list(GROUPS.items()))
    unit = forms.CharField(
        label=gettext_lazy("Unit"), max_length=30, widget=forms.TextInput(LTR),
        help_text=gettext_lazy("As in mg/L, µg/L, NTU, CFU/100 mL; results come in every unit that converts to it."),
    )  # fmt: skip
    minimum = DecimalField(label=gettext_lazy("Lowest plausible value"), required=False)
    maximum = DecimalField(label=gettext_lazy("Highest plausible value"), required=False)
    holding_hours = CountField(
        label=_HOURS, required=False, min_value=1, max_value=9999,
        help_text=gettext_lazy("From sampling to the start of the analysis; later is flagged."),
    )  # fmt: skip
    decimals = CountField(label=gettext_lazy("Decimals"), required=False, min_value=0, max_value=12)
    cas = forms.CharField(label=gettext_lazy("CAS number"), max_length=20, required=False, widget=forms.TextInput(LTR))
    typical_loq = forms.CharField(
        label=gettext_lazy("Usual limit of quantification"), max_length=60, required=False, widget=forms.TextInput(LTR)
    )
    methods = forms.CharField(
        label=gettext_lazy("Methods"), max_length=2000, required=False, widget=forms.TextInput(AUTO),
        help_text=gettext_lazy("Separated by semicolons."),
    )  # fmt: skip
    aliases = forms.CharField(
        label=gettext_lazy("Other names"), max_length=1000, required=False, widget=forms.TextInput(AUTO),
        help_text=gettext_lazy("Separated by semicolons."),
    )  # fmt: skip
    members = forms.MultipleChoiceField(
        label=gettext_lazy("Parts of a sum"), required=False, widget=forms.SelectMultiple({"data-search": ""})
    )

    def __init__(self, *args: Any, parameter: Parameter | None = None, **kwargs: Any) -> None:
        if parameter is not None:
            kwargs["initial"] = {name: getattr(parameter, name) for name in self.base_fields} | {
                "aliases": "; ".join(parameter.aliases)
            }
        super().__init__(*args, **kwargs)
        rows = sorted(selectors.parameter_list(), key=lambda row: row.name)
        self.fields["members"].choices = [  # type: ignore[attr-defined]
            (row.code, f"{row.name} \N{MIDDLE DOT} {row.code}") for row in rows if row != parameter
        ]

    def clean_aliases(self) -> list[str]:
        return [name.strip() for name in self.cleaned_data["aliases"].split(";") if name.strip()]


@require_http_methods(["GET", "POST"])
@policy(services.RIGHT)
def parameter_create(request: HttpRequest) -> HttpResponse:
    form = ParameterForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.parameter_create(data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:parameter_detail", made.pk)
    return _form(request, form, title=_("New parameter"), back=reverse("lab:parameter_list"))


@require_http_methods(["GET", "POST"])
@policy(services.RIGHT)
def parameter_edit(request: HttpRequest, parameter_id: UUID) -> HttpResponse:
    parameter = selectors.parameter_get(id=parameter_id)
    form = ParameterForm(request.POST or None, parameter=parameter)
    if form.is_valid():
        try:
            services.parameter_update(parameter=parameter, data=form.cleaned_data, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("lab:parameter_detail", parameter_id)
    back = reverse("lab:parameter_detail", args=[parameter_id])
    return _form(request, form, title=_("Change parameter"), back=back, parameter=parameter)


@require_POST
@policy(services.RIGHT)
def parameter_use(request: HttpRequest, parameter_id: UUID) -> HttpResponse:
    """Take an own parameter out of use, or into it again (`active=1`)."""
    parameter = selectors.parameter_get(id=parameter_id)
    services.parameter_activate(parameter=parameter, active=request.POST.get("active") == "1", by=person(request))
    return redirect("lab:parameter_detail", parameter_id)


@require_http_methods(["GET", "POST"])
@policy(services.RIGHT)
def parameter_range(request: HttpRequest, parameter_id: UUID) -> HttpResponse:
    """The organisation's own plausible range and holding time; `reset` goes back to the shared ones."""
    parameter = selectors.parameter_get(id=parameter_id)
    ours = rulebook().parameters.get(parameter_id, parameter)
    names = ("minimum", "maximum", "holding_hours")
    form = RangeForm(request.POST or None, initial={name: getattr(ours, name) for name in names})
    if "reset" in request.POST:
        values = {name: getattr(parameter, name) for name in names}
        services.range_save(parameter=parameter, by=person(request), **values)
        return redirect("lab:parameter_detail", parameter_id)
    if form.is_valid():
        try:
            services.range_save(parameter=parameter, by=person(request), **form.cleaned_data)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("New results are checked against this range."))
            return redirect("lab:parameter_detail", parameter_id)
    back = reverse("lab:parameter_detail", args=[parameter_id])
    title = _("Plausible range of %(name)s") % {"name": parameter.name}
    hint = _("In %(unit)s. Outside of it a result is refused as a typing error.") % {"unit": parameter.unit}
    return _form(request, form, title=title, back=back, parameter=parameter, hint=hint)


def _form(request: HttpRequest, form: Any, *, title: str, back: str, **more: Any) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context = {"form": form, "title": title, "back": back} | more
    return render(request, "lab/catalogue/parameter_form.html", context, status=status)
