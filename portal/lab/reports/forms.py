"""Forms, table and filters of the report pages."""

from typing import Any

import django_filters
import django_tables2
from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.lab.choices import Compliance, SampleType
from portal.lab.models import LANGUAGES, ComplianceReport, Standard
from portal.lab.reports.amending import MAX_REASON
from portal.lab.reports.filters import MAX_TITLE
from portal.lab.reports.selectors import report_search
from portal.lab.reports.wording import percent
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn


class ReportForm(forms.Form):
    """The filters of a new report under their wire names; `read_filters` checks them."""

    title = forms.CharField(
        label=_("Title"),
        max_length=MAX_TITLE,
        required=False,
        help_text=_("Left empty, it is called compliance report."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)
    dateFrom = forms.CharField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}))  # noqa: N815
    dateTo = forms.CharField(label=_("To"), required=False, widget=forms.DateInput({"type": "date"}))  # noqa: N815
    type = forms.ChoiceField(label=_("Kind of water"), required=False, choices=[("", _("All")), *SampleType.choices])
    location = forms.CharField(
        label=_("Location contains"), max_length=300, required=False, widget=forms.TextInput({"dir": "auto"})
    )
    complianceStatus = forms.MultipleChoiceField(  # noqa: N815
        label=_("Compliance"), required=False, choices=Compliance.choices, widget=forms.CheckboxSelectMultiple
    )
    standards = forms.MultipleChoiceField(
        label=_("Standards"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("None chosen means all.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].initial = (get_language() or "en")[:2]
        held = {row.key: row.reference for row in Standard.objects.all()}  # in order, the newest edition's reference
        self.fields["standards"].choices = [(key, f"{key}: {reference}") for key, reference in held.items()]  # type: ignore[attr-defined]

    def filters(self) -> dict[str, Any]:
        """What was chosen, as `report_issue` takes it."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("title", "language") and value}


class AmendmentForm(forms.Form):
    """Why a report is drawn up anew."""

    reason = forms.CharField(
        label=_("Reason for the amendment"),
        max_length=MAX_REASON,
        widget=forms.Textarea({"rows": 2, "dir": "auto"}),
        help_text=_("It stands on the new report."),
    )
    title = forms.CharField(label=_("Title"), max_length=MAX_TITLE, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)


class ReportFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    language = django_filters.ChoiceFilter(choices=LANGUAGES, label=_("Language"), empty_label=_("All"))
    state = django_filters.ChoiceFilter(
        method="by_state",
        label=_("Status"),
        choices=[("current", _("In force")), ("superseded", _("Superseded"))],
        empty_label=_("All"),
    )
    issued = django_filters.DateFromToRangeFilter(
        field_name="generated_at",
        label=_("Issued"),
        widget=django_filters.widgets.DateRangeWidget(attrs={"type": "date", "class": "form-control"}),
    )

    class Meta:
        model = ComplianceReport
        fields: list[str] = []

    def search(self, rows: QuerySet[ComplianceReport], name: str, value: str) -> QuerySet[ComplianceReport]:
        return report_search(rows, value)

    def by_state(self, rows: QuerySet[ComplianceReport], name: str, value: str) -> QuerySet[ComplianceReport]:
        return rows.filter(amended_by__isnull=value == "current")


class ReportTable(Table):
    number = LtrColumn(linkify=("reports:detail", {"report_id": django_tables2.A("pk")}))
    title = TextColumn(empty_values=())
    language = django_tables2.Column()
    generated_at = DateTimeColumn(verbose_name=_("Issued"))
    generated_by = TextColumn(verbose_name=_("Issued by"), orderable=False)
    samples = NumberColumn(verbose_name=_("Samples"), orderable=False)
    share = NumberColumn(verbose_name=_("Conforming share"), orderable=False)
    newer = django_tables2.Column(verbose_name=_("Status"), orderable=False, empty_values=())

    class Meta:
        model = ComplianceReport
        fields = ("number", "title", "language", "generated_at", "generated_by", "samples", "share", "newer")
        order_by = ("-generated_at",)

    def render_title(self, value: str) -> SafeString:
        return format_html('<span dir="auto">{}</span>', value or _("Compliance report"))

    def render_newer(self, value: str | None) -> SafeString:
        colour, word = ("secondary", _("Superseded")) if value else ("green", _("In force"))
        return format_html('<span class="badge bg-{}-lt">{}</span>', colour, word)

    def render_share(self, value: str) -> SafeString:
        return format_html('<bdi dir="ltr">{}</bdi>', percent(float(value)))
