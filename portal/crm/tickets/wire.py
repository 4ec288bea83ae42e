"""Tickets as clients see them (specification 002; C93); plain dictionaries from plain rows."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from portal.core.common.text import normalise
from portal.core.files.selectors import file_card
from portal.crm.customers.models import Tag
from portal.crm.sla.models import SlaCalendar, SlaClock, SlaPolicy
from portal.crm.tickets import selectors
from portal.crm.tickets.choices import WEIGHTS, TicketPriority
from portal.crm.tickets.models import Ticket, TicketAttachment, TicketCategory, TicketComment


def tickets(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `selectors.plain` with clocks and tags, in two queries more."""
    rows = list(rows)
    clocks: dict[UUID, list[SlaClock]] = {}
    held = SlaClock.objects.select_related("edition").filter(ticket__in=[row["id"] for row in rows])
    for clock in held.exclude(state="cancelled").order_by("started_at", "kind", "id"):
        clocks.setdefault(clock.ticket_id, []).append(clock)
    words = {normalise(tag)[:50] for row in rows for tag in row["tags"]}
    tags = {tag.name_key: tag for tag in Tag.objects.filter(scope="ticket", name_key__in=words)} if words else {}
    return [_ticket(row, clocks.get(row["id"], []), tags) for row in rows]


def card(id: UUID) -> dict[str, Any]:
    """One ticket that the caller has been let see."""
    return tickets(selectors.plain(Ticket.objects.filter(pk=id)))[0]


def _ticket(row: dict[str, Any], clocks: list[SlaClock], tags: dict[str, Tag]) -> dict[str, Any]:
    calendar = next((clock.edition.calendar_id for clock in clocks if clock.edition), None)
    marked = [(name, tags.get(normalise(name)[:50])) for name in row["tags"]]
    return {
        "id": row["id"],
        "number": row["number"],
        "title": row["title"],
        "description": row["description"],
        "status": row["status"],
        "priority": row["priority"],
        "category": row["category__key"],
        "categoryId": row["category_id"],
        "channel": row["channel"],
        "customerId": row["customer_id"],
        "customerName": row["customer__company_name"] or row["customer__contact_name"],
        "requesterName": row["requester_name"],
        "requesterEmail": row["requester_email"],
        "cc": row["cc"],
        "assignedTo": row["assigned_to_id"],
        "assignedToName": row["assigned_to__name"],
        "dueDate": row["due_date"],
        "tags": row["tags"],
        "tagObjects": [{"id": tag and tag.pk, "name": name, "color": tag and tag.color} for name, tag in marked],
        "holdReason": row["hold_reason"],
        "resolution": row["resolution"],
        "mergedInto": row["merged_into_id"],
        "followsId": row["follows_id"],
        "reopenCount": row["reopen_count"],
        "satisfaction": row["satisfaction"],
        "firstResponseAt": row["first_response_at"],
        "resolvedAt": row["resolved_at"],
        "closedAt": row["closed_at"],
        "sla": {
            "policyId": row["policy_id"],
            "calendarId": calendar,
            "state": row["sla_state"] or None,
            "dueAt": row["sla_due_at"],
            "warnAt": row["sla_warn_at"],
            "clocks": [clock_card(clock) for clock in clocks],
        },
        "createdBy": row["created_by_id"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "version": row["version"],
        "organizationId": row["organization_id"],
        "tenantId": row["organization_id"],
    }


def clock_card(clock: SlaClock) -> dict[str, Any]:
    return {
        "kind": clock.kind,
        "state": clock.state,
        "targetSeconds": clock.target_seconds,
        "startedAt": clock.started_at,
        "dueAt": clock.due_at,
        "pausedAt": clock.paused_at,
        "remainingSeconds": clock.remaining_seconds,
        "stoppedAt": clock.stopped_at,
        "elapsedSeconds": clock.elapsed_seconds,
        "breachedAt": clock.breached_at,
    }


def comments(rows: Iterable[TicketComment]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.pk,
            "ticketId": row.ticket_id,
            "content": row.content,
            "isInternal": row.is_internal,
            "userId": row.author_id,
            "userName": row.author.name if row.author else row.author_name,
            "fromCustomer": row.from_customer,
            "automatic": row.automatic,
            "mentions": row.mentions,
            "editedAt": row.edited_at,
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
        }
        for row in rows
    ]


def attachment(row: TicketAttachment) -> dict[str, Any]:
    """The file as the files part shows it; of a deleted one only the name is left."""
    file = {} if row.deleted_at else file_card(row.file)
    return {
        "id": row.pk,
        "ticketId": row.ticket_id,
        "fileId": row.file_id,
        "filename": row.filename,
        "size": file.get("size"),
        "contentType": file.get("contentType"),
        "scanStatus": file.get("scanStatus"),
        "downloadUrl": file.get("downloadUrl"),
        "isInternal": row.is_internal,
        "uploadedBy": row.uploaded_by_id,
        "createdAt": row.created_at,
        "deletedAt": row.deleted_at,
    }


def category(row: TicketCategory) -> dict[str, Any]:
    return {
        "id": row.pk,
        "key": row.key,
        "name": str(row),
        "nameEn": row.name,
        "nameAr": row.name_ar,
        "nameFr": row.name_fr,
        "color": row.color,
        "order": row.order,
        "isActive": row.is_active,
        "parentId": row.parent_id,
        "defaultAssignee": row.default_assignee_id,
    }


def priorities(policy: SlaPolicy | None) -> list[dict[str, Any]]:
    """With the targets of the default policy, in minutes."""

    def minutes(key: str, name: str) -> int | None:
        seconds = policy.targets.get(key, {}).get(name) if policy else None
        return seconds // 60 if seconds else None

    return [
        {
            "key": key,
            "name": TicketPriority(key).label,
            "weight": weight,
            "slaResponseMinutes": minutes(key, "firstResponseSeconds"),
            "slaResolutionMinutes": minutes(key, "resolutionSeconds"),
        }
        for key, weight in WEIGHTS.items()
    ]


def calendar(row: SlaCalendar) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "timeZone": row.time_zone,
        "week": row.week,
        "holidays": row.holidays,
        "seasons": row.seasons,
        "version": row.version,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def policy(row: SlaPolicy) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "order": row.order,
        "match": row.match,
        "calendarId": row.calendar_id,
        "targets": row.targets,
        "warnPercent": row.warn_percent,
        "escalations": row.escalations,
        "isDefault": row.is_default,
        "version": row.version,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }
