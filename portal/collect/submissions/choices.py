"""Enumerations of submissions; the values are those on the wire."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReviewState(models.TextChoices):
    RECEIVED = "received", _("Received")
    HAS_ISSUES = "hasIssues", _("Has issues")
    EDITED = "edited", _("Edited")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    ON_HOLD = "onHold", _("On hold")


class Flag(models.TextChoices):
    """What the automatic checks remark; a flag never refuses anything."""

    OUTLIER = "OUTLIER", _("Unusual number")
    TOO_FAST = "TOO_FAST", _("Filled in too fast")
    SAME_PLACE = "SAME_PLACE", _("Same place as another submission")
    STRAIGHT_LINE = "STRAIGHT_LINE", _("Same answer to every question")
    MISSING_PHOTO = "MISSING_PHOTO", _("A photo is missing")
    NOT_CREATED = "NOT_CREATED", _("The record of the mapping was not created")


class Change(models.TextChoices):
    """Kinds of entries in a submission's history."""

    ANSWERS = "answers", _("Answers changed")
    REVIEW = "review", _("Reviewed")


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Given up")
