"""Tables and filters of devices, transfers and conflicts."""

import django_filters
import django_tables2
from django.db.models import Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from portal.core.accounts.models import Device
from portal.core.accounts.selectors import assignable_people
from portal.core.common import clock
from portal.core.sync.models import Conflict, DeviceState, Upload
from portal.ui.filters import DateFrom, DateTo
from portal.ui.tables import DateTimeColumn, NumberColumn, Table, TextColumn
from portal.ui.templatetags.marsad import ltr
from portal.ui.trail import entity_choices, entity_name

_ALL = gettext_lazy("All")
_COLOURS = {
    "ok": "green",
    "complete": "green",
    "active": "green",
    "syncing": "yellow",
    "open": "yellow",
    "error": "red",
}
_COLOURS |= {"revoked": "orange", "blocked": "red"}


def badge(value: str, label: object) -> SafeString:
    return format_html('<span class="badge bg-{}-lt">{}</span>', _COLOURS.get(value, "secondary"), label)


class DeviceFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), method="search")
    user = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Person"), queryset=lambda request: assignable_people(), empty_label=_ALL
    )
    status = django_filters.ChoiceFilter(label=gettext_lazy("Access"), choices=Device.Status.choices, empty_label=_ALL)
    sync = django_filters.ChoiceFilter(
        label=gettext_lazy("Synchronisation"), choices=DeviceState.Status.choices, empty_label=_ALL, method="synced"
    )

    def search(self, rows: QuerySet[Device], name: str, value: str) -> QuerySet[Device]:
        for word in value.split():
            named = Q(device_name__icontains=word) | Q(device_id__icontains=word) | Q(device_model__icontains=word)
            rows = rows.filter(named | Q(user__name__icontains=word))
        return rows

    def synced(self, rows: QuerySet[Device], name: str, value: str) -> QuerySet[Device]:
        if value == DeviceState.Status.NEVER:
            return rows.filter(Q(sync_state=None) | Q(sync_state__status=value))
        return rows.filter(sync_state__status=value)


class DeviceTable(Table):
    device_name = TextColumn(
        verbose_name=gettext_lazy("Device"), linkify=("sync:device_detail", {"device_id": django_tables2.A("pk")})
    )
    user = TextColumn(accessor="user__name", verbose_name=gettext_lazy("Person"))
    status = django_tables2.Column(verbose_name=gettext_lazy("Access"))
    sync = django_tables2.Column(
        accessor="sync_state__status", verbose_name=gettext_lazy("Synchronisation"), empty_values=()
    )
    pushed = DateTimeColumn(accessor="sync_state__last_push_at", verbose_name=gettext_lazy("Last push"))
    pulled = DateTimeColumn(accessor="sync_state__last_pull_at", verbose_name=gettext_lazy("Last pull"))
    open_conflicts = NumberColumn(verbose_name=gettext_lazy("Open conflicts"))

    class Meta:
        model = Device
        fields = ("device_name", "user", "status", "sync", "pushed", "pulled", "open_conflicts")

    def render_status(self, record: Device) -> SafeString:
        return badge(record.status, record.get_status_display())

    def render_sync(self, record: Device) -> SafeString:
        state: DeviceState | None = getattr(record, "sync_state", None)
        if state is None:
            return badge("never", DeviceState.Status.NEVER.label)
        return badge(state.status, state.get_status_display())


class TransferFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), method="search")
    status = django_filters.ChoiceFilter(label=gettext_lazy("Status"), choices=Upload.Status.choices, empty_label=_ALL)
    date_from = DateFrom(field_name="created_at", label=gettext_lazy("From"))
    date_to = DateTo(field_name="created_at", label=gettext_lazy("Until"))

    def search(self, rows: QuerySet[Upload], name: str, value: str) -> QuerySet[Upload]:
        for word in value.split():
            rows = rows.filter(
                Q(device__device_name__icontains=word)
                | Q(device__device_id__icontains=word)
                | Q(device__user__name__icontains=word)
            )
        return rows


class TransferTable(Table):
    created_at = DateTimeColumn(verbose_name=gettext_lazy("Begun"))
    device = TextColumn(
        accessor="device__device_name",
        verbose_name=gettext_lazy("Device"),
        linkify=("sync:device_detail", {"device_id": django_tables2.A("device_id")}),
    )
    person = TextColumn(accessor="device__user__name", verbose_name=gettext_lazy("Person"))
    progress = django_tables2.Column(
        accessor="received_records", verbose_name=gettext_lazy("Progress"), orderable=False, empty_values=()
    )
    outcome = django_tables2.Column(accessor="counts", verbose_name=gettext_lazy("Outcome"), orderable=False)
    status = django_tables2.Column(verbose_name=gettext_lazy("Status"))

    class Meta:
        model = Upload
        fields = ("created_at", "device", "person", "progress", "outcome", "status")
        order_by = ("-created_at",)

    def render_progress(self, record: Upload) -> SafeString:
        done = sum(last - first + 1 for first, last in record.received)
        return format_html(
            '<span class="transfer"><progress max="{}" value="{}" aria-label="{}"></progress> {}</span>',
            record.chunks,
            done,
            _("Progress"),
            ltr(f"{record.received_records} / {record.records}"),
        )

    def render_outcome(self, value: dict[str, int]) -> SafeString | str:
        words = {
            "created": pgettext("changes", "created"),
            "updated": pgettext("changes", "updated"),
            "deleted": pgettext("changes", "deleted"),
            "unchanged": pgettext("changes", "unchanged"),
            "skipped": pgettext("changes", "skipped"),
            "conflicts": pgettext("changes", "conflicts"),
            "errors": pgettext("changes", "errors"),
        }
        return " · ".join(f"{words[name]}: {count}" for name, count in value.items() if count and name in words) or "—"

    def render_status(self, record: Upload) -> SafeString:
        if record.status == Upload.Status.OPEN and record.expires_at < clock.now():
            return badge("expired", Upload.Status.EXPIRED.label)
        return badge(record.status, record.get_status_display())


class ConflictFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(
        label=gettext_lazy("Status"),
        choices=[("open", gettext_lazy("Waiting")), ("resolved", gettext_lazy("Decided"))],
        empty_label=_ALL,
        method="state",
    )
    entity = django_filters.ChoiceFilter(label=gettext_lazy("Kind of record"), choices=entity_choices, empty_label=_ALL)
    device = django_filters.UUIDFilter(field_name="device_id", label=gettext_lazy("Device"))
    date_from = DateFrom(field_name="created_at", label=gettext_lazy("From"))
    date_to = DateTo(field_name="created_at", label=gettext_lazy("Until"))

    def state(self, rows: QuerySet[Conflict], name: str, value: str) -> QuerySet[Conflict]:
        is_open = Q(resolution=Conflict.Resolution.OPEN)
        return rows.filter(is_open if value == "open" else ~is_open)


class ConflictTable(Table):
    created_at = DateTimeColumn(
        verbose_name=gettext_lazy("Time"), linkify=("sync:conflict_detail", {"conflict_id": django_tables2.A("pk")})
    )
    entity = django_tables2.Column(verbose_name=gettext_lazy("Record"), orderable=False)
    device = TextColumn(accessor="device__device_name", verbose_name=gettext_lazy("Device"), orderable=False)
    person = TextColumn(accessor="device__user__name", verbose_name=gettext_lazy("Person"), orderable=False)
    resolution = django_tables2.Column(verbose_name=gettext_lazy("Decision"))
    resolved_by = TextColumn(accessor="resolved_by__name", verbose_name=gettext_lazy("Decided by"), orderable=False)

    class Meta:
        model = Conflict
        fields = ("created_at", "entity", "device", "person", "resolution", "resolved_by")
        order_by = ("-created_at",)

    def render_entity(self, record: Conflict) -> SafeString:
        data = record.server_data
        return format_html(
            "{} <bdi>{}</bdi>", entity_name(record.entity), data.get("code") or data.get("valueText") or ""
        )

    def render_resolution(self, record: Conflict) -> SafeString:
        return badge(record.resolution, record.get_resolution_display())
