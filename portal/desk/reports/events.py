"""What reports tell the rest of the program."""

from django.utils.translation import gettext_lazy as _

from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel, Level

EVENTS = [
    EventType("custom_report.changed", "custom_reports.view", organization=True),
    EventType("report_run.changed", "custom_reports.view"),
]
KINDS = (
    NotificationKind(
        key="custom_report.ready",
        label=_("A report is ready"),
        category="reports",
        title=_("The report “{{ report }}” is ready"),
        body=_("{{ rows }} rows. The file is kept until {{ until }}."),
        permission="custom_reports.view",
        level=Level.SUCCESS,
        page="custom_reports:run",
    ),
    NotificationKind(
        key="custom_report.sent",
        label=_("A scheduled report has come"),
        category="reports",
        title=_("The report “{{ report }}” is there"),
        body=_("{{ rows }} rows. The file is kept until {{ until }}."),
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="custom_reports.view",
        level=Level.INFO,
        page="custom_reports:run",
    ),
    NotificationKind(
        key="custom_report.failed",
        label=_("A scheduled report has failed"),
        category="reports",
        title=_("The report “{{ report }}” could not be drawn"),
        body="{{ error }}",
        permission="custom_reports.view",
        level=Level.WARNING,
        page="custom_reports:run",
    ),
)
