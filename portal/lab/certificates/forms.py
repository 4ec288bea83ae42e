"""Forms, table and filters of the pages of certificates."""

from typing import Any

import django_filters
import django_tables2
from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.lab.certificates.content import STATED
from portal.lab.certificates.models import Certificate
from portal.lab.certificates.selectors import certificate_search
from portal.lab.models import LANGUAGES
from portal.lab.reports.amending import MAX_REASON
from portal.ui.tables import DateTimeColumn, LtrColumn, Table, TextColumn


def _text(label: Any, name: str, help_text: Any = "", rows: int = 2) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=STATED[name],
        required=False,
        help_text=help_text,
        widget=forms.Textarea({"rows": rows, "dir": "auto"}),
    )


class CertificateForm(forms.Form):
    """What the laboratory states beside its measurements, under wire names; `read_stated` checks it."""

    customer = _text(_("Customer"), "customer", _("Name, address and how to reach them, a line each."), 3)
    samplingMethod = _text(_("Sampling method"), "samplingMethod", _("Plan and method, with its edition."))  # noqa: N815
    sampledByCustomer = forms.BooleanField(label=_("The customer took the sample"), required=False)  # noqa: N815
    condition = _text(_("Condition on receipt"), "condition", _("Container, temperature, seal, anything remarkable."))
    deviations = _text(
        _("Deviations, additions and exclusions"),
        "deviations",
        _("From the method, a line each. Late analyses are named by themselves."),
    )
    place = _text(_("Place of the analyses"), "place", _("Where that is not the laboratory's own address."), 1)
    external = _text(_("Results of external providers"), "external", _("Which results, and whose."))
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].initial = (get_language() or "en")[:2]

    def stated(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in (*STATED, "sampledByCustomer")}


class AmendmentForm(CertificateForm):
    """The same with the reason; what is shown first is what the certificate says."""

    reason = forms.CharField(
        label=_("Reason for the amendment"),
        max_length=MAX_REASON,
        widget=forms.Textarea({"rows": 2, "dir": "auto"}),
        help_text=_("It stands on the new certificate."),
    )
    field_order = ("reason",)


class CertificateFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
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
        model = Certificate
        fields: list[str] = []

    def search(self, rows: QuerySet[Certificate], name: str, value: str) -> QuerySet[Certificate]:
        return certificate_search(rows, value)

    def by_state(self, rows: QuerySet[Certificate], name: str, value: str) -> QuerySet[Certificate]:
        return rows.filter(amended_by__isnull=value == "current")


class CertificateTable(Table):
    number = LtrColumn(linkify=("lab:certificate_detail", {"certificate_id": django_tables2.A("pk")}))
    sample = LtrColumn(accessor="sample__code", verbose_name=_("Sample"))
    location = TextColumn(accessor="sample__location", verbose_name=_("Location"), orderable=False)
    customer = TextColumn()
    generated_at = DateTimeColumn()
    generated_by = TextColumn(verbose_name=_("Issued by"), orderable=False)
    newer = django_tables2.Column(verbose_name=_("Status"), orderable=False, empty_values=())

    class Meta:
        model = Certificate
        fields = ("number", "sample", "location", "customer", "generated_at", "generated_by", "newer")
        order_by = ("-generated_at",)

    def render_customer(self, value: str) -> SafeString:
        return format_html('<span dir="auto">{}</span>', value.splitlines()[0])

    def render_newer(self, value: str | None) -> SafeString:
        colour, word = ("secondary", _("Superseded")) if value else ("green", _("In force"))
        return format_html('<span class="badge bg-{}-lt">{}</span>', colour, word)
