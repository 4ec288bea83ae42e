"""The kinds of notifications: what rooms may send by `services.notify`, registered when their apps load."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.core.notifications.models import Channel, Level
from portal.core.notifications.wording import names_in

type Text = str | Promise

SECURITY: Final = "security"
ANNOUNCEMENTS: Final = "announcements"
# What people choose by. Security cannot be switched off.
CATEGORIES: Final[dict[str, Text]] = {
    SECURITY: _("Security"),
    "tasks": _("Tasks"),
    "mentions": _("Mentions"),
    "laboratory": _("Laboratory"),
    "reports": _("Reports and exports"),
    "data": _("Imports and forms"),
    "people": _("People"),
    "customers": _("Customers and sales"),
    "tickets": _("Tickets"),
    "contracts": _("Contracts"),
    ANNOUNCEMENTS: _("Announcements"),
}
WINDOW: Final = 60  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationKind:
    """One kind of event that people are told of.

    `title` and `body` are lazy texts with variables `{{ name }}`: `notify` wants exactly these in `data`. `channels` is
    where it goes unless the person chose otherwise; `permission` is what whoever gets it must hold ("" : anybody).
    `page` is the name of the address that takes the subject's id. Equal events within `window` seconds become one copy:
    those of one subject, or with `many` (a title with `{{ count }}`) those of all subjects, which `many_page` lists.
    """

    key: str
    label: Text
    category: str
    title: Text
    body: Text = ""
    channels: tuple[str, ...] = (Channel.IN_APP,)
    permission: str = ""
    level: str = Level.INFO
    urgent: bool = False
    page: str = ""
    many: Text = ""
    many_page: str = ""
    window: int = WINDOW

    @property
    def variables(self) -> list[str]:
        """The names that its texts use."""
        return sorted((names_in(str(self.title)) | names_in(str(self.body)) | names_in(str(self.many))) - {"count"})


_kinds: dict[str, NotificationKind] = {}


def register(*kinds: NotificationKind) -> None:
    """Add kinds, in `AppConfig.ready`. Raises ValueError for a key declared twice or an unknown category."""
    for kind in kinds:
        if kind.category not in CATEGORIES:
            raise ValueError(f"category {kind.category!r} of {kind.key} is not one of {', '.join(CATEGORIES)}")
        if _kinds.setdefault(kind.key, kind) is not kind:
            raise ValueError(f"notification kind {kind.key} is declared twice")


def get(key: str) -> NotificationKind:
    """Raises KeyError."""
    return _kinds[key]


def find(key: str) -> NotificationKind | None:
    return _kinds.get(key)


def every() -> Iterable[NotificationKind]:
    return _kinds.values()


CORE: Final = (
    NotificationKind(
        key="security.event",
        label=_("Security event"),
        category=SECURITY,
        title=_("Security event: {{ type }}"),
        body=_("{{ subject }} (severity {{ severity }}, seen {{ times }} times)"),
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="audit.view",
        level=Level.WARNING,
        urgent=True,
        page="audit:event_detail",
    ),
    NotificationKind(
        key="device.new",
        label=_("New device"),
        category=SECURITY,
        title=_("New device: {{ device }}"),
        body=_("{{ person }} signed in on a device that was not known before."),
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="devices.view",
    ),
    NotificationKind(
        key="invitation.accepted",
        label=_("Invitation accepted"),
        category="people",
        title=_("{{ person }} has accepted your invitation"),
        body=_("They can work in Marsad from now on as {{ role }}."),
        level=Level.SUCCESS,
        page="people:detail",
    ),
)
