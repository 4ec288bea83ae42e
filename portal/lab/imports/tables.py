"""Tables and filters of the import pages."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import Q, QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.lab.imports.models import ImportRow, ImportRun, ImportSource, Layout
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn
from portal.ui.templatetags.marsad import EMPTY, icon

_ALL = _("All")
# Colour and icon of a state; the word stands beside them.
OUTCOMES = {
    "created": ("green", "plus"),
    "updated": ("blue", "pencil"),
    "unchanged": ("secondary", "check"),
    "conflict": ("yellow", "git-compare"),
    "refused": ("red", "circle-x"),
    "partly": ("orange", "alert-triangle"),
    "skipped": ("secondary", "circle-minus"),
    "": ("secondary", "clock"),
}
STATUSES = {
    "uploaded": ("secondary", "upload"),
    "checking": ("blue", "progress-check"),
    "checked": ("blue", "list-check"),
    "importing": ("blue", "progress-check"),
    "imported": ("green", "circle-check"),
    "reverting": ("orange", "progress-check"),
    "reverted": ("secondary", "arrow-back-up"),
}


def outcome_badge(outcome: str) -> SafeString:
    colour, name = OUTCOMES[outcome]
    return _badge(colour, name, ImportRow.Outcome(outcome).label)


def status_badge(run: ImportRun) -> SafeString:
    colour, name = ("red", "alert-circle") if run.broken else STATUSES[run.status]
    return _badge(colour, name, _("Stopped by an error") if run.broken else run.get_status_display())


def _badge(colour: str, name: str, word: Any) -> SafeString:
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), word)


class RunFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"), method="search")
    status = django_filters.ChoiceFilter(label=_("Status"), choices=ImportRun.Status.choices, empty_label=_ALL)
    source = django_filters.ModelChoiceFilter(
        label=_("Source"), queryset=lambda request: ImportSource.objects.all(), empty_label=_ALL
    )

    def search(self, rows: QuerySet[ImportRun], name: str, value: str) -> QuerySet[ImportRun]:
        return rows.filter(Q(filename__icontains=value) | Q(source__name__icontains=value))


class RunTable(Table):
    filename = LtrColumn(linkify=("lab:import_detail", {"run_id": django_tables2.A("pk")}))
    status = django_tables2.Column()
    source = TextColumn(order_by=("source__name",))
    rows = NumberColumn()
    new = NumberColumn(verbose_name=_("New"), accessor="counts", orderable=False, empty_values=())
    refused = NumberColumn(verbose_name=_("Refused rows"), accessor="counts", orderable=False, empty_values=())
    created_by = TextColumn(order_by=("created_by__name",))
    created_at = DateTimeColumn(verbose_name=_("Uploaded"))

    class Meta:
        model = ImportRun
        fields = ("filename", "status", "source", "rows", "new", "refused", "created_by", "created_at")
        order_by = ("-created_at",)

    def render_status(self, record: ImportRun) -> SafeString:
        return status_badge(record)

    def render_new(self, record: ImportRun) -> Any:
        counts = record.counts or record.checked
        return counts.get("sample.created", 0) + counts.get("result.created", 0) if counts else EMPTY

    def render_refused(self, record: ImportRun) -> Any:
        counts = record.counts or record.checked
        return counts.get("row.refused", 0) + counts.get("row.partly", 0) if counts else EMPTY


class SourceTable(Table):
    name = TextColumn(linkify=lambda record: f"/imports?source={record.pk}")
    layout = django_tables2.Column()
    run_count = NumberColumn(verbose_name=_("Files"))
    last_run = DateTimeColumn(verbose_name=_("Last file"))
    go = django_tables2.Column(verbose_name="", accessor="pk", orderable=False)

    class Meta:
        model = ImportSource
        fields = ("name", "layout", "run_count", "last_run", "go")
        order_by = ("name",)

    def render_layout(self, value: str) -> str:
        return str(Layout(value).label)

    def render_go(self, value: Any) -> SafeString:
        return format_html(
            '<span class="btn-list"><a class="btn btn-sm" href="/imports/new?source={}">{}{}</a>'
            '<a class="btn btn-sm btn-icon btn-ghost-secondary" href="/imports/sources/{}/delete"'
            ' aria-label="{}">{}</a></span>',
            value,
            icon("upload"),
            _("Import a file"),
            value,
            _("Delete the source"),
            icon("trash"),
        )


class RowFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"), method="search")
    outcome = django_filters.MultipleChoiceFilter(
        label=_("Outcome"), choices=[choice for choice in ImportRow.Outcome.choices if choice[0]]
    )

    def search(self, rows: QuerySet[ImportRow], name: str, value: str) -> QuerySet[ImportRow]:
        found = Q(label__icontains=value) | Q(reasons__icontains=value)
        return rows.filter(found | Q(line=int(value)) if value.isdecimal() and len(value) < 8 else found)


class RowTable(Table):
    line = NumberColumn()
    outcome = django_tables2.Column(empty_values=())
    label = LtrColumn(orderable=False)
    reasons = TextColumn(verbose_name=_("Why"), orderable=False)
    cells = TextColumn(verbose_name=_("The row"), orderable=False)

    class Meta:
        model = ImportRow
        fields = ("line", "outcome", "label", "reasons", "cells")
        order_by = ("line",)

    def render_outcome(self, record: ImportRow) -> SafeString:
        return outcome_badge(record.outcome)

    def render_reasons(self, value: list[dict[str, str]]) -> SafeString:
        if not value:
            return EMPTY
        said = [
            (format_html('<b dir="auto">{}</b>: ', r["column"]) if r["column"] else "", r["message"]) for r in value[:5]
        ]
        lines = format_html_join("", '<div>{}<span dir="auto">{}</span></div>', said)
        return format_html("<div>{}</div>", lines)

    def render_cells(self, value: list[str]) -> SafeString:
        text = " · ".join(cell for cell in value if cell)
        return format_html('<span class="import-cells" dir="auto" title="{0}">{1}</span>', text[:500], text[:140])
