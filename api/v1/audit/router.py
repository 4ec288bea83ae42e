"""The audit log: who changed what, when, from where (001 FR-080 to FR-083, C86)."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import Page, Router, paginate
from api.kit.periods import period
from api.v1.audit.schemas import AuditOut, AuditQuery
from portal.core.audit import selectors
from portal.core.common.errors import Invalid, NotFound

router = Router(tags=["audit"])


@router.get("/audit-logs", policy="audit.view", reach="span", response=list[AuditOut], summary="Audit log")
@router.get("/audit/logs", policy="audit.view", reach="span", response=list[AuditOut], summary="Audit log")
def audit_list(request: HttpRequest, query: Query[AuditQuery]) -> Page:
    """Newest first. Values stand under the same names as in the resources."""
    unknown = [word for word in query.action if word.lower() not in selectors.WIRE_ACTIONS]
    if unknown:
        raise Invalid.field("action", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(selectors.WIRE_ACTIONS)})
    since, until = period(request, query.date_from or query.from_, query.date_to or query.to)
    entries = selectors.entry_list(
        entity=query.entity_type or query.resource,
        record=query.entity_id,
        user=query.user_id or query.user,
        actions=[selectors.WIRE_ACTIONS[word.lower()] for word in query.action],
        outcome=query.outcome,
        since=since,
        until=until,
        search=query.search,
    )
    return paginate(entries, query, selectors.entry_card)


@router.get("/audit/logs/{int:entry_id}", policy="audit.view", reach="span", response=AuditOut, summary="One entry")
def audit_detail(request: HttpRequest, entry_id: int) -> dict[str, Any]:
    """One entry by its number."""
    entry = selectors.entry_list().filter(pk=entry_id).first()
    if entry is None:
        raise NotFound(_("Not found."))
    return selectors.entry_card(entry)
