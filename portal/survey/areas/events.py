"""Live events and notifications of areas."""

from django.utils.translation import gettext_lazy as _

from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import SECURITY, NotificationKind
from portal.core.notifications.models import Channel, Level

EVENTS = [
    EventType("lbac.violation", "geo.denials", organization=True),
    EventType("areas.changed"),  # to the person
]

KINDS = [
    NotificationKind(
        key="area.violations",
        label=_("Repeated work outside of the assigned area"),
        category=SECURITY,
        title=_("{{ person }} was refused {{ times }} times within 24 hours"),
        body=_("The places lay outside of the areas that are assigned to this person."),
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="geo.denials",
        level=Level.WARNING,
        page="survey:denial_detail",
    ),
]
