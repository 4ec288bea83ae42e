"""What a ticket can be, and from which status it may go to which."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class TicketStatus(TextChoices):
    NEW = "new", _("New")
    OPEN = "open", _("Open")
    WAITING = "waiting_customer", _("Waiting for the customer")
    ON_HOLD = "on_hold", _("On hold")
    RESOLVED = "resolved", _("Resolved")
    CLOSED = "closed", _("Closed")
    SPAM = "spam", _("Spam")


class TicketPriority(TextChoices):
    LOW = "low", _("Low")
    NORMAL = "normal", _("Normal")
    HIGH = "high", _("High")
    URGENT = "urgent", _("Urgent")


class Channel(TextChoices):
    PORTAL = "portal", _("Portal")
    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Telephone")
    WEB = "web", _("Website")
    API = "api", _("Another program")
    LABORATORY = "laboratory", _("Laboratory")


# Somebody still has to do something: what counts as open in figures.
OPEN: Final = frozenset({"new", "open", "waiting_customer", "on_hold"})
# The resolution clock stands still.
PAUSING: Final = frozenset({"waiting_customer", "on_hold"})
CHANGES: Final[dict[str, tuple[str, ...]]] = {
    "new": ("open", "waiting_customer", "on_hold", "resolved", "spam"),
    "open": ("waiting_customer", "on_hold", "resolved"),
    "waiting_customer": ("open", "resolved"),
    "on_hold": ("open", "resolved"),
    "resolved": ("open", "closed"),
    "closed": ("open",),  # with `tickets.reopen`, within REOPEN_DAYS
    "spam": ("new",),
}
WEIGHTS: Final = {"low": 0, "normal": 1, "high": 2, "urgent": 3}
REOPEN_DAYS: Final = 14  # a closed ticket older than that gets a new one that follows it
CLOSE_DAYS: Final = 7  # a resolved ticket closes by itself; setting `ticketCloseDays`
EDIT_MINUTES: Final = 10  # a comment changed later than that keeps what it said before
