"""Tables, filters and badges of notifications, deliveries and suppressed addresses."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.notifications import inbox, selectors
from portal.core.notifications.kinds import CATEGORIES
from portal.core.notifications.models import Channel, Copy, Delivery, Level, Suppression
from portal.desk.people.lists import badge
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn

_ALL = gettext_lazy("All")
LEVELS = {
    "info": ("blue", "info-circle"),
    "success": ("green", "circle-check"),
    "warning": ("yellow", "alert-triangle"),
    "error": ("red", "circle-x"),
}
STATES = {
    "scheduled": ("secondary", "calendar"),
    "queued": ("yellow", "clock"),
    "sending": ("blue", "send"),
    "sent": ("green", "circle-check"),
    "delivered": ("green", "circle-check"),
    "digested": ("green", "mail"),
    "failed": ("red", "circle-x"),
    "dead": ("red", "circle-x"),
    "partial": ("orange", "alert-triangle"),
    "cancelled": ("secondary", "circle-minus"),
    "skipped": ("secondary", "circle-dashed"),
}
REASONS = {
    "preference": gettext_lazy("switched off by the recipient"),
    "quiet": gettext_lazy("waits for the end of quiet hours"),
    "digest": gettext_lazy("waits for the next summary"),
    "suppressed": gettext_lazy("the address is suppressed"),
    "no_address": gettext_lazy("no address"),
    "no_provider": gettext_lazy("no provider is set up"),
    "inactive": gettext_lazy("the person is not active"),
    "retry": gettext_lazy("will be tried again"),
    "refused": gettext_lazy("refused for good"),
    "attempts": gettext_lazy("all attempts failed"),
    "uncertain": gettext_lazy("interrupted: perhaps sent"),
}
CHANNEL_ICONS = {"in_app": "bell", "email": "mail", "push": "device-mobile", "sms": "message-circle"}


class _Day(django_filters.Filter):
    field_class = DateField


def state_badge(status: str) -> SafeString:
    words = {**dict(Delivery.Status.choices), "partial": _("Partly failed")}
    colour, picture = STATES[status]
    return badge(colour, picture, words[status])


def level_badge(level: str) -> SafeString:
    colour, picture = LEVELS[level]
    return badge(colour, picture, Level(level).label)


class InboxFilter(django_filters.FilterSet):
    """`copy_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("Status"),
        choices=[("unread", gettext_lazy("Unread")), ("read", gettext_lazy("Read"))],
        empty_label=_ALL,
    )
    category = django_filters.ChoiceFilter(
        label=gettext_lazy("Category"), choices=list(CATEGORIES.items()), empty_label=_ALL
    )
    level = django_filters.ChoiceFilter(label=gettext_lazy("Type"), choices=Level.choices, empty_label=_ALL)
    since = _Day(label=gettext_lazy("From"))
    until = _Day(label=gettext_lazy("Until"))

    def filter_queryset(self, queryset: QuerySet[Copy]) -> QuerySet[Copy]:
        said = self.form.cleaned_data
        return inbox.copy_list(
            user=person(self.request),
            search=said.get("q") or "",
            unread={"unread": True, "read": False}.get(said.get("state") or ""),
            category=said.get("category") or "",
            level=said.get("level") or "",
            since=midnight(said["since"]) if said.get("since") else None,
            until=day_after(said["until"]) if said.get("until") else None,
        )


class InboxTable(Table):
    """Its rows are drawn by a template of their own."""

    visible_at = DateTimeColumn()

    class Meta:
        model = Copy
        fields = ("visible_at",)
        order_by = ("-visible_at",)


class QueueFilter(django_filters.FilterSet):
    """`delivery_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=Delivery.Status.choices)
    channel = django_filters.ChoiceFilter(label=gettext_lazy("Channel"), choices=Channel.choices, empty_label=_ALL)
    category = django_filters.ChoiceFilter(
        label=gettext_lazy("Category"), choices=list(CATEGORIES.items()), empty_label=_ALL
    )
    since = _Day(label=gettext_lazy("From"))
    until = _Day(label=gettext_lazy("Until"))

    def filter_queryset(self, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        said = self.form.cleaned_data
        return selectors.delivery_list(
            search=said.get("q") or "",
            statuses=said.get("status") or (),
            channel=said.get("channel") or "",
            category=said.get("category") or "",
            since=midnight(said["since"]) if said.get("since") else None,
            until=day_after(said["until"]) if said.get("until") else None,
        )


class QueueTable(Table):
    title = django_tables2.Column(
        verbose_name=gettext_lazy("Message"), accessor="copy__title", order_by=("notification__title",)
    )
    user = TextColumn(verbose_name=gettext_lazy("Recipient"), order_by=("user__name",))
    channel = django_tables2.Column()
    status = django_tables2.Column()
    due_at = DateTimeColumn(verbose_name=gettext_lazy("Due"))
    attempts = NumberColumn()

    class Meta:
        model = Delivery
        fields = ("title", "user", "channel", "status", "due_at", "attempts")
        order_by = ("-due_at",)

    def render_title(self, record: Delivery) -> SafeString:
        return format_html(
            '<a href="{}" dir="auto">{}</a>',
            reverse("notify:message", args=[record.notification_id]),
            record.copy.shown_title,
        )

    def render_status(self, record: Delivery) -> SafeString:
        reason = REASONS.get(record.reason, record.error)
        if not reason:
            return state_badge(record.status)
        return format_html(
            '{}<div class="text-secondary small" title="{}">{}</div>', state_badge(record.status), record.error, reason
        )


class SuppressionFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"))

    def filter_queryset(self, queryset: QuerySet[Suppression]) -> QuerySet[Suppression]:
        return selectors.suppression_list(search=self.form.cleaned_data.get("q") or "")


class SuppressionTable(Table):
    address = LtrColumn()
    channel = django_tables2.Column()
    reason = django_tables2.Column()
    note = TextColumn()
    created_at = DateTimeColumn(verbose_name=gettext_lazy("Since"))
    remove = django_tables2.Column(accessor="pk", verbose_name="", orderable=False)

    class Meta:
        model = Suppression
        fields = ("address", "channel", "reason", "note", "created_at", "remove")
        order_by = ("-created_at",)

    def render_remove(self, record: Suppression) -> Any:
        if record.reason == Suppression.Reason.COMPLAINT:
            return self.default
        return format_html(
            '<button class="btn btn-sm" type="submit" form="remove" formaction="{}">{}</button>',
            reverse("notify:suppression_remove", args=[record.pk]),
            _("Send there again"),
        )
