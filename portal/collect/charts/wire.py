"""Views on the wire: JSON as text under the names of specification 003, and parsed beside it (C47, C48)."""

from typing import Any

import orjson

from portal.collect.charts.models import View
from portal.collect.forms.wire import parsed
from portal.core.common.clock import wire as stamp


def view(row: View) -> dict[str, Any]:
    definition = {"description": row.description, "chartType": row.chart_type, "config": row.config}
    return {
        "id": row.pk,
        "organizationId": row.organization_id,
        "projectId": row.project_id,
        "formId": row.form_id,
        "name": row.name,
        "description": row.description,
        "chartType": row.chart_type,
        "config": row.config,
        "definition": orjson.dumps(definition, option=orjson.OPT_SORT_KEYS).decode(),  # JSONB keeps no order
        "definitionObject": definition,
        "metadata": row.metadata,
        "metadataObject": parsed(row.metadata),
        "createdByUserId": row.created_by_id,
        "createdAt": stamp(row.created_at),
        "updatedAt": stamp(row.updated_at),
        "version": row.version,
    }
