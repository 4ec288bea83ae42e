"""Tables and filters of applications and survey sessions."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.geo.models import GeoDataset, GeoUnit, Level
from portal.survey.applications.selectors import unit_names
from portal.survey.choices import PointType, ServiceType, SessionStatus, SurveyType
from portal.survey.flags import FLAGS
from portal.survey.models import Application, SurveyPoint, SurveySession
from portal.survey.pages import selectors, wording
from portal.survey.templatetags.survey import flag_count, metres, quality_meter, session_badge, state_badge
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn
from portal.ui.templatetags.marsad import EMPTY, ltr

_ALL = gettext_lazy("All")
_NONE = (selectors.NO_FLAG, gettext_lazy("None"))


class DayFilter(django_filters.Filter):
    field_class = DateField


def surveyors(request: HttpRequest | None) -> QuerySet[User]:
    return User.objects.none() if request is None else selectors.surveyors_with_sessions(person(request))


def unit_choices() -> list[tuple[str, str]]:
    """Governorates and their districts of the boundaries in force, by name."""
    dataset = GeoDataset.objects.filter(active=True).values("pk")
    units = GeoUnit.objects.filter(dataset__in=dataset, level__in=(Level.GOVERNORATE, Level.DISTRICT)).defer("boundary")
    parts: dict[Any, list[GeoUnit]] = {}
    for unit in units:
        parts.setdefault(unit.parent_id if unit.level == Level.DISTRICT else None, []).append(unit)

    def by_name(unit: GeoUnit) -> str:
        return unit.name

    return [
        (str(unit.pk), f"{'— ' * depth}{unit.name}")
        for governorate in sorted(parts.get(None, ()), key=by_name)
        for depth, unit in [
            (0, governorate),
            *((1, part) for part in sorted(parts.get(governorate.pk, ()), key=by_name)),
        ]
    ]


class SessionFilter(django_filters.FilterSet):
    """`session_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=SessionStatus.choices)
    surveyor = django_filters.ModelChoiceFilter(label=gettext_lazy("Surveyor"), queryset=surveyors, empty_label=_ALL)
    unit = django_filters.ChoiceFilter(label=gettext_lazy("Area"), choices=unit_choices, empty_label=_ALL)
    type = django_filters.ChoiceFilter(
        label=gettext_lazy("Kind of survey"), choices=SurveyType.choices, empty_label=_ALL
    )
    flag = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Flags"), choices=lambda: [_NONE, *((code, word) for code, (_level, word) in FLAGS.items())]
    )
    conflict = django_filters.ChoiceFilter(
        label=gettext_lazy("Conflict"),
        choices=[("yes", gettext_lazy("Waits for a decision")), ("no", gettext_lazy("None"))],
        empty_label=_ALL,
    )
    quality = django_filters.ChoiceFilter(
        label=gettext_lazy("Quality"),
        choices=[
            ("low", gettext_lazy("Below 60")),
            ("middle", gettext_lazy("60 to 79")),
            ("high", gettext_lazy("80 and more")),
        ],
        empty_label=_ALL,
    )
    since = DayFilter(label=gettext_lazy("Begun from"))
    until = DayFilter(label=gettext_lazy("Begun until"))
    submitted_since = DayFilter(label=gettext_lazy("Submitted from"))
    submitted_until = DayFilter(label=gettext_lazy("Submitted until"))
    application = django_filters.UUIDFilter(widget=django_filters.widgets.forms.HiddenInput)

    def chosen(self) -> dict[str, Any]:
        """What `session_list` is asked for."""
        said = self.form.cleaned_data
        return {
            "search": said.get("q") or "",
            "statuses": said.get("status") or (),
            "surveyor": said["surveyor"].pk if said.get("surveyor") else None,
            "unit": said.get("unit"),
            "survey_type": said.get("type") or "",
            "application": said.get("application"),
            "flags": said.get("flag") or (),
            "conflict": {"yes": True, "no": False}.get(said.get("conflict") or ""),
            "quality": said.get("quality") or "",
            "since": midnight(said["since"]) if said.get("since") else None,
            "until": day_after(said["until"]) if said.get("until") else None,
            "submitted_since": midnight(said["submitted_since"]) if said.get("submitted_since") else None,
            "submitted_until": day_after(said["submitted_until"]) if said.get("submitted_until") else None,
        }

    def filter_queryset(self, queryset: QuerySet[SurveySession]) -> QuerySet[SurveySession]:
        rows = selectors.session_list(user=person(self.request), **self.chosen())
        return rows.select_related("application", "surveyor").defer(
            "findings", "quality_breakdown", "client_metadata", "search_text", "application__search_text"
        )


class SessionTable(Table):
    session_number = LtrColumn(linkify=("survey:session_detail", {"session_id": django_tables2.A("pk")}))
    application = TextColumn(
        verbose_name=gettext_lazy("Applicant"), accessor="application__applicant_name", orderable=False
    )
    surveyor = TextColumn(verbose_name=gettext_lazy("Surveyor"), accessor="surveyor__name", orderable=False)
    survey_type = django_tables2.Column(verbose_name=gettext_lazy("Kind"), orderable=False)
    status = django_tables2.Column()
    quality_score = django_tables2.Column(empty_values=())
    flags = django_tables2.Column(orderable=False, empty_values=())
    started_at = DateTimeColumn()
    submitted_at = DateTimeColumn()

    class Meta:
        model = SurveySession
        fields = (
            "session_number", "application", "surveyor", "survey_type", "status", "quality_score", "flags",
            "started_at", "submitted_at",
        )  # fmt: skip
        order_by = ("-started_at",)

    def __init__(self, *args: Any, inside: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if inside:
            self.columns.hide("application")

    def render_status(self, record: SurveySession) -> SafeString:
        return session_badge(record.status)

    def render_quality_score(self, record: SurveySession) -> SafeString:
        return quality_meter(record.quality_score)

    def render_flags(self, record: SurveySession) -> SafeString:
        return flag_count(record.flags)


class PointFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), method="search")
    point_type = django_filters.MultipleChoiceFilter(label=gettext_lazy("Kind of point"), choices=PointType.choices)
    flagged = django_filters.BooleanFilter(label=gettext_lazy("With flags"), method="with_flags")

    def search(self, rows: QuerySet[SurveyPoint], name: str, value: str) -> QuerySet[SurveyPoint]:
        text = value.strip()
        if text.isdigit():
            return rows.filter(number=int(text[:9]))
        return rows.filter(feature_code__icontains=text) | rows.filter(description__icontains=text)

    def with_flags(self, rows: QuerySet[SurveyPoint], name: str, value: bool) -> QuerySet[SurveyPoint]:
        return rows.exclude(flags=[]) if value else rows.filter(flags=[])


class PointTable(Table):
    number = NumberColumn()
    point_type = django_tables2.Column()
    feature_code = TextColumn(orderable=False)
    description = TextColumn(orderable=False)
    place = django_tables2.Column(verbose_name=gettext_lazy("Coordinates"), accessor="latitude", orderable=False)
    elevation = LtrColumn(orderable=False)
    horizontal_accuracy = django_tables2.Column(verbose_name=gettext_lazy("Accuracy"))
    gps_source = django_tables2.Column(orderable=False)
    captured_at = DateTimeColumn()
    flags = django_tables2.Column(orderable=False, empty_values=())

    class Meta:
        model = SurveyPoint
        fields = (
            "number", "point_type", "feature_code", "description", "place", "elevation", "horizontal_accuracy",
            "gps_source", "captured_at", "flags",
        )  # fmt: skip
        order_by = ("number",)

    def render_place(self, record: SurveyPoint) -> SafeString:
        return ltr(f"{record.latitude:.7f}, {record.longitude:.7f}")

    def render_horizontal_accuracy(self, value: float) -> SafeString:
        return metres(value)

    def render_flags(self, record: SurveyPoint) -> SafeString:
        return flag_count(record.flags)


class ApplicationFilter(django_filters.FilterSet):
    """`application_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("State"),
        choices=[(key, word) for key, (_colour, _icon, word) in wording.STATES.items()],
        empty_label=_ALL,
    )
    service = django_filters.ChoiceFilter(label=gettext_lazy("Service"), choices=ServiceType.choices, empty_label=_ALL)
    unit = django_filters.ChoiceFilter(label=gettext_lazy("Area"), choices=unit_choices, empty_label=_ALL)
    since = DayFilter(label=gettext_lazy("Created from"))
    until = DayFilter(label=gettext_lazy("Created until"))

    def chosen(self) -> dict[str, Any]:
        said = self.form.cleaned_data
        return {
            "search": said.get("q") or "",
            "state": said.get("state") or "",
            "service": said.get("service") or "",
            "unit": said.get("unit"),
            "since": midnight(said["since"]) if said.get("since") else None,
            "until": day_after(said["until"]) if said.get("until") else None,
        }

    def filter_queryset(self, queryset: QuerySet[Application]) -> QuerySet[Application]:
        return selectors.application_list(user=person(self.request), **self.chosen()).defer("search_text")


class ApplicationTable(Table):
    application_number = LtrColumn(linkify=("survey:application_detail", {"application_id": django_tables2.A("pk")}))
    applicant_name = TextColumn()
    service_type = django_tables2.Column(orderable=False)
    plot_number = TextColumn(orderable=False)
    place = TextColumn(verbose_name=gettext_lazy("Area"), accessor="pk", orderable=False)
    state = django_tables2.Column(verbose_name=gettext_lazy("State"), accessor="pk", orderable=False, empty_values=())
    assignee = TextColumn(verbose_name=gettext_lazy("Assigned to"), accessor="assignee_name", orderable=False)
    due = DateTimeColumn(verbose_name=gettext_lazy("Due"), accessor="task_due", orderable=False)
    created_at = DateTimeColumn()

    class Meta:
        model = Application
        fields = (
            "application_number", "applicant_name", "service_type", "plot_number", "place", "state", "assignee",
            "due", "created_at",
        )  # fmt: skip
        order_by = ("-created_at",)

    def lean_rows(self, records: Any) -> Any:
        """With the names of all their units fetched at once."""
        held = list(records)
        self.names = unit_names(held)
        return super().lean_rows(held)

    def render_place(self, record: Application) -> Any:
        return selectors.place_words(record, self.names) or EMPTY

    def render_state(self, record: Application) -> SafeString:
        return state_badge(selectors.state_of(record))
