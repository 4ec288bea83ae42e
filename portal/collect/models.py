"""Models of the collect room, from its parts."""

from portal.collect.charts.models import SubmissionTally, View
from portal.collect.dashboards.models import Dashboard, DashboardWidget
from portal.collect.forms.models import Form, FormVersion
from portal.collect.submissions.models import (
    Submission,
    SubmissionChange,
    SubmissionComment,
    Webhook,
    WebhookDelivery,
)

__all__ = [
    "Dashboard",
    "DashboardWidget",
    "Form",
    "FormVersion",
    "Submission",
    "SubmissionChange",
    "SubmissionComment",
    "SubmissionTally",
    "View",
    "Webhook",
    "WebhookDelivery",
]
