"""Live events of deals: ids alone, so that nobody learns of a deal that is not theirs to see; and what people are
told."""

from django.utils.translation import gettext_lazy as _

from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel, Level

EVENTS = [
    EventType("sale.stage", "sales.view", organization=True),
    EventType("sale.changed", "sales.view", organization=True),
]

KINDS = [
    NotificationKind(
        key="sale.assigned",
        label=_("Deal assigned"),
        category="customers",
        title=_("The deal {{ title }} is yours now"),
        many=_("Deals that are yours now: {{ count }}"),
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="sales.view",
        page="crm:sale_detail",
        many_page="crm:sale_list",
    ),
    NotificationKind(
        key="sale.won",
        label=_("Deal won"),
        category="customers",
        title=_("Won: {{ title }}"),
        body=_("{{ value }} {{ currency }}, {{ customer }}"),
        permission="sales.view",
        level=Level.SUCCESS,
        page="crm:sale_detail",
    ),
]
