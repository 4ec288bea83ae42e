"""Words, colours and pictures of projects and tasks."""

from typing import Any, Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.core.projects.choices import ProjectStatus, TaskPriority, TaskStatus
from portal.ui.templatetags.marsad import EMPTY, icon, localdate

register = template.Library()

# Status -> (Tabler colour, icon). The word stands beside it.
LOOKS: Final[dict[str, tuple[str, str]]] = {
    ProjectStatus.DRAFT: ("secondary", "pencil"),
    ProjectStatus.ACTIVE: ("green", "player-play"),
    ProjectStatus.COMPLETED: ("green", "circle-check"),
    ProjectStatus.ARCHIVED: ("secondary", "archive"),
    TaskStatus.PENDING: ("yellow", "circle-dashed"),
    TaskStatus.ASSIGNED: ("yellow", "user-check"),
    TaskStatus.IN_PROGRESS: ("orange", "progress-check"),
    TaskStatus.COMPLETED: ("green", "circle-check"),
    TaskStatus.SUBMITTED: ("green", "send"),
    TaskStatus.CANCELLED: ("secondary", "circle-x"),
    TaskPriority.LOW: ("secondary", "arrow-narrow-down"),
    TaskPriority.MEDIUM: ("secondary", "circle-minus"),
    TaskPriority.HIGH: ("orange", "arrow-narrow-up"),
    TaskPriority.URGENT: ("red", "alert-triangle"),
}
_WORDS: Final = {value: label for kind in (ProjectStatus, TaskStatus, TaskPriority) for value, label in kind.choices}


def badge(colour: str, picture: str, word: object) -> SafeString:
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(picture), word)


@register.filter
def looks(value: str) -> SafeString:
    """A status or a priority as a badge."""
    colour, picture = LOOKS[value]
    return badge(colour, picture, _WORDS[value])


@register.filter
def picture(value: str) -> SafeString:
    return icon(LOOKS[value][1])


@register.filter
def word(value: str) -> str:
    return str(_WORDS[value])


@register.filter
def due(task: Any) -> SafeString:
    """The day by which a task is due; an overdue one says so."""
    if task.due_date is None:
        return EMPTY
    day = localdate(task.due_date)
    if not task.overdue:
        return day
    said = format_html('<span class="visually-hidden"> {}</span>', _("overdue"))
    return format_html('<span class="overdue">{}{}{}</span>', icon("clock"), day, said)


@register.filter
def window(project: Any) -> SafeString:
    """From when to when a project takes data; a missing bound is open."""
    start, end = project.start_date, project.end_date
    if start is None and end is None:
        return EMPTY
    if start is None:
        return format_html(_("until {day}"), day=localdate(end))
    if end is None:
        return format_html(_("from {day}"), day=localdate(start))
    return format_html("<span>{} \N{EN DASH} {}</span>", localdate(start), localdate(end))


@register.filter
def progress(share: int) -> SafeString:
    """A bar of whole percent."""
    label = _("Done: %(share)d %%") % {"share": share}
    return format_html('<progress class="share" max="100" value="{}" aria-label="{}"></progress>', share, label)
