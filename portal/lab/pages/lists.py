"""Tables and filters of the laboratory's lists."""

from typing import Any
from uuid import UUID

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.core.common.text import normalise
from portal.lab import selectors
from portal.lab.choices import Compliance, SampleStatus, SampleType
from portal.lab.models import Limit, Parameter, Sample, Standard
from portal.lab.pages.wording import CONFIDENCE, GROUPS, MATRICES, group_name, limit_text
from portal.lab.science.verdicts import Verdict
from portal.ui.filters import DateFrom, DateTo
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn, VerdictColumn
from portal.ui.templatetags.marsad import EMPTY, VERDICTS, ltr

_ALL = _("All")
_VERDICTS = [(verdict.value, VERDICTS[verdict.value][2]) for verdict in Verdict]


def standards() -> list[tuple[str, str]]:
    held = {row.key: row.reference for row in selectors.standard_list()}  # the newest edition's reference
    return [(key, f"{key}: {reference}") for key, reference in held.items()]


class SampleFilter(django_filters.FilterSet):
    """The filters of FR-015 and FR-016 plus the verdict under one standard; `sample_list` applies them."""

    q = django_filters.CharFilter(label=_("Search"))
    date_from = DateFrom(field_name="collection_date", label=_("Taken from"))
    date_to = DateTo(field_name="collection_date", label=_("Taken until"))
    type = django_filters.ChoiceFilter(label=_("Kind of water"), choices=SampleType.choices, empty_label=_ALL)
    location = django_filters.CharFilter(label=_("Location contains"))
    compliance = django_filters.ChoiceFilter(label=_("Compliance"), choices=Compliance.choices, empty_label=_ALL)
    status = django_filters.ChoiceFilter(label=_("Status"), choices=SampleStatus.choices, empty_label=_ALL)
    standard = django_filters.ChoiceFilter(label=_("Standard"), choices=standards, empty_label=_ALL)
    verdict = django_filters.ChoiceFilter(label=_("Verdict"), choices=_VERDICTS, empty_label=_ALL)

    def filter_queryset(self, queryset: QuerySet[Sample]) -> QuerySet[Sample]:
        chosen = {name: value for name, value in self.form.cleaned_data.items() if value}
        return selectors.sample_list(
            search=chosen.get("q", ""),
            date_from=chosen.get("date_from"),
            date_to=chosen.get("date_to"),
            types=[chosen["type"]] if "type" in chosen else (),
            location=chosen.get("location", ""),
            compliance=[chosen["compliance"]] if "compliance" in chosen else (),
            statuses=[chosen["status"]] if "status" in chosen else (),
            standard=chosen.get("standard", ""),
            verdict=chosen.get("verdict", ""),
        )


class SampleTable(Table):
    code = LtrColumn(linkify=("lab:sample_detail", {"sample_id": django_tables2.A("pk")}))
    compliance_status = VerdictColumn()
    location = TextColumn()
    type = django_tables2.Column()
    collection_date = DateTimeColumn()
    collector_name = TextColumn()
    result_count = NumberColumn()
    status = django_tables2.Column()

    class Meta:
        model = Sample
        fields = (
            "code", "compliance_status", "location", "type", "collection_date", "collector_name", "result_count",
            "status",
        )  # fmt: skip
        order_by = ("-collection_date",)


class ParameterFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"))
    group = django_filters.ChoiceFilter(label=_("Group"), choices=list(GROUPS.items()), empty_label=_ALL)
    standard = django_filters.ChoiceFilter(label=_("Has a limit in"), choices=standards, empty_label=_ALL)

    def filter_queryset(self, queryset: QuerySet[Parameter]) -> QuerySet[Parameter]:
        chosen = self.form.cleaned_data
        rows = selectors.parameter_list(group=chosen.get("group") or "").prefetch_related("limits__standard")
        if words := normalise(chosen.get("q") or "").split():
            rows = rows.filter(pk__in=_named(words))
        if key := chosen.get("standard"):
            rows = rows.filter(limits__standard__key=key).distinct()
        return rows


def _named(words: list[str]) -> list[UUID]:
    """The parameters whose names hold all `words`; some hundred rows, compared here in one spelling of Arabic and
    without accents."""
    rows = selectors.parameter_list().values_list("pk", "code", "cas", "name_en", "name_fr", "name_ar", "aliases")
    texts = ((pk, normalise(" ".join((*names, *aliases)))) for pk, *names, aliases in rows)
    return [pk for pk, text in texts if all(word in text for word in words)]


class ParameterTable(Table):
    name = TextColumn(
        verbose_name=_("Parameter"),
        order_by=("name_en",),
        linkify=("lab:parameter_detail", {"parameter_id": django_tables2.A("pk")}),
    )
    code = LtrColumn()
    group = django_tables2.Column()
    unit = LtrColumn()

    class Meta:
        model = Parameter
        fields = ("name", "code", "group", "unit")
        order_by = ("code",)

    def render_group(self, value: str) -> str:
        return group_name(value)


class LimitsColumn(django_tables2.Column):
    """What one standard says of a parameter, each kind of water; `*` marks a provisional limit."""

    def __init__(self, key: str) -> None:
        super().__init__(verbose_name=key, accessor="limits", orderable=False, empty_values=())
        self.key = key

    def render(self, value: Any) -> SafeString:
        limits = [limit for limit in value.all() if limit.standard.key == self.key]
        if not limits:
            return EMPTY
        mark = format_html('<span class="provisional" title="{}">*</span>', _("provisional"))
        shown = ((ltr(limit_text(limit)), mark if limit.provisional else "") for limit in limits)
        return format_html_join("", "<div>{}{}</div>", shown)


class LimitFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"), method="search")
    group = django_filters.ChoiceFilter(
        field_name="parameter__group", label=_("Group"), choices=list(GROUPS.items()), empty_label=_ALL
    )
    matrix = django_filters.ChoiceFilter(label=_("Kind of water"), choices=list(MATRICES.items()), empty_label=_ALL)
    provisional = django_filters.BooleanFilter(label=_("Provisional"))

    class Meta:
        model = Limit
        fields: list[str] = []

    def search(self, rows: QuerySet[Limit], name: str, value: str) -> QuerySet[Limit]:
        words = normalise(value).split()
        return rows.filter(parameter__in=_named(words)) if words else rows


class LimitTable(Table):
    parameter = TextColumn(
        order_by=("parameter__name_en",),
        linkify=("lab:parameter_detail", {"parameter_id": django_tables2.A("parameter_id")}),
    )
    limit = LtrColumn(verbose_name=_("Limit"), accessor="upper", order_by=("upper",), empty_values=())
    kind = django_tables2.Column()
    matrix = django_tables2.Column()
    guidance = LtrColumn()
    confidence = django_tables2.Column()
    note = TextColumn(orderable=False)

    class Meta:
        model = Limit
        fields = ("parameter", "limit", "kind", "matrix", "guidance", "confidence", "note")
        order_by = ("parameter",)

    def render_limit(self, record: Limit) -> SafeString:
        return ltr(limit_text(record))

    def render_matrix(self, value: str) -> str:
        return str(MATRICES.get(value, value))

    def render_guidance(self, value: Any, record: Limit) -> SafeString:
        return ltr(f"{value.normalize():f} {record.unit}")

    def render_confidence(self, value: str, record: Limit) -> SafeString:
        return confidence(record)


def confidence(limit: Limit) -> SafeString:
    word = CONFIDENCE.get(limit.confidence, limit.confidence)
    if not limit.provisional:
        return format_html("{}", word)
    return format_html('<span class="badge bg-yellow-lt">{}</span> {}', _("provisional"), word)


class StandardTable(Table):
    reference = LtrColumn(linkify=("lab:standard_detail", {"standard_id": django_tables2.A("pk")}))
    name = TextColumn(order_by=("name_en",), verbose_name=_("Name"))
    edition = LtrColumn()
    role_here = django_tables2.Column(verbose_name=_("Role"))
    effective_from = django_tables2.Column()
    limit_count = NumberColumn(verbose_name=_("Limits"))

    class Meta:
        model = Standard
        fields = ("reference", "name", "edition", "role_here", "effective_from", "limit_count")
        order_by = ("position",)
