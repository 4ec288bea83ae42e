"""One's own notifications: reading, putting away, and the browsers and apps that get pushes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Denied, Invalid, NotFound
from portal.core.common.text import normalise
from portal.core.notifications import kinds
from portal.core.notifications.events import publish
from portal.core.notifications.models import Copy, PushSubscription
from portal.core.tenancy import scope

# Where browsers' pushes go: nothing else is ever called (a subscription is an address that a client chooses).
PUSH_HOSTS: Final = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    ".push.services.mozilla.com",
    ".notify.windows.com",
    ".push.apple.com",
)
SUBSCRIPTIONS: Final = 20  # of one person


def copy_list(
    *,
    user: User,
    unread: bool | None = None,
    category: str = "",
    level: str = "",
    search: str = "",
    since: Any = None,
    until: Any = None,
) -> QuerySet[Copy]:
    """A person's notifications that are due, the latest first; `until` is exclusive."""
    found = Copy.objects.filter(user=user, deleted_at=None, in_app=True, visible_at__lte=clock.now())
    if unread is not None:
        found = found.filter(read_at__isnull=unread)
    if category:
        found = found.filter(notification__category=category)
    if level:
        found = found.filter(notification__level=level)
    if since:
        found = found.filter(visible_at__gte=since)
    if until:
        found = found.filter(visible_at__lt=until)
    for word in normalise(search).split():
        found = found.filter(search_text__contains=word)
    return found.select_related("notification").order_by("-visible_at", "-id")


def unread_count(user: User) -> int:
    """How many notifications a person has not read; 0 for platform administrators. Opens a scope where none is."""
    if user.organization_id is None or user.is_superadmin:
        return 0
    try:
        scope.current()
    except LookupError:
        with scope.tenant(user.organization_id, by=user.actor(via="portal")):
            return copy_list(user=user, unread=True).count()
    return copy_list(user=user, unread=True).order_by().count()


def unread_counts(people: Sequence[User]) -> dict[UUID, int]:
    """`unread_count` of each of them in one query; needs a platform scope."""
    found = Copy.objects.filter(
        user__in=[user for user in people if not user.is_superadmin],
        deleted_at=None, in_app=True, read_at=None, visible_at__lte=clock.now(),
    )  # fmt: skip
    counts = dict(found.order_by().values_list("user").annotate(count=Count("id")))
    return {user.pk: counts.get(user.pk, 0) for user in people}


def link_of(copy: Copy) -> str:
    """The page to open: that of the record, of several equal ones the list of them; "" where there is none."""
    kind = kinds.find(copy.notification.kind)
    if copy.count > 1 and kind is not None and kind.many_page:
        return reverse(kind.many_page)
    return copy.notification.link


def copy_card(copy: Copy) -> dict[str, Any]:
    message = copy.notification
    return {
        "id": message.pk,
        "title": copy.shown_title,
        "message": copy.shown_message,
        "type": message.level,
        "category": message.category,
        "kind": message.kind or None,
        "priority": message.priority,
        "count": copy.count,
        "isRead": copy.read_at is not None,
        "readAt": copy.read_at,
        "createdAt": copy.visible_at,
        "data": message.data,
        "entity": message.subject_entity or None,
        "entityId": message.subject_id or None,
        "link": link_of(copy) or None,
    }


def _own(id: UUID, by: User) -> Copy:
    found = copy_list(user=by).filter(notification=id).select_for_update(of=("self",)).first()
    if found is None:
        raise NotFound(_("There is no such notification."))
    return found


def copy_read(*, id: UUID, by: User, read: bool = True) -> Copy:
    """Mark one's own notification as read, or as unread again. `id` is the message's. Raises NotFound."""
    copy = _own(id, by)
    if (copy.read_at is None) == read:
        copy.read_at, copy.group_key = clock.now() if read else None, ""
        copy.save(update_fields=["read_at", "group_key", "updated_at"])
        _changed(by)
    return copy


def read_all(*, by: User, at: datetime | None = None) -> int:
    """Mark all of one's own as read, at a moment by which `unread_again` finds them; how many were unread."""
    now = at or clock.now()
    changed = Copy.objects.filter(user=by, deleted_at=None, read_at=None, visible_at__lte=now).update(
        read_at=now, group_key="", updated_at=now
    )
    if changed:
        _changed(by)
    return changed


def unread_again(*, by: User, at: datetime) -> int:
    """Take `read_all` back: what was marked as read at that moment is unread again; how many."""
    changed = Copy.objects.filter(user=by, deleted_at=None, read_at=at).update(read_at=None, updated_at=clock.now())
    if changed:
        _changed(by)
    return changed


def copy_restore(*, id: UUID, by: User) -> None:
    """Take `copy_delete` back. Raises NotFound."""
    if (
        not Copy.objects.filter(user=by, notification=id, in_app=True)
        .exclude(deleted_at=None)
        .update(deleted_at=None, updated_at=clock.now())
    ):
        raise NotFound(_("There is no such notification."))
    _changed(by)


def copy_delete(*, id: UUID, by: User) -> None:
    """Put one's own copy away; nobody else's changes. Raises NotFound."""
    copy = _own(id, by)
    copy.deleted_at, copy.group_key = clock.now(), ""
    copy.save(update_fields=["deleted_at", "group_key", "updated_at"])
    _changed(by)


def _changed(user: User) -> None:
    publish("notification.read", entity="notification", id=None, users=[user.pk])


def push_subscribe(*, user: User, values: Mapping[str, Any], agent: str = "") -> PushSubscription:
    """Have pushes sent to a browser (`endpoint` and `keys` of the Push API) or an app (`token`, `platform`).

    A browser that another person used before is this one's from now on. Raises Invalid for hosts that are no push
    services.
    """
    if user.organization_id is None or user.is_superadmin:
        raise Denied(_("Platform administrators get no notifications."))
    endpoint, keys = str(values.get("endpoint") or ""), values.get("keys") or {}
    platform = str(values.get("platform") or "web")[:20]
    if endpoint:
        platform = "web"
        if not push_host_allowed(endpoint):
            raise Invalid.field("endpoint", _("This is not the address of a known push service."))
        for name, length in (("p256dh", 87), ("auth", 22)):
            if not isinstance(keys.get(name), str) or not length <= len(keys[name]) <= length + 3:
                raise Invalid.field(f"keys.{name}", _("This is not a key of the Push API."))
    else:
        endpoint, keys = str(values.get("token") or "").strip(), {}
        if not endpoint or len(endpoint) > 4096 or not endpoint.isprintable():
            raise Invalid.field("endpoint", _("Send endpoint and keys of a browser, or token and platform of an app."))
    own = PushSubscription.objects.filter(user=user)
    if own.count() >= SUBSCRIPTIONS and not own.filter(endpoint=endpoint).exists():
        own.order_by("updated_at", "id")[0].delete()
    PushSubscription.objects.filter(endpoint=endpoint).exclude(user=user).delete()
    row, _made = PushSubscription.objects.update_or_create(
        organization_id=user.organization_id,
        endpoint=endpoint,
        defaults={
            "user": user,
            "platform": platform,
            "keys": {name: keys[name] for name in ("p256dh", "auth")} if keys else {},
            "agent": agent[:300],
        },
    )
    return row


def push_host_allowed(endpoint: str) -> bool:
    """Only https to push services that are known, or that the settings name."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme != "https" or port not in (None, 443) or parts.username or len(endpoint) > 2000:
        return False
    known = (*PUSH_HOSTS, *settings.PUSH_HOSTS)
    return any(host.endswith(name) if name.startswith(".") else host == name for name in known)


def push_unsubscribe(*, user: User, endpoint: str) -> bool:
    """No more pushes to this browser or app; False where there were none."""
    gone, _rows = PushSubscription.objects.filter(user=user, endpoint=endpoint).delete()
    return gone > 0
