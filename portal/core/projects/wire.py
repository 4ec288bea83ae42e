"""Projects, members, tasks and comments as clients see them (`docs/api.md`); plain dictionaries from plain rows."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.clock import wire as stamp
from portal.core.projects.choices import OPEN_TASK
from portal.core.projects.models import ProjectMember, TaskComment
from portal.core.sync.registry import Row


def _record(row: Row) -> dict[str, Any]:
    return {
        "localSyncId": row["local_sync_id"],
        "organizationId": row["organization_id"],
        "createdAt": stamp(row["created_at"]),
        "createdByUserId": row["created_by_id"],
        "updatedAt": stamp(row["updated_at"]),
        "updatedByUserId": row["updated_by_id"],
        "version": row.get("version"),
    }


def projects(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """`metadata` is JSON as text, `metadataObject` the same parsed (C47)."""
    members: dict[UUID, list[UUID]] = defaultdict(list)
    for member in ProjectMember.objects.filter(project__in=[row["id"] for row in rows]):
        members[member.project_id].append(member.user_id)
    return [
        {
            "id": row["id"],
            "name": row["name"],
            "description": row["description"],
            "startDate": stamp(row["start_date"]),
            "endDate": stamp(row["end_date"]),
            "status": row["status"],
            "memberIds": members[row["id"]],
            "metadata": json.dumps(row["metadata"], ensure_ascii=False),
            "metadataObject": row["metadata"],
            **_record(row),
        }
        for row in rows
    ]


def tasks(rows: Sequence[Row]) -> list[dict[str, Any]]:
    names = dict(User.objects.filter(pk__in={row["assigned_to_id"] for row in rows} - {None}).values_list("pk", "name"))
    now = clock.now()
    return [
        {
            "id": row["id"],
            "projectId": row["project_id"],
            "title": row["title"],
            "description": row["description"],
            "instructions": row["instructions"],
            "requirements": row["requirements"],
            "status": row["status"],
            "priority": row["priority"],
            "assignedTo": row["assigned_to_id"],
            "assignedToName": names.get(row["assigned_to_id"]),
            "assignedAt": stamp(row["assigned_at"]),
            "dueDate": stamp(row["due_date"]),
            "isOverdue": row["status"] in OPEN_TASK and row["due_date"] is not None and row["due_date"] < now,
            "estimatedDuration": row["estimated_duration"],
            "notes": row["notes"],
            **_record(row),
        }
        for row in rows
    ]


def members(rows: Iterable[ProjectMember]) -> list[dict[str, Any]]:
    """Rows with their person at hand."""
    return [
        {
            "id": row.pk,
            "projectId": row.project_id,
            "userId": row.user_id,
            "userName": row.user.name,
            "role": row.user.role_key,
            "roleInProject": row.role_in_project,
            "assignedAt": stamp(row.assigned_at),
        }
        for row in rows
    ]


def comments(rows: Iterable[TaskComment]) -> list[dict[str, Any]]:
    """Rows with their author at hand."""
    return [
        {
            "id": row.pk,
            "taskId": row.task_id,
            "authorId": row.author_id,
            "authorName": row.author.name,
            "content": row.content,
            "createdAt": stamp(row.created_at),
            "updatedAt": stamp(row.updated_at),
        }
        for row in rows
    ]
