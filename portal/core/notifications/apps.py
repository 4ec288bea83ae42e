import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.apps import AppConfig
from django.utils.functional import lazystr

_ID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
ADDRESSED: Final = 100  # people in one message of at most 8 kB


class NotificationsConfig(AppConfig):
    name = "portal.core.notifications"
    label = "notifications"

    def ready(self) -> None:
        from portal.core.accounts import permissions as rights
        from portal.core.accounts import signals as accounts
        from portal.core.audit import security
        from portal.core.jobs import tasks as jobs
        from portal.core.monitoring import prometheus
        from portal.core.notifications import delivery, events, kinds
        from portal.core.notifications.permissions import PERMISSIONS

        prometheus.register(delivery.gauges)
        rights.register(PERMISSIONS)
        kinds.register(*kinds.CORE)

        events.register(
            [
                events.EventType(events.REVOKED),
                events.EventType("notification.created"),
                events.EventType("notification.read"),
                events.EventType("messages.changed", "notifications.manage", organization=True),
                events.EventType("job.changed"),
                events.EventType("report.ready"),
                events.EventType("export.ready"),
                events.EventType("file.scanned"),
                events.EventType("support.changed", "organization.edit", organization=True),
                events.EventType("security.event", "audit.view", organization=True),
                events.EventType("health.changed", platform=True),
            ]
        )
        accounts.access_changed.connect(revoked, dispatch_uid="notifications.revoked")
        accounts.support_changed.connect(support, dispatch_uid="notifications.support")
        accounts.invitation_accepted.connect(joined, dispatch_uid="notifications.joined")
        security.on_event(announce)
        security.on_event(message)
        jobs.on_change(
            lambda job: (
                events.publish(
                    "job.changed",
                    entity="job",
                    id=job.pk,
                    data={"kind": job.kind, "status": job.status, "progress": job.progress},
                    users=[job.created_by_id],
                )
                if job.created_by_id
                else None
            )
        )


def revoked(users: Sequence[UUID], **more: Any) -> None:
    """Have the sockets of these people look again at who they are."""
    from portal.core.notifications import events

    for start in range(0, len(users), ADDRESSED):
        part = users[start : start + ADDRESSED]
        events.publish(events.REVOKED, entity="user", id=part[0] if len(part) == 1 else None, users=part)


def support(session: Any, **more: Any) -> None:
    """Tell the organisation's administrators that the platform's support came or went."""
    from portal.core.notifications import events

    events.publish(
        "support.changed",
        entity="support_session",
        id=session.pk,
        data={"userName": session.user_name, "reason": session.reason, "open": session.ended_at is None},
    )


def announce(event: Any, delivery: Mapping[str, Any]) -> None:
    """Show a security event to whoever watches over its organisation, unless its alert rule wants it quiet."""
    from portal.core.notifications import events

    if event.organization_id and "in_app" in delivery.get("channels", ["in_app"]):
        data = {"type": event.type, "severity": event.severity, "status": event.status, "count": event.count}
        events.publish(
            "security.event", entity="security_event", id=event.pk, organization=event.organization_id, data=data
        )


def message(event: Any, delivery: Mapping[str, Any]) -> None:
    """Tell the people who watch over the organisation; a new device has words of its own, an alert rule that wants
    e-mails sends them itself."""
    from portal.core.audit.security import TYPES
    from portal.core.notifications.services import notify

    if not event.organization_id or "in_app" not in delivery.get("channels", ["in_app"]):
        return
    if event.type == "new_device":
        data = {"device": str(event.details.get("device") or event.subject), "person": event.subject}
        notify("device.new", permission="devices.view", data=data, organization=event.organization_id)
        return
    notify(
        "security.event",
        permission="audit.view",
        data={
            "type": TYPES.get(event.type, event.type),
            "subject": _ID.sub(_name, event.subject),
            "severity": type(event).Severity(event.severity).label,
            "times": event.count,
        },
        subject=("security_event", event.pk),
        organization=event.organization_id,
    )


def _name(found: re.Match[str]) -> str:
    """The person with this id, else the id."""
    from portal.core.accounts.models import User

    user = User.objects.filter(pk=found[0]).first()
    return f"\u2068{user}\u2069" if user else found[0]


def joined(invitation: Any, user: Any, **more: Any) -> None:
    """Tell whoever invited them."""
    from portal.core.notifications.services import notify

    notify(
        "invitation.accepted",
        recipients=[invitation.sent_by_id],
        data={"person": user.name, "role": lazystr(user.role)},
        subject=("user", user.pk),
    )
