"""States and kinds of contracts."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Status(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PENDING = "pending_approval", _("Waiting for approval")
    SENT = "sent", _("Sent")
    UPCOMING = "active_pending", _("Begins later")
    ACTIVE = "active", pgettext_lazy("contract", "Active")
    EXPIRED = "expired", pgettext_lazy("contract", "Expired")
    TERMINATED = "terminated", _("Terminated")
    RENEWED = "renewed", _("Renewed")
    CANCELLED = "cancelled", pgettext_lazy("contract", "Cancelled")


# Where a person may take a contract. Expiry, renewal and the beginning of an upcoming one are the calendar's doing.
STEPS: Final[dict[str, tuple[str, ...]]] = {
    Status.DRAFT: (Status.PENDING, Status.SENT, Status.ACTIVE, Status.CANCELLED),
    Status.PENDING: (Status.SENT, Status.DRAFT),
    Status.SENT: (Status.ACTIVE, Status.DRAFT, Status.CANCELLED),
    Status.UPCOMING: (Status.TERMINATED,),
    Status.ACTIVE: (Status.TERMINATED,),
    Status.EXPIRED: (),
    Status.TERMINATED: (),
    Status.RENEWED: (),
    Status.CANCELLED: (),
}
OPEN: Final = (Status.DRAFT, Status.PENDING, Status.SENT)  # may be edited freely
IN_FORCE: Final = (Status.ACTIVE, Status.UPCOMING)
ENDED: Final = (Status.RENEWED, Status.EXPIRED, Status.TERMINATED)


class Billing(models.TextChoices):
    ONE_OFF = "one_off", _("Once")
    MONTHLY = "monthly", _("Monthly")
    QUARTERLY = "quarterly", _("Quarterly")
    YEARLY = "yearly", _("Yearly")


class ValueType(models.TextChoices):
    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    MONEY = "money", _("Amount of money")
    DATE = "date", _("Date")


class DocumentKind(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SIGNED = "signed", _("Signed copy")
    ANNEX = "annex", _("Annex")
    NOTICE = "notice", _("Notice of termination")


class Party(models.TextChoices):
    US = "us", _("Us")
    CUSTOMER = "customer", _("The customer")


LANGUAGES: Final = [("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))]
