"""Forms on the wire: JSON as text under the names of specification 003, and parsed beside it (C47)."""

from typing import Any

import orjson

from portal.collect.forms.models import Form, FormVersion
from portal.core.common import clock


def parsed(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def form(row: Form) -> dict[str, Any]:
    text = row.schema_text if row.published else row.draft
    return {
        "id": row.pk,
        "organizationId": row.organization_id,
        "tenantId": row.organization_id,
        "projectId": row.project_id,
        "name": row.name,
        "description": row.description,
        "schema": text,
        "schemaObject": parsed(text or None),
        "metadata": row.metadata,
        "metadataObject": parsed(row.metadata),
        "version": row.version,
        "isActive": row.is_active,
        "status": "published" if row.published else "draft",
        "draft": row.draft or None,
        "languages": row.languages,
        "mapping": row.mapping,
        "settings": row.settings,
        "createdByUserId": row.created_by_id,
        "publishedAt": clock.wire(row.published_at),
        "createdAt": clock.wire(row.created_at),
        "updatedAt": clock.wire(row.updated_at),
    }


def version(row: FormVersion) -> dict[str, Any]:
    return {
        "version": row.version,
        "schema": row.schema_text,
        "schemaObject": parsed(row.schema_text),
        "mapping": row.mapping,
        "publishedByUserId": row.published_by_id,
        "createdAt": clock.wire(row.created_at),
    }
