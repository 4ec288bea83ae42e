"""Forms and filters of worksheets."""

from typing import Any
from uuid import UUID

import django_filters
import django_tables2
from django import forms
from django.db.models import QuerySet
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.lab import selectors as lab
from portal.lab.choices import SampleType
from portal.lab.models import Parameter
from portal.lab.pages.forms import MomentField
from portal.lab.pages.rule_forms import DayField, ServiceForm
from portal.lab.quality.models import ControlMaterial
from portal.lab.quality.wording import badge
from portal.lab.worksheets import selectors
from portal.lab.worksheets.models import Worksheet
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn

_AUTO = {"dir": "auto"}
_LTR = {"dir": "ltr", "autocomplete": "off"}
_ALL = _("All")


class HeadForm(ServiceForm):
    """Who measures, how and when."""

    method = forms.CharField(
        label=_("Method"),
        max_length=150,
        widget=forms.TextInput(attrs=_AUTO | {"list": "methods", "autocomplete": "off"}),
    )
    edition = forms.CharField(
        label=_("Edition of the method"), max_length=40, required=False, widget=forms.TextInput(attrs=_LTR)
    )
    analyst = forms.TypedChoiceField(label=_("Analyst"), coerce=lambda value: UUID(str(value)))
    instrument = forms.CharField(
        label=_("Instrument"), max_length=150, required=False, widget=forms.TextInput(attrs=_AUTO)
    )
    analysed_at = MomentField(label=_("Analysed"), required=False, help_text=_("Empty: the moment of entry."))
    notes = forms.CharField(
        label=_("Notes"), max_length=10_000, required=False, widget=forms.Textarea(attrs=_AUTO | {"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["analyst"].choices = [(user.pk, user.name) for user in selectors.analysts()]  # type: ignore[attr-defined]


class NewForm(HeadForm):
    """A worksheet with its QC samples; the samples stand beside it in the same HTML form."""

    blanks = forms.IntegerField(label=_("Blanks"), min_value=0, max_value=9, initial=1)
    materials: "forms.ModelMultipleChoiceField[ControlMaterial]" = forms.ModelMultipleChoiceField(
        label=_("Controls"), queryset=ControlMaterial.objects.none(), required=False,
        widget=forms.SelectMultiple(attrs={"data-search": True}),
    )  # fmt: skip
    duplicates = forms.IntegerField(
        label=_("Duplicates"), min_value=0, max_value=9, initial=1, help_text=_("Of the first samples.")
    )
    spikes = forms.IntegerField(
        label=_("Spikes"), min_value=0, max_value=9, initial=0, help_text=_("Of the first samples.")
    )

    def __init__(self, *args: Any, materials: QuerySet[ControlMaterial], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["materials"].queryset = materials  # type: ignore[attr-defined]


class WorkForm(forms.Form):
    """Which open work is shown."""

    parameters = forms.ModelMultipleChoiceField(
        label=_("Parameters"), queryset=Parameter.objects.none(), required=False,
        widget=forms.SelectMultiple(attrs={"data-search": True}),
    )  # fmt: skip
    type = forms.ChoiceField(label=_("Kind of water"), choices=[("", _ALL), *SampleType.choices], required=False)
    date_from = DayField(label=_("Taken from"), required=False)
    date_to = DayField(label=_("Taken until"), required=False)
    q = forms.CharField(
        label=_("Search"), max_length=200, required=False, widget=forms.TextInput(attrs=_AUTO | {"type": "search"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parameters"].queryset = lab.parameter_list()  # type: ignore[attr-defined]


class DecisionForm(ServiceForm):
    decision = forms.ChoiceField(label=_("Decision"), choices=(), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Reason"), max_length=500, widget=forms.Textarea(attrs=_AUTO | {"rows": 3}),
        help_text=_("It stands on the worksheet and in the audit log."),
    )  # fmt: skip

    def __init__(self, *args: Any, may_accept: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [("repeat", _("Measure again: the values count no longer, new ones replace them"))]
        if may_accept:
            offered.append(("accept", _("Accept the results nevertheless")))
        self.fields["decision"].choices = offered  # type: ignore[attr-defined]


class WorksheetFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"))
    status = django_filters.ChoiceFilter(label=_("Status"), choices=Worksheet.Status.choices, empty_label=_ALL)
    control = django_filters.ChoiceFilter(
        label=_("Quality control"), choices=Worksheet.Control.choices, empty_label=_ALL
    )
    analyst = django_filters.ModelChoiceFilter(
        label=_("Analyst"), queryset=lambda request: selectors.people(), empty_label=_ALL
    )
    parameter = django_filters.ModelChoiceFilter(
        label=_("Parameter"), queryset=lambda request: lab.parameter_list(), empty_label=_ALL
    )

    def filter_queryset(self, queryset: QuerySet[Worksheet]) -> QuerySet[Worksheet]:
        chosen = {name: value for name, value in self.form.cleaned_data.items() if value}
        return selectors.worksheet_list(
            statuses=[chosen["status"]] if "status" in chosen else (),
            controls=[chosen["control"]] if "control" in chosen else (),
            analyst=chosen["analyst"].pk if "analyst" in chosen else None,
            parameter=chosen["parameter"].pk if "parameter" in chosen else None,
            search=chosen.get("q", ""),
        )


class WorksheetTable(Table):
    number = LtrColumn(linkify=("lab:worksheet_detail", {"worksheet_id": django_tables2.A("pk")}))
    status = django_tables2.Column()
    control = django_tables2.Column()
    method = TextColumn()
    sample_count = NumberColumn(verbose_name=_("Samples"))
    analyst = TextColumn(order_by=("analyst__name",))
    instrument = TextColumn()
    created_at = DateTimeColumn()

    class Meta:
        model = Worksheet
        fields = ("number", "status", "control", "method", "sample_count", "analyst", "instrument", "created_at")
        order_by = ("-created_at",)

    def render_status(self, record: Worksheet) -> SafeString:
        return badge(record.status, record.get_status_display())

    def render_control(self, record: Worksheet) -> SafeString:
        return badge(record.control, record.get_control_display())
