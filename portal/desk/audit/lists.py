"""Table and filters of the audit log."""

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.accounts.selectors import assignable_people
from portal.core.audit import selectors
from portal.core.audit.models import Action, AuditEntry, Outcome
from portal.ui.filters import DateFrom, DateTo, day_after, midnight
from portal.ui.tables import DateTimeColumn, LtrColumn, Table
from portal.ui.trail import action_badge, door, entity_choices, entity_name, record_name

_ALL = _("All")
_ACTIONS = [(action.wire, action.label) for action in Action if action is not Action.ACCESS]


class EntryFilter(django_filters.FilterSet):
    """The filters of FR-083; `entry_list` applies them."""

    q = django_filters.CharFilter(label=_("Search"))
    date_from = DateFrom(field_name="timestamp", label=_("From"))
    date_to = DateTo(field_name="timestamp", label=_("Until"))
    user = django_filters.ModelChoiceFilter(
        label=_("Person"), queryset=lambda request: assignable_people(), empty_label=_ALL
    )
    entity = django_filters.ChoiceFilter(label=_("Kind of record"), choices=entity_choices, empty_label=_ALL)
    action = django_filters.ChoiceFilter(label=_("Action"), choices=_ACTIONS, empty_label=_ALL)
    outcome = django_filters.ChoiceFilter(label=_("Outcome"), choices=Outcome.choices, empty_label=_ALL)
    record = django_filters.CharFilter(label=_("Record id"))

    def filter_queryset(self, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        chosen = {name: value for name, value in self.form.cleaned_data.items() if value}
        person: User | None = chosen.get("user")
        return selectors.entry_list(
            search=chosen.get("q", ""),
            since=midnight(chosen["date_from"]) if "date_from" in chosen else None,
            until=day_after(chosen["date_to"]) if "date_to" in chosen else None,
            user=person.pk if person else None,
            entity=chosen.get("entity", ""),
            actions=[selectors.WIRE_ACTIONS[chosen["action"]]] if "action" in chosen else None,
            outcome=chosen.get("outcome", ""),
            record=chosen.get("record", "").strip(),
        )


class EntryTable(Table):
    timestamp = DateTimeColumn(linkify=("audit:entry_detail", {"entry_id": django_tables2.A("pk")}))
    action = django_tables2.Column(orderable=False)
    entity = django_tables2.Column(orderable=False, verbose_name=_("Record"))
    actor_name = django_tables2.Column(orderable=False, verbose_name=_("Person"), empty_values=())
    remote_addr = LtrColumn(orderable=False, verbose_name=_("Address"))
    outcome = django_tables2.Column(orderable=False)

    class Meta:
        model = AuditEntry
        fields = ("timestamp", "action", "entity", "actor_name", "remote_addr", "outcome")
        order_by = ("-timestamp",)

    def render_action(self, record: AuditEntry) -> SafeString:
        return action_badge(Action(record.action))

    def render_entity(self, record: AuditEntry) -> SafeString:
        return format_html("<span>{} <bdi>{}</bdi></span>", entity_name(record.entity), record_name(record))

    def render_actor_name(self, value: str, record: AuditEntry) -> SafeString:
        who: str | Promise = value or _("System")
        return format_html(
            '<span><span dir="auto">{}</span> <small class="text-secondary">{}</small></span>', who, door(record.via)
        )

    def render_outcome(self, record: AuditEntry) -> SafeString | str:
        word = capfirst(str(Outcome(record.outcome).label))
        if record.outcome == Outcome.SUCCESS:
            return word
        return format_html('<span class="badge bg-orange-lt">{}</span>', word)
