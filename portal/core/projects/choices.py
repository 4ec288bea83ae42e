"""What a project and a task can be, and from which state they may go to which (C40, C56)."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ProjectStatus(TextChoices):
    """The wire's own words. `Closed` of specification 003 is completed or archived."""

    DRAFT = "Draft", _("Draft")
    ACTIVE = "Active", _("Active")
    COMPLETED = "Completed", _("Completed")
    ARCHIVED = "Archived", _("Archived")


class TaskStatus(TextChoices):
    PENDING = "pending", _("Pending")
    ASSIGNED = "assigned", _("Assigned")
    IN_PROGRESS = "in_progress", _("In progress")
    COMPLETED = "completed", _("Completed")
    SUBMITTED = "submitted", _("Submitted")
    CANCELLED = "cancelled", _("Cancelled")


class TaskPriority(TextChoices):
    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")
    URGENT = "urgent", _("Urgent")


CLOSED_ALIAS: Final = "closed"
CLOSED: Final = frozenset({ProjectStatus.COMPLETED.value, ProjectStatus.ARCHIVED.value})
# A project takes work and submissions while it is a draft or active (C43).
OPEN_PROJECT: Final = frozenset({ProjectStatus.DRAFT.value, ProjectStatus.ACTIVE.value})
# Tasks that somebody still has to do; one of them whose due date has passed is overdue.
OPEN_TASK: Final = frozenset({TaskStatus.PENDING.value, TaskStatus.ASSIGNED.value, TaskStatus.IN_PROGRESS.value})

PROJECT_CHANGES: Final[dict[str, tuple[str, ...]]] = {
    "Draft": ("Active", "Completed", "Archived"),
    "Active": ("Completed", "Archived"),
    "Completed": ("Active", "Archived"),
    "Archived": ("Active", "Completed"),
}
TASK_CHANGES: Final[dict[str, tuple[str, ...]]] = {
    "pending": ("assigned", "in_progress", "completed", "cancelled"),
    "assigned": ("pending", "in_progress", "completed", "cancelled"),
    "in_progress": ("pending", "assigned", "completed", "submitted", "cancelled"),
    "completed": ("in_progress", "submitted"),
    "submitted": ("in_progress", "completed"),
    "cancelled": ("pending", "assigned"),
}
# Lowest first, for lists that are sorted by urgency.
PRIORITY_ORDER: Final = tuple(TaskPriority.values)
