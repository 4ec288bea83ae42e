"""Where the pages of records are, and a record's or a person's trail, page by page."""

from typing import Any, Final

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from portal.core.audit.models import Action, AuditEntry
from portal.ui.lists import CappedPaginator
from portal.ui.trail import tell

PER_PAGE: Final = 25
COUNT_LIMIT: Final = 1000
# Entity -> the page of a record of that kind.
PAGES: Final = {
    "project": "fieldwork:project_detail",
    "task": "fieldwork:task_detail",
    "sample": "lab:sample_detail",
    "parameter": "lab:parameter_detail",
    "standard": "lab:standard_detail",
    "report": "reports:detail",
    "certificate": "lab:certificate_detail",
    "device": "sync:device_detail",
    "conflict": "sync:conflict_detail",
    "security_event": "audit:event_detail",
    "alert_rule": "audit:rule_detail",
    "retention_policy": "audit:policy_detail",
    "audit_report": "audit:report_detail",
}


def page_of(entity: str, record: str) -> str:
    """The address of the record's own page, '' where there is none."""
    if entity not in PAGES:
        return ""
    try:
        return reverse(PAGES[entity], args=[record])
    except NoReverseMatch:  # an id that is none
        return ""


def trail(request: HttpRequest, entries: QuerySet[AuditEntry]) -> dict[str, Any]:
    """`page` and `told`: one page of `entries`, newest first, in the reader's words."""
    page: Page[AuditEntry] = CappedPaginator(entries, PER_PAGE, count_limit=COUNT_LIMIT).get_page(
        request.GET.get("page")
    )
    return {"page": page, "told": tell(page.object_list)}


def is_deleted(entries: QuerySet[AuditEntry]) -> bool:
    """Whether the last change of a record was its end."""
    newest = entries.filter(action__in=[Action.CREATE, Action.UPDATE, Action.DELETE, Action.RESTORE]).first()
    return newest is not None and newest.action == Action.DELETE
