"""Reports, runs and schedules on the wire."""

from typing import Any

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.desk.reports.builtin import description_of, name_of
from portal.desk.reports.choices import OPS
from portal.desk.reports.models import CustomReport, ReportRun, ReportSchedule
from portal.desk.reports.sources import Source


def report(row: CustomReport) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "organizationId": str(row.organization_id),
        "name": name_of(row),
        "description": description_of(row),
        "type": row.source,
        **row.definition,
        "parameters": {"filters": row.definition.get("filters", [])},
        "shared": row.shared,
        "builtin": row.builtin or None,
        "ownerId": str(row.owner_id) if row.owner_id else None,
        "ownerName": row.owner.name if row.owner else None,
        "createdAt": clock.wire(row.created_at),
        "updatedAt": clock.wire(row.updated_at),
        "version": row.version,
    }


def run(row: ReportRun, *, user: User) -> dict[str, Any]:
    """`downloadUrl` is the person's own; of others' runs it is null."""
    kept = row.file_id is not None and row.person_id == user.pk and row.expires_at and row.expires_at > clock.now()
    return {
        "runId": str(row.pk),
        "reportId": str(row.report_id),
        "reportVersion": row.version,
        "status": row.status,
        "skippedReason": row.skipped or None,
        "error": row.error or None,
        "progress": 100 if row.finished_at else row.job.progress if row.job else 0,
        "format": row.format,
        "language": row.language,
        "personId": str(row.person_id),
        "personName": row.person.name,
        "scheduleId": str(row.schedule_id) if row.schedule_id else None,
        "occurrence": clock.wire(row.occurrence),
        "jobId": str(row.job_id) if row.job_id else None,
        "rows": row.rows,
        "shownRows": row.shown,
        "downloadUrl": f"/api/v1/dashboard/reports/runs/{row.pk}/download" if kept else None,
        "createdAt": clock.wire(row.created_at),
        "finishedAt": clock.wire(row.finished_at),
        "expiresAt": clock.wire(row.expires_at),
    }


def schedule(row: ReportSchedule) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "reportId": str(row.report_id),
        "frequency": row.frequency,
        "weekday": row.weekday,
        "monthDay": row.month_day,
        "hour": row.hour,
        "minute": row.minute,
        "format": row.format,
        "roles": row.roles,
        "people": row.people,
        "isActive": row.is_active,
        "nextAt": clock.wire(row.next_at),
        "lastAt": clock.wire(row.last_at),
        "createdByUserId": str(row.created_by_id) if row.created_by_id else None,
        "version": row.version,
    }


def source(row: Source, *, user: User) -> dict[str, Any]:
    return {
        "key": row.key,
        "label": str(row.label),
        "takesForm": row.more is not None,
        "usual": list(row.usual),
        "columns": [
            {
                "key": column.key,
                "label": str(column.label),
                "type": column.kind,
                "operators": [str(op) for op in OPS[column.kind]],
                "choices": [{"value": value, "label": label} for value, label in column.words.items()],
            }
            for column in row.offered(user).values()
        ],
    }
