"""Reports of the demo: two that a manager shares, one of their own, and when they are sent."""

from typing import Any, Final

from portal.core.accounts.models import User
from portal.core.tenancy import scope
from portal.desk.reports import schedules, services
from portal.desk.reports.models import CustomReport

_SHARED: Final[tuple[tuple[dict[str, Any], dict[str, Any]], ...]] = (
    (
        {
            "name": "تجاوزات الحدود هذا الشهر · Dépassements du mois",
            "description": "Résultats non conformes, par point de prélèvement et paramètre.",
            "source": "results",
            "columns": ["sample", "samplingPoint", "city", "collectionDate", "parameter", "valueText", "unit"],
            "filters": [
                {"column": "complianceStatus", "op": "in", "value": ["fail"]},
                {"column": "collectionDate", "op": "lastDays", "value": 31},
            ],
        },
        {"frequency": "monthly", "monthDay": 31, "hour": 7, "roles": ["Manager", "Auditor"], "format": "pdf"},
    ),
    (
        {
            "name": "Pipeline par étape et responsable",
            "description": "Valeur des affaires ouvertes, en devise de base.",
            "source": "deals",
            "filters": [{"column": "status", "op": "in", "value": ["open"]}],
            "groupBy": [{"column": "stage"}, {"column": "assignedTo"}],
            "aggregates": [{"function": "sum", "column": "baseValue"}, {"function": "count"}],
            "chart": "stackedBar",
        },
        {"frequency": "weekly", "weekday": 0, "hour": 6, "minute": 30, "roles": ["SalesAgent"], "format": "xlsx"},
    ),
)


def fill() -> None:
    """Inside the demo organisation's scope; a second run writes nothing."""
    if CustomReport.objects.filter(builtin="").exists():
        return
    manager = User.objects.filter(
        organization_id=scope.organization_id(), role__key="Manager", is_active=True
    ).order_by("email")
    by = manager.select_related("role", "organization").first()
    if by is None:
        return
    for report, schedule in _SHARED:
        made = services.report_create(data={**report, "shared": True}, by=by)
        schedules.schedule_create(report=made, data=schedule, by=by)
    services.report_create(
        data={
            "name": "مهامي القادمة",
            "source": "tasks",
            "filters": [{"column": "assignedTo", "op": "me"}, {"column": "dueDate", "op": "nextDays", "value": 14}],
        },
        by=by,
    )
