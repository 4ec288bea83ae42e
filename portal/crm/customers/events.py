"""Live events of customers, and what people are told."""

from django.utils.translation import gettext_lazy as _

from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel, Level

EVENTS = [EventType("customers.changed", "customers.view", organization=True)]  # to open lists

KINDS = [
    NotificationKind(
        key="customer.assigned",
        label=_("Customer assigned"),
        category="customers",
        title=_("{{ name }} is your customer now"),
        many=_("Customers that are yours now: {{ count }}"),
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="customers.view",
        page="crm:customer_detail",
        many_page="crm:customer_list",
    ),
    NotificationKind(
        key="customer.mentioned",
        label=_("Mentioned in a note"),
        category="mentions",
        title=_("{{ person }} mentions you in a note on {{ name }}"),
        body="{{ note }}",
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="customers.view",
        page="crm:customer_notes",
    ),
    NotificationKind(
        key="customers.imported",
        label=_("Import of customers finished"),
        category="data",
        title=_("The customers of {{ file }} are imported"),
        body=_("New: {{ created }}, changed: {{ updated }}, refused: {{ failed }}"),
        permission="customers.import",
        level=Level.SUCCESS,
        page="crm:import_detail",
    ),
]
