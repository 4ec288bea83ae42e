"""Customers as JSON (specification 002, C93)."""

from collections.abc import Iterable
from typing import Any

from portal.core.accounts.models import User
from portal.crm.customers import tags
from portal.crm.customers.models import Customer, Tag


def customers(rows: Iterable[Customer]) -> list[dict[str, Any]]:
    """A page of them with their tags and owners, in two queries."""
    rows = list(rows)
    marked = tags.of_customers([row.pk for row in rows])
    ids = {row.assigned_to_id for row in rows if row.assigned_to_id}
    owners = {user.pk: user for user in User.objects.filter(pk__in=ids)} if ids else {}
    return [
        _customer(row, marked.get(row.pk, []), owners.get(row.assigned_to_id) if row.assigned_to_id else None)
        for row in rows
    ]


def customer(row: Customer) -> dict[str, Any]:
    return customers([row])[0]


def tag(row: Tag) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "color": row.color}


def _customer(row: Customer, marked: list[Tag], owner: User | None) -> dict[str, Any]:
    return {
        "id": row.pk,
        "companyName": row.company_name,
        "contactName": row.contact_name,
        "email": row.email,
        "phone": row.phone,
        "address": row.address,
        "city": row.city,
        "country": row.country,
        "industry": row.industry,
        "size": row.size,
        "status": row.status,
        "statusReason": row.status_reason,
        "statusChangedAt": row.status_changed_at,
        "tags": [tag(one) for one in marked],
        "notes": row.notes,
        "externalId": row.external_id,
        "taxNumber": row.tax_number,
        "assignedTo": row.assigned_to_id,
        "assignedUser": {"id": owner.pk, "name": owner.name, "email": owner.email} if owner else None,
        "customFields": row.custom_fields,
        "lastActivityAt": row.last_activity_at,
        "createdBy": row.created_by_id,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
        "organizationId": row.organization_id,
        "tenantId": row.organization_id,
    }
