"""Rights and live events of files."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import (
    ADMIN,
    AGENT,
    EVERYONE,
    MANAGER,
    OFFICE,
    SALES_AGENT,
    SUPPORT_AGENT,
    TECHNICIAN,
    Permission,
)
from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Level

_FILES = _("Files")
_FIELD = frozenset({TECHNICIAN, AGENT, SALES_AGENT, SUPPORT_AGENT})
_WRITERS = OFFICE | _FIELD
_OWN: Final = dict.fromkeys(_FIELD, "own")

PERMISSIONS = [
    Permission("files.view", _("See files"), _FILES, EVERYONE, scoped=True, narrowed=_OWN),
    Permission("files.upload", _("Upload files"), _FILES, _WRITERS, verb="write"),
    Permission("files.edit", _("Change files"), _FILES, _WRITERS, verb="write", scoped=True, narrowed=_OWN),
    Permission("files.delete", _("Delete files"), _FILES, _WRITERS, verb="delete", scoped=True, narrowed=_OWN),
    Permission("files.share", _("Share files by link"), _FILES, _WRITERS, verb="write", scoped=True, narrowed=_OWN),
    Permission(
        "files.manage", _("Define categories, empty the trash"), _FILES, frozenset({ADMIN, MANAGER}), verb="manage"
    ),
    Permission(
        "files.override", _("Download what the virus scan could not check"), _FILES, frozenset({ADMIN}), verb="manage"
    ),
    Permission("files.original", _("Download originals with their metadata"), _FILES, OFFICE),
]

EVENTS = [
    EventType("file.uploaded", "files.view"),
    EventType("file.changed", "files.view"),
]

KINDS = [
    NotificationKind(
        key="export.ready",
        label=_("Export ready"),
        category="reports",
        title=_("Your file {{ file }} is ready"),
        body=_("It waits among your files for a day."),
        level=Level.SUCCESS,
        page="files:file_detail",
    )
]
