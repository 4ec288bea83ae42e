"""Dashboards and widgets on the wire (`contract-rooms.md` section 1)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from portal.collect.dashboards.models import Dashboard, DashboardWidget
from portal.collect.forms.wire import parsed
from portal.core.common.clock import wire as stamp


def dashboards(rows: Sequence[Dashboard]) -> list[dict[str, Any]]:
    """With their widgets: one query for all of them."""
    held: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in DashboardWidget.objects.filter(dashboard__in=[row.pk for row in rows]).order_by("y", "x", "id"):
        held[row.dashboard_id].append(widget(row))
    return [
        {
            "id": row.pk,
            "organizationId": row.organization_id,
            "projectId": row.project_id,
            "name": row.name,
            "description": row.description,
            "metadata": row.metadata,
            "metadataObject": parsed(row.metadata),
            "widgets": held[row.pk],
            "createdByUserId": row.created_by_id,
            "createdAt": stamp(row.created_at),
            "updatedAt": stamp(row.updated_at),
            "version": row.version,
        }
        for row in rows
    ]


def widget(row: DashboardWidget) -> dict[str, Any]:
    return {
        "id": row.pk,
        "viewId": row.view_id,
        "position": {"x": row.x, "y": row.y, "w": row.w, "h": row.h},
        "metadata": row.metadata,
        "metadataObject": parsed(row.metadata),
    }


def widgets(rows: Iterable[DashboardWidget]) -> list[dict[str, Any]]:
    return [widget(row) for row in rows]
