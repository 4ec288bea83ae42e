"""The platform's own pages: figures, health, support sessions (003 `/admin`)."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import Page, Reply, Router, paginate
from api.v1.platform import schemas
from portal.core.accounts.selectors import support as selectors
from portal.core.accounts.selectors.platform import platform_stats
from portal.core.accounts.services import support as services
from portal.core.common import health
from portal.core.tenancy.selectors import organization_get

router = Router(tags=["platform"])


@router.get(
    "/admin/dashboard/stats",
    policy="platform.view",
    reach="platform",
    response=schemas.StatsOut,
    summary="Figures of the platform",
)
def stats(request: HttpRequest) -> dict[str, Any]:
    """Of all organisations, for a SuperAdmin. Anybody else: 403."""
    return platform_stats()


@router.get(
    "/admin/health",
    policy="platform.view",
    reach="platform",
    response=schemas.HealthOut,
    summary="Health of the platform",
)
def system_health(request: HttpRequest) -> dict[str, Any]:
    """Database and migrations, jobs, memory, storage, mail and what else reports itself. For probes of a machine that
    has no account there are `/health/live` and `/health/ready`."""
    return health.report()


@router.get(
    "/admin/support-sessions",
    policy="platform.support",
    reach="platform",
    response=list[schemas.SupportOut],
    summary="Support sessions",
)
def support_list(request: HttpRequest, query: Query[schemas.SupportQuery]) -> Page:
    """Of all platform administrators, newest first."""
    return paginate(selectors.support_list(), query, selectors.support_card)


@router.post(
    "/admin/support-sessions",
    policy="platform.support",
    reach="platform",
    response=schemas.SupportOut,
    status=201,
    summary="Begin a support session",
)
def support_begin(request: HttpRequest, payload: schemas.SupportIn) -> dict[str, Any]:
    """Opens an organisation's portal pages to you for at most an hour, and ends your open session. Its administrators
    are told by mail and at once; everything done stands in their audit log."""
    session = services.support_begin(
        organization=organization_get(id=payload.organization_id),
        reason=payload.reason,
        minutes=payload.minutes,
        by=request.auth,  # type: ignore[attr-defined]
    )
    return selectors.support_card(session)


@router.delete(
    "/admin/support-sessions/current",
    policy="platform.support",
    reach="platform",
    response=None,
    summary="End the support session",
)
def support_end(request: HttpRequest) -> Reply:
    """404 where none is open."""
    services.support_end(by=request.auth)  # type: ignore[attr-defined]
    return Reply(message=_("Support session ended."))


@router.get(
    "/organizations/support-sessions",
    policy="organization.edit",
    response=list[schemas.SupportOut],
    tags=["organizations"],
    summary="Support sessions in the organisation",
)
def support_in_organization(request: HttpRequest, query: Query[schemas.SupportQuery]) -> Page:
    """Who of the platform's administrators worked here, why and how long."""
    return paginate(selectors.support_list(), query, selectors.support_card)
