"""Choices of customers."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    LEAD = "lead", _("Lead")
    PROSPECT = "prospect", _("Prospect")
    ACTIVE = "active", _("Active")
    INACTIVE = "inactive", _("Inactive")
    CHURNED = "churned", _("Lost customer")


class Size(models.TextChoices):
    INDIVIDUAL = "individual", _("Individual")
    STARTUP = "startup", _("Start-up")
    SMALL = "small", _("Small")
    MEDIUM = "medium", _("Medium")
    LARGE = "large", _("Large")
    ENTERPRISE = "enterprise", _("Very large")


class FieldKind(models.TextChoices):
    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    DATE = "date", _("Date")
    BOOLEAN = "boolean", _("Yes or no")
    CHOICE = "choice", _("Choice")


_S: Final = Status
# Where a status may go. Who was a customer never becomes a lead again: coming back from churned is a win-back.
STATUS_CHANGES: Final[dict[str, tuple[str, ...]]] = {
    _S.LEAD: (_S.PROSPECT, _S.ACTIVE, _S.INACTIVE, _S.CHURNED),
    _S.PROSPECT: (_S.LEAD, _S.ACTIVE, _S.INACTIVE, _S.CHURNED),
    _S.ACTIVE: (_S.INACTIVE, _S.CHURNED),
    _S.INACTIVE: (_S.ACTIVE, _S.CHURNED),
    _S.CHURNED: (_S.ACTIVE,),
}
