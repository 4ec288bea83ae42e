"""Models of the collect room, from its parts."""

from portal.collect.charts.models import SubmissionTally, View
from portal.collect.dashboards.models import Dashboard, DashboardPdf, DashboardWidget
from portal.collect.forms.models import Form, FormVersion
from portal.collect.submissions.models import (
    Submission,
    SubmissionChange,
    SubmissionComment,
    SubmissionExport,
    SubmissionExportPart,
    Webhook,
    WebhookDelivery,
)

__all__ = [
    "Dashboard",
    "DashboardPdf",
    "DashboardWidget",
    "Form",
    "FormVersion",
    "Submission",
    "SubmissionChange",
    "SubmissionComment",
    "SubmissionExport",
    "SubmissionExportPart",
    "SubmissionTally",
    "View",
    "Webhook",
    "WebhookDelivery",
]
