"""Submissions on the wire (specification 003, `contract-rooms.md` section 1); plain dictionaries from plain rows."""

from typing import Any

import orjson
from django.db.models import QuerySet

from portal.collect.submissions.models import Submission, SubmissionChange, SubmissionComment
from portal.core.common import clock

SHOWN = tuple(f.attname for f in Submission._meta.concrete_fields if f.attname != "search_text")


def as_json(value: Any) -> Any:
    """For `orjson.dumps`: a number that remembers how it was written stays so (`7.20`)."""
    text = getattr(value, "text", None)
    if isinstance(value, float):
        return orjson.Fragment(text.encode()) if text else float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def plain(rows: QuerySet[Submission]) -> QuerySet[Submission, dict[str, Any]]:
    shown: Any = rows.values(*SHOWN)
    return shown  # type: ignore[no-any-return]


def submission(row: dict[str, Any]) -> dict[str, Any]:
    text = row["metadata"]
    return {
        "id": row["id"],
        "organizationId": row["organization_id"],
        "tenantId": row["organization_id"],
        "projectId": row["project_id"],
        "formId": row["form_id"],
        "formVersion": row["form_version"],
        "submittedByUserId": row["submitted_by_id"],
        "answers": row["answers"],
        "localSyncId": row["local_sync_id"],
        "deviceId": row["device"] or None,
        "fingerprint": row["fingerprint"],
        "latitude": row["latitude"],
        "longitude": row["longitude"],
        "metadata": text,
        "metadataObject": orjson.loads(text) if text is not None else None,
        "reviewState": row["review_state"],
        "reviewNote": row["review_note"],
        "reviewedByUserId": row["reviewed_by_id"],
        "reviewedAt": clock.wire(row["reviewed_at"]),
        "flags": row["flags"],
        "linked": {"type": row["target_kind"], "id": row["target_id"]} if row["target_id"] else None,
        "version": row["version"],
        "startedAt": clock.wire(row["started_at"]),
        "createdAt": clock.wire(row["created_at"]),
        "syncedAt": clock.wire(row["synced_at"]),
        "updatedAt": clock.wire(row["updated_at"]),
    }


def comment(row: SubmissionComment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "submissionId": row.submission_id,
        "content": row.content,
        "userId": row.author_id,
        "userName": row.author.name,
        "createdAt": clock.wire(row.created_at),
    }


def change(row: SubmissionChange) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "version": row.version,
        "userId": row.by_id,
        "userName": row.by.name if row.by else None,
        "changes": row.changes,
        "reason": row.reason,
        "createdAt": clock.wire(row.created_at),
    }
