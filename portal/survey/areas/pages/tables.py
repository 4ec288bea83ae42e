"""Tables and filters of assigned areas, refusals and boundary datasets."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.core.common import clock
from portal.core.common.ids import parse_uuid
from portal.core.geo.models import GeoDataset
from portal.survey.areas import selectors
from portal.survey.areas.models import GeoAssignment, GeoDecision
from portal.survey.areas.pages.forms import people
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn
from portal.ui.templatetags.marsad import icon, ltr

_ALL = _("All")
# Colour, icon and word.
STATES: dict[str, tuple[str, str, str | Promise]] = {
    "active": ("green", "circle-check", _("Active now")),
    "upcoming": ("blue", "calendar", _("Not begun")),
    "ended": ("secondary", "archive", _("Ended")),
}
RULES: dict[str, str | Promise] = {
    "OUTSIDE_AREA": _("Outside of the assigned area"),
    "NO_ASSIGNMENT": _("No area assigned"),
    "SCOPE_EXPIRED": _("The assignment had ended"),
    "APPLICATION_AREA": _("Application outside of the area"),
}
LOADS: dict[str, tuple[str, str]] = {
    "loading": ("blue", "clock"),
    "ready": ("green", "circle-check"),
    "failed": ("red", "alert-circle"),
}


def state_badge(state: str) -> SafeString:
    colour, name, word = STATES[state]
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), word)


def load_badge(row: GeoDataset) -> SafeString:
    if row.active:
        return state_badge("active")
    colour, name = LOADS[row.status]
    word = row.get_status_display()
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), word)


def metres(value: float | None) -> SafeString | str:
    """Metres below a kilometre, else kilometres."""
    if value is None:
        return ""
    return ltr(f"{value:.0f} m" if value < 1000 else f"{value / 1000:.1f} km")


class AssignmentFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"))
    person = django_filters.ChoiceFilter(label=_("Person"), choices=people, empty_label=_ALL)
    state = django_filters.ChoiceFilter(
        label=_("Status"), choices=[(key, word) for key, (_colour, _icon, word) in STATES.items()], empty_label=_ALL
    )
    governorate = django_filters.ChoiceFilter(
        label=_("Governorate"),
        choices=lambda: [(str(unit.pk), unit.name) for unit in selectors.unit_list(level="governorate")],
        empty_label=_ALL,
    )

    def filter_queryset(self, queryset: QuerySet[GeoAssignment]) -> QuerySet[GeoAssignment]:
        chosen = self.form.cleaned_data
        return selectors.assignment_list(
            user=parse_uuid(chosen.get("person")),
            state=chosen.get("state") or "",
            unit=parse_uuid(chosen.get("governorate")),
            search=chosen.get("q") or "",
        )


class AssignmentTable(Table):
    user = TextColumn(
        accessor="user__name",
        verbose_name=_("Person"),
        linkify=("survey:area_view", {"user_id": django_tables2.A("user_id")}),
    )
    unit = django_tables2.Column(verbose_name=_("Area"), accessor="code", order_by=("code",))
    level = django_tables2.Column(verbose_name=_("Level"), accessor="code", orderable=False)
    valid_from = DateTimeColumn(verbose_name=_("From"))
    valid_to = DateTimeColumn(verbose_name=_("Until"))
    state = django_tables2.Column(verbose_name=_("Status"), accessor="code", orderable=False)
    actions = django_tables2.Column(verbose_name="", accessor="pk", orderable=False)

    class Meta:
        model = GeoAssignment
        fields = ("user", "unit", "level", "valid_from", "valid_to", "state", "actions")
        order_by = ("user",)

    def __init__(self, *args: Any, may_edit: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = clock.now()
        if not may_edit:
            self.columns.hide("actions")

    def render_unit(self, record: GeoAssignment) -> SafeString:
        above = record.governorate.name if record.district_id else ""
        return format_html('<span dir="auto">{}</span> <small class="text-secondary"><bdi>{}</bdi> {}</small>',
                           record.unit.name, above, ltr(record.code))  # fmt: skip

    def render_level(self, record: GeoAssignment) -> str:
        return str(record.unit.get_level_display())

    def render_state(self, record: GeoAssignment) -> SafeString:
        return state_badge(selectors.state_of(record, self.now))

    def render_actions(self, record: GeoAssignment) -> SafeString:
        return format_html(
            '<a class="btn btn-sm btn-icon btn-ghost-secondary" href="{}">{}</a>',
            reverse("survey:assignment_edit", args=[record.pk]),
            icon("pencil", _("Change")),
        )


class DenialFilter(django_filters.FilterSet):
    person = django_filters.ChoiceFilter(label=_("Person"), choices=people, empty_label=_ALL)
    rule = django_filters.ChoiceFilter(label=_("Reason"), choices=list(RULES.items()), empty_label=_ALL)
    since = django_filters.DateFilter(label=_("From"), field_name="created_at", lookup_expr="date__gte")
    until = django_filters.DateFilter(label=_("Until"), field_name="created_at", lookup_expr="date__lte")

    def filter_queryset(self, queryset: QuerySet[GeoDecision]) -> QuerySet[GeoDecision]:
        chosen = self.form.cleaned_data
        found = selectors.denial_list(user=parse_uuid(chosen.get("person")), rule=chosen.get("rule") or "")
        for name in ("since", "until"):
            found = self.filters[name].filter(found, chosen.get(name))
        return found


class DenialTable(Table):
    created_at = DateTimeColumn(
        verbose_name=_("When"), linkify=("survey:denial_detail", {"geo_decision_id": django_tables2.A("pk")})
    )
    user = TextColumn(accessor="user__name", verbose_name=_("Person"))
    rule = django_tables2.Column(verbose_name=_("Reason"))
    distance_outside_m = NumberColumn(verbose_name=_("Outside by"))
    nearest_unit = TextColumn(verbose_name=_("Nearest area"), orderable=False)
    device = LtrColumn()

    class Meta:
        model = GeoDecision
        fields = ("created_at", "user", "rule", "distance_outside_m", "nearest_unit", "device")
        order_by = ("-created_at",)

    def render_rule(self, value: str) -> str:
        return str(RULES.get(value, value))

    def render_distance_outside_m(self, value: float) -> SafeString | str:
        return metres(value)


class DatasetTable(Table):
    name = TextColumn(linkify=("survey:dataset_detail", {"dataset_id": django_tables2.A("pk")}))
    version = LtrColumn()
    state = django_tables2.Column(verbose_name=_("Status"), accessor="status", orderable=False)
    units = NumberColumn(verbose_name=_("Units"), accessor="counts", orderable=False)
    created_at = DateTimeColumn(verbose_name=_("Loaded"))

    class Meta:
        model = GeoDataset
        fields = ("name", "version", "state", "units", "created_at")
        order_by = ("-created_at",)

    def render_state(self, record: GeoDataset) -> SafeString:
        return load_badge(record)

    def render_units(self, value: dict[str, dict[str, int]]) -> SafeString:
        return ltr(sum(level["units"] for level in value.values()))
