from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "portal.core.notifications"
    label = "notifications"

    def ready(self) -> None:
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
        jobs.on_change(
            lambda job: events.publish(
                "job.changed",
                entity="job",
                id=job.pk,
                data={"kind": job.kind, "status": job.status, "progress": job.progress},
                users=[job.created_by_id] if job.created_by_id else [],
            )
        )
