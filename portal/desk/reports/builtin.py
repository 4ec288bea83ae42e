"""The reports that every organisation has from its first day. Their words are translated where they are shown."""

from dataclasses import dataclass
from typing import Any, Final

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.core.common.text import normalise
from portal.core.tenancy.models import Organization
from portal.desk.reports.choices import LANGUAGES
from portal.desk.reports.models import CustomReport, ReportVersion


@dataclass(frozen=True, slots=True)
class Builtin:
    key: str
    name: Promise
    description: Promise
    definition: dict[str, Any]


def _definition(source: str, **parts: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {name: [] for name in ("columns", "filters", "groupBy", "aggregates", "sort")}
    return {"source": source, "form": None, "chart": "none", **nothing, **parts}


_COUNT: Final = {"function": "count", "column": None}
BUILTINS: Final = {
    one.key: one
    for one in (
        Builtin(
            "tickets_by_month",
            _("Tickets by month and category"),
            _("How many tickets came in each month of the last year, divided by category."),
            _definition(
                "tickets",
                filters=[{"column": "createdAt", "op": "lastDays", "value": 365}],
                groupBy=[{"column": "createdAt", "bucket": "month"}, {"column": "category", "bucket": None}],
                aggregates=[_COUNT],
                chart="stackedBar",
            ),
        ),
        Builtin(
            "deals_won",
            _("Won deals by owner"),
            _("Number and value of the deals won this year, by the person who had them when they were closed."),
            _definition(
                "deals",
                filters=[
                    {"column": "status", "op": "in", "value": ["won"]},
                    {"column": "closedAt", "op": "thisYear"},
                ],
                groupBy=[{"column": "ownerAtClose", "bucket": None}],
                aggregates=[{"function": "sum", "column": "baseValue"}, _COUNT],
                sort=[{"by": "sum:baseValue", "descending": True}],
                chart="bar",
            ),
        ),
        Builtin(
            "tasks_overdue",
            _("Overdue tasks"),
            _("Open tasks whose due date has passed, the oldest first."),
            _definition(
                "tasks",
                columns=["title", "project", "priority", "status", "assignedTo", "dueDate"],
                filters=[{"column": "overdue", "op": "true"}],
                sort=[{"by": "dueDate", "descending": False}],
            ),
        ),
        Builtin(
            "samples_failing",
            _("Failing samples by point"),
            _("Samples of the last 90 days that fail, by sampling point."),
            _definition(
                "samples",
                filters=[
                    {"column": "complianceStatus", "op": "in", "value": ["fail"]},
                    {"column": "collectionDate", "op": "lastDays", "value": 90},
                ],
                groupBy=[{"column": "samplingPoint", "bucket": None}],
                aggregates=[_COUNT, {"function": "max", "column": "collectionDate"}],
                sort=[{"by": "count", "descending": True}],
                chart="bar",
            ),
        ),
        Builtin(
            "contracts_expiring",
            _("Contracts that end within 90 days"),
            _("Active contracts without a renewal whose last day is near."),
            _definition(
                "contracts",
                columns=["number", "title", "customer", "type", "value", "currency", "lastDay", "owner"],
                filters=[
                    {"column": "status", "op": "in", "value": ["active"]},
                    {"column": "lastDay", "op": "nextDays", "value": 90},
                    {"column": "renewed", "op": "false"},
                ],
                sort=[{"by": "lastDay", "descending": False}],
            ),
        ),
        Builtin(
            "submissions_by_week",
            _("Submissions by form and week"),
            _("How many submissions of each form were captured in each week of the last quarter of a year."),
            _definition(
                "submissions",
                filters=[{"column": "createdAt", "op": "lastDays", "value": 91}],
                groupBy=[{"column": "createdAt", "bucket": "week"}, {"column": "form", "bucket": None}],
                aggregates=[_COUNT],
                chart="stackedBar",
            ),
        ),
    )
}


def name_of(report: CustomReport) -> str:
    """In the language in force."""
    return str(BUILTINS[report.builtin].name) if report.builtin in BUILTINS else report.name


def description_of(report: CustomReport) -> str:
    return str(BUILTINS[report.builtin].description) if report.builtin in BUILTINS else report.description


def seed() -> None:
    """Give each organisation those that it lacks, in the platform scope; a second run writes nothing."""
    held = set(CustomReport.objects.exclude(builtin="").values_list("organization_id", "builtin"))
    made = [
        CustomReport(
            organization_id=organization,
            name=_in("en", one.name),
            description=_in("en", one.description),
            source=one.definition["source"],
            definition=one.definition,
            shared=True,
            builtin=one.key,
            search_text=normalise(
                "\n".join(_in(language, words) for language in LANGUAGES for words in (one.name, one.description))
            ),
        )
        for organization in Organization.objects.values_list("pk", flat=True)
        for one in BUILTINS.values()
        if (organization, one.key) not in held
    ]
    CustomReport.objects.bulk_create(made, ignore_conflicts=True)
    ReportVersion.objects.bulk_create(
        (
            ReportVersion(
                organization_id=row.organization_id, report=row, number=1, name=row.name, definition=row.definition
            )
            for row in made
        ),
        ignore_conflicts=True,
    )


def _in(language: str, words: Promise) -> str:
    with translation.override(language):
        return str(words)
