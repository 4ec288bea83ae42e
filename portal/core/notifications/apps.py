from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "portal.core.notifications"
    label = "notifications"

    def ready(self) -> None:
        from portal.core.audit import security
        from portal.core.jobs import tasks as jobs
        from portal.core.notifications import events

        events.register(
            [
                events.EventType(events.REVOKED),
                events.EventType("notification.created"),
                events.EventType("job.changed"),
                events.EventType("report.ready"),
                events.EventType("export.ready"),
                events.EventType("file.scanned"),
                events.EventType("security.event", "audit.view", organization=True),
                events.EventType("health.changed", platform=True),
            ]
        )
        security.on_event(announce)
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


def announce(event: Any, delivery: Mapping[str, Any]) -> None:
    """Show a security event to whoever watches over its organisation, unless its alert rule wants it quiet."""
    from portal.core.notifications import events

    if event.organization_id and "in_app" in delivery.get("channels", ["in_app"]):
        data = {"type": event.type, "severity": event.severity, "status": event.status, "count": event.count}
        events.publish(
            "security.event", entity="security_event", id=event.pk, organization=event.organization_id, data=data
        )
