"""Tables and filters of sampling points and their programme."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import F, QuerySet
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.lab.choices import SampleType
from portal.lab.models import SamplingPoint
from portal.lab.pages.wording import group_name
from portal.lab.points import selectors
from portal.lab.points.forms import MONTHS
from portal.lab.points.models import Frequency, ProgrammeItem
from portal.ui.tables import BooleanColumn, DateColumn, DateTimeColumn, LtrColumn, Table, TextColumn, VerdictColumn
from portal.ui.templatetags.marsad import EMPTY, icon, ltr, verdict_badge

_ALL = gettext_lazy("All")
# Colour, icon and word of where a slot of the programme stands.
STATES: dict[str, tuple[str, str, str | Promise]] = {
    "overdue": ("red", "alert-circle", gettext_lazy("Overdue")),
    "due": ("yellow", "clock", gettext_lazy("Due now")),
    "coming": ("blue", "calendar", gettext_lazy("Coming up")),
    "taken": ("green", "circle-check", gettext_lazy("Taken")),
}


def state_badge(state: str) -> SafeString:
    colour, name, word = STATES[state]
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), word)


def planned_parameters(group: str, codes: list[str]) -> SafeString:
    """A programme item's parameters: the group's name, then codes."""
    parts = [format_html("{}", group_name(group))] if group else []
    return format_html_join(", ", "{}", ((part,) for part in (*parts, *(ltr(code) for code in codes))))


def how_often(item: ProgrammeItem) -> str:
    word = str(item.get_frequency_display())
    if item.frequency == Frequency.TIMES_PER_YEAR:
        word = _("%(count)d times a year") % {"count": item.times}
    if item.months:
        names = dict(MONTHS)
        word = f"{word} ({', '.join(str(names[month]) for month in item.months)})"
    return word


class PointFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    type = django_filters.ChoiceFilter(
        label=gettext_lazy("Kind of water"), choices=SampleType.choices, empty_label=_ALL
    )
    city = django_filters.ChoiceFilter(
        label=gettext_lazy("City"), choices=lambda: [(name, name) for name in selectors.city_list()], empty_label=_ALL
    )
    is_active = django_filters.BooleanFilter(label=gettext_lazy("In use"))
    placed = django_filters.BooleanFilter(label=gettext_lazy("With coordinates"))

    def filter_queryset(self, queryset: QuerySet[SamplingPoint]) -> QuerySet[SamplingPoint]:
        chosen = self.form.cleaned_data
        rows = selectors.point_list(
            search=chosen.get("q") or "",
            type=chosen.get("type") or "",
            city=chosen.get("city") or "",
            active=chosen.get("is_active"),
            placed=chosen.get("placed"),
        )
        return selectors.with_latest(rows)


class PointTable(Table):
    code = LtrColumn(linkify=("lab:point_detail", {"sampling_point_id": django_tables2.A("pk")}))
    name = TextColumn()
    type = django_tables2.Column()
    city = TextColumn()
    last_compliance = VerdictColumn(verbose_name=gettext_lazy("Last sample"), orderable=False)
    last_sampled = DateTimeColumn(verbose_name=gettext_lazy("Last taken"))
    planned = BooleanColumn(verbose_name=gettext_lazy("In the programme"), orderable=False)
    is_active = BooleanColumn()

    class Meta:
        model = SamplingPoint
        fields = ("code", "name", "type", "city", "last_compliance", "last_sampled", "planned", "is_active")
        order_by = ("name",)

    def render_last_compliance(self, value: str | None) -> Any:
        return verdict_badge(value) if value else EMPTY

    def order_last_sampled(self, rows: QuerySet[SamplingPoint], is_descending: bool) -> tuple[Any, bool]:
        key = F("last_sampled").desc(nulls_last=True) if is_descending else F("last_sampled").asc(nulls_last=True)
        return rows.order_by(key), True


class ItemFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), method="search")
    frequency = django_filters.ChoiceFilter(
        label=gettext_lazy("How often"), choices=Frequency.choices, empty_label=_ALL
    )
    is_active = django_filters.BooleanFilter(label=gettext_lazy("In use"))

    def search(self, rows: QuerySet[ProgrammeItem], name: str, value: str) -> QuerySet[ProgrammeItem]:
        return rows.filter(point__in=selectors.point_list(search=value))


class ItemTable(Table):
    point = TextColumn(
        verbose_name=gettext_lazy("Sampling point"),
        accessor="point__name",
        linkify=("lab:item_edit", {"programme_item_id": django_tables2.A("pk")}),
    )
    parameters = django_tables2.Column(
        verbose_name=gettext_lazy("Parameters"), accessor="codes", orderable=False, empty_values=()
    )
    frequency = django_tables2.Column()
    starts_on = DateColumn()
    ends_on = DateColumn()
    assignee = TextColumn(verbose_name=gettext_lazy("By whom"), accessor="assignee__name")
    is_active = BooleanColumn()

    class Meta:
        model = ProgrammeItem
        fields = ("point", "parameters", "frequency", "starts_on", "ends_on", "assignee", "is_active")
        order_by = ("point",)

    def render_parameters(self, record: ProgrammeItem) -> SafeString:
        return format_html("<span>{}</span>", planned_parameters(record.group, record.codes))

    def render_frequency(self, record: ProgrammeItem) -> str:
        return how_often(record)


class ItemReadTable(ItemTable):
    """For those who may not change the programme."""

    point = TextColumn(
        accessor="point__name", linkify=("lab:point_detail", {"sampling_point_id": django_tables2.A("point_id")})
    )
