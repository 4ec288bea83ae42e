"""Live events of contracts, and what people are told."""

from django.utils.translation import gettext_lazy as _

from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel, Level

EVENTS = [
    EventType("contract.changed", "contracts.view", organization=True),
    EventType("contract.expiring", "contracts.view", organization=True),
]

KINDS = [
    NotificationKind(
        key="contract.ending",
        label=_("Contract about to end"),
        category="contracts",
        title=_("Contract {{ number }} ends on {{ day }}: {{ title }}"),
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="contracts.view",
        level=Level.WARNING,
        page="crm:contract_detail",
    ),
    NotificationKind(
        key="contract.renewed",
        label=_("Contract renewed"),
        category="contracts",
        title=_("Contract {{ number }} is renewed by {{ successor }}: {{ title }}"),
        permission="contracts.view",
        level=Level.SUCCESS,
        page="crm:contract_detail",
    ),
]
