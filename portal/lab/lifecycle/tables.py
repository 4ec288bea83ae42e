"""The list of analyses whose holding time runs."""

from datetime import datetime, timedelta
from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.core.common import clock
from portal.lab.lifecycle import selectors
from portal.lab.lifecycle.models import RequestedAnalysis
from portal.lab.pages.wording import GROUPS
from portal.ui.tables import DateTimeColumn, LtrColumn, Table, TextColumn
from portal.ui.templatetags.marsad import icon

_ALL = _("All")


class DueFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"))
    group = django_filters.ChoiceFilter(label=_("Group"), choices=list(GROUPS.items()), empty_label=_ALL)
    state = django_filters.ChoiceFilter(
        label=_("Holding time"),
        choices=[("late", _("Over")), ("4", _("Over within 4 hours")), ("24", _("Over within 24 hours"))],
        empty_label=_ALL,
    )

    def filter_queryset(self, queryset: QuerySet[RequestedAnalysis]) -> QuerySet[RequestedAnalysis]:
        chosen = self.form.cleaned_data
        state = chosen.get("state") or ""
        return selectors.due_list(
            search=chosen.get("q") or "",
            group=chosen.get("group") or "",
            within=timedelta(hours=int(state)) if state.isdigit() else None,
            late=True if state == "late" else None,
        )


class DueTable(Table):
    due_at = DateTimeColumn(verbose_name=_("Start the analysis by"))
    left = django_tables2.Column(verbose_name=_("Time left"), accessor="due_at", orderable=False)
    sample = LtrColumn(
        verbose_name=_("Sample"),
        accessor="sample__code",
        linkify=("lab:sample_detail", {"sample_id": django_tables2.A("sample_id")}),
    )
    location = TextColumn(verbose_name=_("Location"), accessor="sample__location")
    parameter = TextColumn(verbose_name=_("Parameter"), order_by=("parameter__code",))
    status = django_tables2.Column(verbose_name=_("Status"), accessor="sample__status")

    class Meta:
        model = RequestedAnalysis
        fields = ("due_at", "left", "sample", "location", "parameter", "status")
        order_by = ("due_at",)

    def render_left(self, value: datetime) -> SafeString:
        return time_left(value)

    def render_status(self, record: Any) -> str:
        return str(record.sample.get_status_display())


def time_left(due: datetime) -> SafeString:
    """How long a holding time still runs; word and icon beside the colour."""
    seconds = (due - clock.now()).total_seconds()
    colour, name = ("red", "alert-triangle") if seconds < 0 else ("yellow", "clock") if seconds < 4 * 3600 else ("", "")
    text = selectors.left(due)
    if not colour:
        return format_html("{}", text)
    return format_html('<span class="badge bg-{}-lt">{}{}</span>', colour, icon(name), text)
