"""Tables and filters of the laboratory's lists."""

from typing import Any
from uuid import UUID

import django_filters
import django_tables2
from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from portal.core.common.text import normalise
from portal.lab import selectors
from portal.lab.choices import Compliance, Matrix, SampleStatus, SampleType, StandardRole
from portal.lab.models import Limit, Parameter, Reevaluation, Sample, Standard
from portal.lab.pages.comparing import Compared, compare
from portal.lab.pages.wording import CONFIDENCE, GROUPS, MATRICES, group_name, limit_text
from portal.lab.science.verdicts import Verdict
from portal.ui.filters import DateFrom, DateTo
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn, TickColumn, VerdictColumn
from portal.ui.templatetags.marsad import EMPTY, VERDICTS, localdate, ltr

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

    @property
    def many(self) -> bool:
        """A search alone that so much is found with that counting it says nothing."""
        chosen = [name for name, value in self.form.cleaned_data.items() if value]
        return chosen == ["q"] and selectors.searched_often(self.form.cleaned_data["q"])

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
    tick = TickColumn("code")
    code = LtrColumn(linkify=("lab:sample_detail", {"sample_id": django_tables2.A("pk")}))
    compliance_status = VerdictColumn()
    location = TextColumn()
    type = django_tables2.Column()
    collection_date = DateTimeColumn()
    collector_name = TextColumn()
    result_count = NumberColumn(orderable=False)
    status = django_tables2.Column()

    def _grouped(self, name: str, rows: QuerySet[Sample], is_descending: bool) -> tuple[QuerySet[Sample], bool]:
        """Few values, many rows: within one value in the order that an index has, the newest first."""
        if is_descending:
            return rows.order_by(f"-{name}", "collection_date", "id"), True
        return rows.order_by(name, "-collection_date", "-id"), True

    def order_type(self, rows: QuerySet[Sample], is_descending: bool) -> tuple[QuerySet[Sample], bool]:
        return self._grouped("type", rows, is_descending)

    def order_status(self, rows: QuerySet[Sample], is_descending: bool) -> tuple[QuerySet[Sample], bool]:
        return self._grouped("status", rows, is_descending)

    def order_compliance_status(self, rows: QuerySet[Sample], is_descending: bool) -> tuple[QuerySet[Sample], bool]:
        return self._grouped("compliance_status", rows, is_descending)

    def order_collector_name(self, rows: QuerySet[Sample], is_descending: bool) -> tuple[QuerySet[Sample], bool]:
        return self._grouped("collector_name", rows, is_descending)

    class Meta:
        model = Sample
        fields = (
            "tick", "code", "compliance_status", "location", "type", "collection_date", "collector_name",
            "result_count", "status",
        )  # fmt: skip
        order_by = ("-collection_date",)


class ParameterFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"))
    group = django_filters.ChoiceFilter(label=_("Group"), choices=list(GROUPS.items()), empty_label=_ALL)
    standard = django_filters.ChoiceFilter(label=_("Has a limit in"), choices=standards, empty_label=_ALL)
    own = django_filters.BooleanFilter(label=_("Own"))
    is_active = django_filters.BooleanFilter(label=_("In use"))

    def filter_queryset(self, queryset: QuerySet[Parameter]) -> QuerySet[Parameter]:
        chosen = self.form.cleaned_data
        rows = selectors.parameter_list(
            group=chosen.get("group") or "", own=chosen.get("own"), active=chosen.get("is_active") is not False
        ).prefetch_related("limits__standard")
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
    provisional = django_filters.BooleanFilter(field_name="open", label=_("Provisional"))

    class Meta:
        model = Limit
        fields: list[str] = []

    def search(self, rows: QuerySet[Limit], name: str, value: str) -> QuerySet[Limit]:
        words = normalise(value).split()
        return rows.filter(parameter__in=_named(words)) if words else rows


class LimitTable(Table):
    parameter = TextColumn(
        verbose_name=_("Parameter"),
        order_by=("parameter__name_en",),
        linkify=("lab:parameter_detail", {"parameter_id": django_tables2.A("parameter_id")}),
    )
    limit = LtrColumn(
        verbose_name=_("Limit"),
        accessor="upper",
        order_by=("upper",),
        empty_values=(),
        linkify=("lab:limit_detail", {"limit_id": django_tables2.A("pk")}),
    )
    kind = django_tables2.Column()
    matrix = django_tables2.Column()
    guidance = LtrColumn()
    confidence = django_tables2.Column()
    period = LtrColumn(
        verbose_name=_("In force"), accessor="effective_from", order_by=("effective_from",), empty_values=()
    )
    note = TextColumn(orderable=False)

    class Meta:
        model = Limit
        fields = ("parameter", "limit", "kind", "matrix", "guidance", "confidence", "period", "note")
        order_by = ("parameter",)

    def render_period(self, record: Limit) -> SafeString:
        return period(record)

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
    if not getattr(limit, "open", True):  # annotated by `limit_list`
        return format_html('<span class="badge bg-green-lt">{}</span> {}', _("confirmed"), word)
    return format_html('<span class="badge bg-yellow-lt">{}</span> {}', _("provisional"), word)


class StandardTable(Table):
    reference = LtrColumn(linkify=("lab:standard_detail", {"standard_id": django_tables2.A("pk")}))
    name = TextColumn(order_by=("name_en",), verbose_name=_("Name"))
    edition = LtrColumn()
    role_here = django_tables2.Column(verbose_name=_("Role"))
    owner = django_tables2.Column(
        verbose_name=_("Source"), accessor="organization_id", orderable=False, empty_values=()
    )
    period = LtrColumn(
        verbose_name=_("In force"), accessor="effective_from", order_by=("effective_from",), empty_values=()
    )
    limit_count = NumberColumn(verbose_name=_("Limits"))

    class Meta:
        model = Standard
        fields = ("reference", "name", "edition", "role_here", "owner", "period", "limit_count")

    def render_role_here(self, value: str) -> str:
        return str(StandardRole(value).label) if value else str(_("Not used"))

    def render_owner(self, record: Standard) -> str:
        return str(_("Own")) if record.organization_id else str(_("Shared"))

    def render_period(self, record: Standard) -> SafeString:
        return period(record)


def period(row: Limit | Standard) -> SafeString:
    """Both days of a period; the second one is the first day outside."""
    if row.effective_from is None and row.effective_to is None:
        return EMPTY
    if row.effective_to is None:
        return format_html("{}", localdate(row.effective_from))
    return format_html("{} \N{EN DASH} {}", localdate(row.effective_from), localdate(row.effective_to))


class CompareFilter(django_filters.FilterSet):
    """What is compared: day, kind of water, standards. It says which columns there are, too."""

    q = django_filters.CharFilter(label=_("Search"))
    group = django_filters.ChoiceFilter(label=_("Group"), choices=list(GROUPS.items()), empty_label=_ALL)
    on = django_filters.DateFilter(
        label=_("In force on"), method="ignored", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    matrix = django_filters.ChoiceFilter(
        label=_("Kind of water"), choices=Matrix.choices, method="ignored", empty_label=capfirst(_("drinking water"))
    )
    standard = django_filters.MultipleChoiceFilter(
        label=_("Standards"), choices=standards, method="ignored", widget=forms.CheckboxSelectMultiple
    )
    only = django_filters.ChoiceFilter(
        label=_("Show"),
        choices=[("limited", _("with a limit")), ("differs", _("with different limits"))],
        method="ignored",
        empty_label=_ALL,
    )

    def ignored(self, rows: QuerySet[Parameter], name: str, value: Any) -> QuerySet[Parameter]:
        return rows

    def filter_queryset(self, queryset: QuerySet[Parameter]) -> QuerySet[Parameter]:
        chosen = self.form.cleaned_data
        rows = selectors.parameter_list(group=chosen.get("group") or "")
        if words := normalise(chosen.get("q") or "").split():
            rows = rows.filter(pk__in=_named(words))
        if only := chosen.get("only"):
            held = self.comparison.values()
            rows = rows.filter(pk__in=[row.parameter for row in held if only == "limited" or row.differs])
        return rows

    @cached_property
    def keys(self) -> list[str]:
        chosen = self.form.cleaned_data.get("standard") if self.form.is_valid() else []
        return [key for key, _name in standards() if not chosen or key in chosen]

    @cached_property
    def comparison(self) -> dict[UUID, Compared]:
        data = self.form.cleaned_data if self.form.is_valid() else {}
        return compare(keys=self.keys, matrix=data.get("matrix") or Matrix.DRINKING, on=data.get("on"))


class CompareTable(Table):
    name = TextColumn(
        verbose_name=_("Parameter"),
        order_by=("name_en",),
        linkify=("lab:parameter_detail", {"parameter_id": django_tables2.A("pk")}),
    )
    code = LtrColumn()

    class Meta:
        model = Parameter
        fields = ("name", "code")
        order_by = ("code",)


class ComparedColumn(django_tables2.Column):
    """One standard's limit; the strictest of the row is marked, so is a provisional one."""

    def __init__(self, key: str, comparison: dict[UUID, Compared]) -> None:
        super().__init__(verbose_name=key, accessor="pk", orderable=False)
        self.key, self.comparison = key, comparison

    def render(self, value: UUID) -> SafeString:
        row = self.comparison.get(value)
        limit = row.limits.get(self.key) if row else None
        if row is None or limit is None:
            return EMPTY
        strictest = (
            format_html(' <span class="badge bg-blue-lt">{}</span>', _("strictest"))
            if self.key in row.strictest
            else ""
        )
        mark = format_html('<span class="provisional" title="{}">*</span>', _("provisional"))
        return format_html(
            '<span><a href="{}">{}</a>{}{}</span>',
            reverse("lab:limit_detail", args=[limit.pk]),
            ltr(limit_text(limit)),
            mark if getattr(limit, "open", False) else "",
            strictest,
        )


def compared_columns(filters: CompareFilter) -> list[tuple[str, ComparedColumn]]:
    comparison = filters.comparison
    return [(f"standard_{place}", ComparedColumn(key, comparison)) for place, key in enumerate(filters.keys)]


class ReevaluationTable(Table):
    reason = TextColumn(linkify=("lab:reevaluation_detail", {"reevaluation_id": django_tables2.A("pk")}))
    state = django_tables2.Column()
    created_at = DateTimeColumn(verbose_name=_("Asked"))
    created_by = TextColumn(verbose_name=_("By"), accessor="created_by__name", orderable=False)
    changed = NumberColumn(verbose_name=_("Changed results"), accessor="figures", orderable=False, empty_values=())

    class Meta:
        model = Reevaluation
        fields = ("reason", "state", "created_at", "created_by", "changed")
        order_by = ("-created_at",)

    def render_changed(self, record: Reevaluation) -> SafeString:
        return ltr(record.figures.get("changed", "") if record.figures else "")
