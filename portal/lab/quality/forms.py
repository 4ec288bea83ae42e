"""Forms, filters and tables of quality control."""

from typing import Any

import django_filters
import django_tables2
from django import forms
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.lab import selectors as lab
from portal.lab.models import Parameter
from portal.lab.pages.rule_forms import DayField, DecimalField, ServiceForm
from portal.lab.quality import selectors
from portal.lab.quality.choices import Basis, Kind, Verdict
from portal.lab.quality.models import AcceptanceCriterion, ControlMaterial, ControlTarget, QcResult
from portal.lab.quality.wording import note
from portal.lab.reports.wording import plain
from portal.ui.filters import DateFrom, DateTo
from portal.ui.tables import DateColumn, DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn, VerdictColumn
from portal.ui.templatetags.marsad import EMPTY, icon, localdate

_AUTO = {"dir": "auto"}
_LTR = {"dir": "ltr", "autocomplete": "off"}
_ALL = _("All")
_DAY = forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d")


class _ParameterForm(ServiceForm):
    """A form about one parameter, which stays once it is chosen."""

    parameter = forms.ModelChoiceField(
        label=_("Parameter"), queryset=Parameter.objects.none(), widget=forms.Select(attrs={"data-search": True})
    )

    def __init__(self, data: Any = None, *, row: ControlTarget | AcceptanceCriterion | None = None) -> None:
        super().__init__(data, initial={name: getattr(row, name) for name in self.base_fields} if row else None)
        if row is not None:
            del self.fields["parameter"]
        else:
            self.fields["parameter"].queryset = lab.parameter_list()  # type: ignore[attr-defined]

    @property
    def data_for_service(self) -> dict[str, Any]:
        """The parameter by its id."""
        values = dict(self.cleaned_data)
        if (chosen := values.get("parameter")) is not None:
            values["parameter"] = chosen.pk
        return values


class MaterialForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(attrs=_AUTO))
    lot = forms.CharField(label=_("Lot"), max_length=60, widget=forms.TextInput(attrs=_LTR))
    supplier = forms.CharField(label=_("Supplier"), max_length=150, required=False, widget=forms.TextInput(attrs=_AUTO))
    expires_on = DayField(label=_("Expires"), required=False)
    notes = forms.CharField(
        label=_("Notes"), max_length=10_000, required=False, widget=forms.Textarea(attrs=_AUTO | {"rows": 2})
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)


class TargetForm(_ParameterForm):
    unit = forms.CharField(
        label=_("Unit"), max_length=30, required=False, widget=forms.TextInput(attrs=_LTR),
        help_text=_("Empty: the parameter's own."),
    )  # fmt: skip
    assigned = DecimalField(label=_("Assigned value"))
    uncertainty = DecimalField(label=_("Expanded uncertainty (k = 2)"), required=False)
    sd = DecimalField(
        label=_("Standard deviation"), required=False, help_text=_("Empty: half of the expanded uncertainty.")
    )
    basis = forms.ChoiceField(
        label=_("Mean and SD of the chart"), choices=Basis.choices, widget=forms.RadioSelect, initial=Basis.FIXED
    )
    period_from = DayField(label=_("Period from"), required=False)
    period_to = DayField(label=_("Period until"), required=False)


class CriterionForm(_ParameterForm):
    method = forms.CharField(
        label=_("Method"), max_length=200, required=False, widget=forms.TextInput(attrs=_AUTO),
        help_text=_("Exactly as worksheets say it, edition included; empty: any method."),
    )  # fmt: skip
    blank_limit = DecimalField(label=_("Highest blank"), required=False)
    unit = forms.CharField(
        label=_("Unit of the blank"), max_length=30, required=False, widget=forms.TextInput(attrs=_LTR)
    )
    max_rpd = DecimalField(label=_("Highest relative percent difference (%)"), required=False)
    spike_low = DecimalField(label=_("Lowest recovery of a spike (%)"), required=False)
    spike_high = DecimalField(label=_("Highest recovery of a spike (%)"), required=False)
    control_low = DecimalField(label=_("Lowest recovery of a control (%)"), required=False)
    control_high = DecimalField(label=_("Highest recovery of a control (%)"), required=False)


class ChartForm(forms.Form):
    """Which part of a chart is shown."""

    date_from = DayField(label=_("From"), required=False, widget=_DAY)
    date_to = DayField(label=_("Until"), required=False, widget=_DAY)


class MaterialFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"), method="search")
    is_active = django_filters.BooleanFilter(label=_("In use"))

    def search(self, rows: QuerySet[ControlMaterial], name: str, value: str) -> QuerySet[ControlMaterial]:
        return rows.filter(Q(name__icontains=value) | Q(lot__icontains=value) | Q(supplier__icontains=value))


class MaterialTable(Table):
    name = TextColumn(linkify=("lab:qc_material", {"control_material_id": django_tables2.A("pk")}))
    lot = LtrColumn()
    supplier = TextColumn()
    expires_on = DateColumn()
    target_count = NumberColumn(verbose_name=_("Parameters"))
    last_used = DateTimeColumn(verbose_name=_("Last measured"))
    is_active = django_tables2.Column(empty_values=())

    class Meta:
        model = ControlMaterial
        fields = ("name", "lot", "supplier", "expires_on", "target_count", "last_used", "is_active")
        order_by = ("name",)

    def render_expires_on(self, value: Any) -> SafeString:
        if value < timezone.localdate():
            return format_html(
                '{} <span class="badge bg-red-lt verdict">{}{}</span>',
                localdate(value), icon("alert-triangle"), _("Expired"),
            )  # fmt: skip
        return localdate(value)

    def render_is_active(self, record: ControlMaterial) -> Any:
        return _("Yes") if record.is_active else _("No")


class ResultFilter(django_filters.FilterSet):
    date_from = DateFrom(field_name="measured_at", label=_("Analysed from"))
    date_to = DateTo(field_name="measured_at", label=_("Analysed until"))
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Kind.choices, empty_label=_ALL)
    verdict = django_filters.ChoiceFilter(label=_("Verdict"), choices=Verdict.choices, empty_label=_ALL)
    parameter = django_filters.ModelChoiceFilter(
        label=_("Parameter"), queryset=lambda request: lab.parameter_list(), empty_label=_ALL
    )
    material = django_filters.ModelChoiceFilter(
        label=_("Control material"), queryset=lambda request: selectors.material_list(), empty_label=_ALL
    )


class ResultTable(Table):
    measured_at = DateTimeColumn()
    kind = django_tables2.Column()
    parameter = TextColumn(order_by=("parameter__code",))
    value_text = LtrColumn(orderable=False)
    verdict = VerdictColumn()
    why = TextColumn(verbose_name=_("Figures"), accessor="pk", orderable=False)
    material = TextColumn(order_by=("material__name",))
    worksheet = django_tables2.Column(verbose_name=_("Worksheet"), accessor="item__worksheet", orderable=False)
    analyst_name = TextColumn()

    class Meta:
        model = QcResult
        fields = (
            "measured_at", "kind", "parameter", "value_text", "verdict", "why", "material", "worksheet", "analyst_name",
        )  # fmt: skip
        order_by = ("-measured_at",)

    def render_value_text(self, record: QcResult) -> SafeString:
        text = format_html('<bdi dir="ltr">{} {}</bdi>', record.value_text, record.unit)
        if record.repeated:
            return format_html('<span>{} <span class="badge bg-secondary-lt">{}</span></span>', text, _("repeated"))
        return text

    def render_why(self, record: QcResult) -> SafeString:
        said = note(record)
        return format_html('<span dir="auto">{}</span>', said) if said else EMPTY

    def render_worksheet(self, value: Any) -> SafeString:
        return format_html('<a href="/worksheets/{}"><bdi dir="ltr">{}</bdi></a>', value.pk, value.number)


class CriterionFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"), method="search")

    def search(self, rows: QuerySet[AcceptanceCriterion], name: str, value: str) -> QuerySet[AcceptanceCriterion]:
        found = Q(method__icontains=value)
        for column in ("code", "name_en", "name_fr", "name_ar"):
            found |= Q(**{f"parameter__{column}__icontains": value})
        return rows.filter(found)


class CriterionTable(Table):
    parameter = TextColumn(order_by=("parameter__code",))
    method = TextColumn(default=_("any"))
    blank_limit = NumberColumn(orderable=False)
    max_rpd = NumberColumn(orderable=False)
    spike = LtrColumn(verbose_name=_("Spike recovery (%)"), accessor="pk", orderable=False)
    control = LtrColumn(verbose_name=_("Control recovery (%)"), accessor="pk", orderable=False)

    class Meta:
        model = AcceptanceCriterion
        fields = ("parameter", "method", "blank_limit", "max_rpd", "spike", "control")
        order_by = ("parameter",)

    def render_parameter(self, record: AcceptanceCriterion) -> SafeString:
        return format_html('<a href="/qc/criteria/{}"><span dir="auto">{}</span></a>', record.pk, record.parameter.name)

    def render_blank_limit(self, record: AcceptanceCriterion) -> SafeString:
        return format_html('<bdi dir="ltr">≤ {} {}</bdi>', plain(record.blank_limit), record.unit)

    def render_max_rpd(self, value: Any) -> SafeString:
        return format_html('<bdi dir="ltr">≤ {} %</bdi>', plain(value))

    def render_spike(self, record: AcceptanceCriterion) -> SafeString:
        return _range(record.spike_low, record.spike_high)

    def render_control(self, record: AcceptanceCriterion) -> SafeString:
        return _range(record.control_low, record.control_high)


class CriterionReadTable(CriterionTable):
    """For those who may not change the criteria."""

    def render_parameter(self, record: AcceptanceCriterion) -> SafeString:
        address = reverse("lab:parameter_detail", args=[record.parameter_id])
        return format_html('<a href="{}"><span dir="auto">{}</span></a>', address, record.parameter.name)


def _range(low: Any, high: Any) -> SafeString:
    if low is None and high is None:
        return EMPTY
    if high is None:
        return format_html('<bdi dir="ltr">≥ {}</bdi>', plain(low))
    return format_html('<bdi dir="ltr">{} {}</bdi>', "≤" if low is None else f"{plain(low)} –", plain(high))
