"""Live events of the laboratory."""

from django.utils.translation import gettext_lazy as _

from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel, Level

EVENTS = [
    EventType("sample.changed", "samples.view", organization=True),
    EventType("result.changed", "samples.view", organization=True),
    EventType("worksheet.changed", "samples.view", organization=True),
    EventType("certificate.issued", "certificates.view", organization=True),
    EventType("compliance.changed", "samples.view", organization=True),
]

KINDS = [
    NotificationKind(
        key="sample.rejected",
        label=_("Sample rejected"),
        category="laboratory",
        title=_("Sample {{ code }} was rejected"),
        body="{{ reason }}",
        many=_("Samples rejected: {{ count }}"),
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="samples.view",
        level=Level.WARNING,
        page="lab:sample_detail",
        many_page="lab:sample_list",
    ),
    NotificationKind(
        key="report.ready",
        label=_("Report ready"),
        category="reports",
        title=_("Report {{ number }} is ready"),
        permission="reports.view",
        level=Level.SUCCESS,
        page="reports:detail",
    ),
    NotificationKind(
        key="import.finished",
        label=_("Import finished"),
        category="data",
        title=_("The import of {{ file }} has finished"),
        body=_("Samples in the file: {{ samples }}"),
        permission="samples.import",
        level=Level.SUCCESS,
        page="lab:import_detail",
    ),
]
