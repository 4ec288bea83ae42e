"""Tables and filters of reports and their runs."""

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.desk.reports import selectors, sources
from portal.desk.reports.builtin import description_of, name_of
from portal.desk.reports.choices import RunStatus
from portal.desk.reports.models import CustomReport, ReportRun
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn
from portal.ui.templatetags.marsad import EMPTY, icon

_ALL = gettext_lazy("All")
YES_NO = [("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]
LOOKS = {
    RunStatus.QUEUED: ("secondary", "clock"),
    RunStatus.RUNNING: ("azure", "refresh"),
    RunStatus.SUCCEEDED: ("green", "circle-check"),
    RunStatus.FAILED: ("red", "circle-x"),
    RunStatus.SKIPPED: ("orange", "circle-minus"),
}


def source_choices() -> list[tuple[str, str]]:
    return [(key, str(source.label)) for key, source in sources.every().items()]


def status_badge(run: ReportRun) -> SafeString:
    colour, name = LOOKS[RunStatus(run.status)]
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), run.get_status_display())


class ReportFilter(django_filters.FilterSet):
    """`selectors.report_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    source = django_filters.MultipleChoiceFilter(label=gettext_lazy("What it is about"), choices=source_choices)
    mine = django_filters.ChoiceFilter(label=gettext_lazy("My own"), choices=YES_NO, empty_label=_ALL)
    scheduled = django_filters.ChoiceFilter(label=gettext_lazy("Sent by the clock"), choices=YES_NO, empty_label=_ALL)

    class Meta:
        model = CustomReport
        fields: ClassVar[list[str]] = []

    def filter_queryset(self, queryset: QuerySet[CustomReport]) -> QuerySet[CustomReport]:
        said = self.form.cleaned_data
        answers = {"yes": True, "no": False}
        return selectors.report_list(
            user=person(self.request),
            search=said.get("q") or "",
            sources=said.get("source") or (),
            mine=answers.get(said.get("mine") or ""),
            scheduled=answers.get(said.get("scheduled") or ""),
        )


class ReportTable(Table):
    name = TextColumn()
    source = TextColumn(verbose_name=gettext_lazy("What it is about"))
    owner = TextColumn(accessor="owner__name", verbose_name=gettext_lazy("Owner"), empty_values=())
    shared = TextColumn(verbose_name=gettext_lazy("Shared"))
    updated_at = DateTimeColumn(verbose_name=gettext_lazy("Changed"))

    class Meta:
        model = CustomReport
        fields = ("name", "source", "owner", "shared", "updated_at")
        order_by = ("-updated_at",)
        row_attrs: ClassVar[dict[str, Any]] = {"data-row-link": ""}

    def render_name(self, record: CustomReport) -> SafeString:
        return format_html(
            '<div><a href="{}" dir="auto">{}</a><div class="text-secondary small" dir="auto">{}</div></div>',
            reverse("custom_reports:detail", args=[record.pk]),
            name_of(record),
            description_of(record)[:160],
        )

    def render_source(self, record: CustomReport) -> SafeString:
        source = sources.every()[record.source]
        return format_html("<span>{}{}</span>", icon(source.icon, css="chart-kind"), source.label)

    def render_owner(self, record: CustomReport) -> SafeString:
        if record.builtin:
            return format_html('<span class="badge bg-azure-lt">{}</span>', _("Built in"))
        return format_html('<span dir="auto">{}</span>', record.owner.name if record.owner else "")

    def render_shared(self, record: CustomReport) -> SafeString:
        words, name = (_("Shared"), "users") if record.shared else (_("Only me"), "lock")
        return format_html("<span>{}{}</span>", icon(name, css="chart-kind"), words)


class RunFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=RunStatus.choices)
    q = django_filters.CharFilter(label=gettext_lazy("Search"), method="search")

    class Meta:
        model = ReportRun
        fields: ClassVar[list[str]] = []

    def search(self, rows: QuerySet[ReportRun], _name: str, value: str) -> QuerySet[ReportRun]:
        from portal.core.common.text import normalise

        for word in normalise(value).split():
            rows = rows.filter(report__search_text__contains=word)
        return rows


class RunTable(Table):
    created_at = DateTimeColumn(
        verbose_name=gettext_lazy("Asked"), linkify=lambda record: reverse("custom_reports:run", args=[record.pk])
    )
    report = TextColumn(verbose_name=gettext_lazy("Report"))
    format = LtrColumn()
    status = TextColumn()
    rows = NumberColumn(empty_values=(None,))
    person = TextColumn(accessor="person__name", verbose_name=gettext_lazy("For"))
    way = TextColumn(verbose_name=gettext_lazy("Way"), empty_values=(), orderable=False)
    file = TextColumn(verbose_name=gettext_lazy("File"), empty_values=(), orderable=False)

    class Meta:
        model = ReportRun
        fields = ("created_at", "report", "format", "status", "rows", "person", "way", "file")
        order_by = ("-created_at",)
        row_attrs: ClassVar[dict[str, Any]] = {"data-row-link": ""}

    def render_report(self, record: ReportRun) -> SafeString:
        return format_html('<span dir="auto">{}</span>', name_of(record.report))

    def render_format(self, record: ReportRun) -> SafeString:
        return format_html('<bdi dir="ltr">{}</bdi>', record.format.upper())

    def render_status(self, record: ReportRun) -> SafeString:
        more = record.get_skipped_display() if record.skipped else ""
        if record.status == RunStatus.RUNNING and record.job:
            more = f"{record.job.progress} %"
        return format_html(
            '<span>{} <span class="text-secondary small" dir="auto">{}</span></span>', status_badge(record), more
        )

    def render_way(self, record: ReportRun) -> str:
        return _("by the clock") if record.occurrence else _("by hand")

    def render_file(self, record: ReportRun) -> SafeString:
        if not downloadable(record, self.request):
            return EMPTY
        return format_html(
            '<a class="btn btn-sm" href="{}" download>{}{}</a>',
            reverse("custom_reports:run_file", args=[record.pk]),
            icon("download"),
            _("Download"),
        )


def downloadable(run: ReportRun, request: HttpRequest) -> bool:
    """Whether the run has a file for the person who looks."""
    return run.file_id is not None and run.person_id == person(request).pk and run.file.deleted_at is None  # type: ignore[union-attr]
