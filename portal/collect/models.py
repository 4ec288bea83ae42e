"""Models of the collect room, from its parts."""

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
    "Form",
    "FormVersion",
    "Submission",
    "SubmissionChange",
    "SubmissionComment",
    "SubmissionExport",
    "SubmissionExportPart",
    "Webhook",
    "WebhookDelivery",
]
