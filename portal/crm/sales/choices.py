"""Choices of sales, and the stages that every organisation starts with."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(models.TextChoices):
    """What a stage means; the status of the deals in it."""

    OPEN = "open", _("Open")
    WON = "won", _("Won")
    LOST = "lost", pgettext_lazy("deal", "Lost")


class Category(models.TextChoices):
    """How surely the owner counts on a deal; `omit` keeps it out of the forecast."""

    PIPELINE = "pipeline", _("Pipeline")
    BEST = "best", _("Best case")
    COMMIT = "commit", _("Commitment")
    OMIT = "omit", _("Left out of the forecast")


class ActivityType(models.TextChoices):
    CALL = "call", _("Call")
    MEETING = "meeting", _("Meeting")
    EMAIL = "email", _("E-mail")
    TASK = "task", _("To do")
    NOTE = "note", _("Note")


OTHER: Final = "other"
# Offered by the pages; the wire takes any other text, too.
LOST_REASONS: Final = {
    "price": _("Price"),
    "competitor": _("Competitor"),
    "budget": _("No budget"),
    "timing": _("Bad moment"),
    "no_need": _("No need any more"),
    "no_answer": _("No answer"),
    OTHER: _("Another reason"),
}
# What a stage may ask for before a deal enters it: name on the wire -> (attribute of the deal, its name for people).
REQUIRABLE: Final = {
    "value": ("value", _("Value")),
    "expectedCloseDate": ("expected_close_date", _("Expected close")),
    "assignedTo": ("assigned_to_id", _("Assigned to")),
    "description": ("description", _("Description")),
    "probability": ("probability", _("Probability")),
    "nextActivityAt": ("next_activity_at", _("Next activity")),
    "products": ("has_lines", _("Products")),
}
METRICS: Final = {
    "wonValue": _("Value won"),
    "wonCount": _("Deals won"),
    "winRate": _("Win rate"),
    "activities": _("Activities"),
}
# key, name, in French, in Arabic, probability, kind
DEFAULT_STAGES: Final = (
    ("lead", "Lead", "Piste", "فرصة أولية", 10, Kind.OPEN),
    ("qualified", "Qualified", "Qualifiée", "مؤهَّلة", 25, Kind.OPEN),
    ("proposal", "Proposal", "Proposition", "عرض مقدَّم", 50, Kind.OPEN),
    ("negotiation", "Negotiation", "Négociation", "تفاوض", 75, Kind.OPEN),
    ("won", "Won", "Gagnée", "رابحة", 100, Kind.WON),
    ("lost", "Lost", "Perdue", "خاسرة", 0, Kind.LOST),
)
ROTTING_DAYS: Final = 30
