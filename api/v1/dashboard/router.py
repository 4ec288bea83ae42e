"""Figures across the rooms of an office (specification 002, dashboard)."""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import Reply, Router
from api.kit.files import described, download
from api.kit.periods import period
from api.kit.schemas import uuid_in
from api.v1.dashboard import schemas
from api.v1.projects.router import me
from api.v1.views.router import unless_known
from portal.core.common import clock
from portal.core.common.errors import Denied, Invalid
from portal.desk.figures import activity, exports, health, metrics, overviews, series, team, widgets
from portal.desk.figures.question import Question, ask

router = Router(tags=["dashboard"])


@router.get(
    "/dashboard/metrics", also=(304,), policy="dashboard.view", response=schemas.MetricsOut, summary="Key figures"
)
def dashboard_metrics(request: HttpRequest, query: Query[schemas.FigureQuery]) -> Reply | HttpResponse:
    """Of what you see; agents their own. A change of the records shows at once; `If-None-Match` with the `ETag` answers
    304 while no figure has changed."""
    q = _question(request, query)
    return _answer(request, metrics.metrics(q) | {"period": overviews.with_period(q, None)})


@router.get(
    "/dashboard/analytics", also=(304,), policy="dashboard.view", response=schemas.AnalyticsOut, summary="Trends"
)
def dashboard_analytics(request: HttpRequest, query: Query[schemas.SeriesQuery]) -> Reply | HttpResponse:
    """Series by day, week or month of the organisation's time zone, without gaps."""
    q = _question(request, query)
    return _answer(request, overviews.with_period(q, series.analytics(q, str(query.interval or query.group_by or ""))))


@router.get(
    "/dashboard/metrics/recent-activity",
    policy="dashboard.view",
    response=list[schemas.ActivityOut],
    summary="Recent activity",
)
def recent_activity(request: HttpRequest, query: Query[schemas.ActivityQuery]) -> list[dict[str, Any]]:
    """Newest first, of records that you see. With dates, of that period."""
    dated = any((query.date_from, query.date_to, query.from_, query.to))
    found = activity.recent(_question(request, query), limit=query.limit, dated=dated)
    return [one.card() for one in found]


@router.get(
    "/dashboard/widgets", policy="dashboard.view", response=list[schemas.WidgetKindOut], summary="Kinds of widgets"
)
def widget_list(request: HttpRequest) -> list[dict[str, Any]]:
    """Those that you may see, with their parameters."""
    return widgets.widget_list(me(request))


@router.get(
    "/dashboard/widgets/{type}", also=(304,), policy="dashboard.view", response=schemas.WidgetOut, summary="One widget"
)
def widget(request: HttpRequest, type: str, query: Query[schemas.WidgetQuery]) -> Reply | HttpResponse:
    """404 for an unknown type, with those that there are in `meta.allowed`; 403 without the right that its figures
    need."""
    found = widgets.widget_for(me(request), type)
    params = {}
    for name, (default, least, most) in found.params.items():
        said = getattr(query, name)
        if said is not None and not least <= said <= most:
            raise Invalid.field(
                name, _("Enter a number from %(least)s to %(most)s.") % {"least": least, "most": most}, "range"
            )
        params[name] = default if said is None else said
    data = found.build(_question(request, query), params)
    return _answer(request, {"type": type, "name": str(found.label), "data": data})


@router.get(
    "/dashboard/metrics/sales-overview",
    also=(304,),
    policy="dashboard.view",
    response=schemas.SalesOverviewOut,
    summary="Sales",
)
def sales_overview(request: HttpRequest, query: Query[schemas.FigureQuery]) -> Reply | HttpResponse:
    """Deals that were closed in the period, and the pipeline of now. 403 without `sales.view`."""
    q = _question(request, query, "sales.view")
    return _answer(request, overviews.with_period(q, overviews.sales(q)))


@router.get(
    "/dashboard/metrics/customer-overview",
    also=(304,),
    policy="dashboard.view",
    response=schemas.CustomerOverviewOut,
    summary="Customers",
)
def customer_overview(request: HttpRequest, query: Query[schemas.FigureQuery]) -> Reply | HttpResponse:
    """Segments of now, new ones and churn of the period. 403 without `customers.view`."""
    q = _question(request, query, "customers.view")
    return _answer(request, overviews.with_period(q, overviews.customers(q)))


@router.get(
    "/dashboard/metrics/support-overview",
    also=(304,),
    policy="dashboard.view",
    response=schemas.SupportOverviewOut,
    summary="Support",
)
def support_overview(request: HttpRequest, query: Query[schemas.FigureQuery]) -> Reply | HttpResponse:
    """The queue of now; created, resolved, promises kept and satisfaction of the period. 403 without
    `tickets.view`."""
    q = _question(request, query, "tickets.view")
    return _answer(request, overviews.with_period(q, overviews.support(q)))


@router.get(
    "/dashboard/metrics/financial-overview",
    also=(304,),
    policy="dashboard.view",
    response=schemas.FinanceOverviewOut,
    summary="Finance",
)
def financial_overview(request: HttpRequest, query: Query[schemas.FigureQuery]) -> Reply | HttpResponse:
    """Value won and recurring contracts by month, in the organisation's currency. 403 without `sales.view` or
    `contracts.view`."""
    user = me(request)
    q = _question(request, query, "contracts.view" if user.has_permission("contracts.view") else "sales.view")
    return _answer(request, overviews.with_period(q, overviews.finance(q)))


@router.get(
    "/dashboard/metrics/team-performance",
    also=(304,),
    policy="dashboard.view",
    response=schemas.TeamOut,
    summary="Team",
)
def team_performance(request: HttpRequest, query: Query[schemas.FigureQuery]) -> Reply | HttpResponse:
    """The people of your scope with figures, most value won first."""
    q = _question(request, query)
    return _answer(request, overviews.with_period(q, {"people": team.team(q)}))


@router.get(
    "/dashboard/metrics/system-health",
    policy="dashboard.health",
    reach="span",
    response=schemas.HealthOut,
    summary="How the system is",
)
def system_health(request: HttpRequest) -> dict[str, Any]:
    """Database, cache, jobs, storage, mail, sealing and last verification of the audit log, virus scanner. 403 for
    everybody but administrators."""
    return health.system_health()


@router.get(
    "/dashboard/metrics/export",
    policy="dashboard.export",
    response=None,
    openapi_extra=described(*exports.KINDS),
    summary="Export the dashboard",
)
def metrics_export(request: HttpRequest, query: Query[schemas.ExportQuery]) -> FileResponse:
    """CSV, XLSX or JSON of the figures that the dashboard's tabs show, with the same filters. The audit log notes
    period and hash."""
    q = _question(request, query, "dashboard.view")
    kind = str(query.format)
    file = exports.export(q, kind, tabs=[str(one) for one in query.tab])
    return download(file, "dashboard", kind)


def _question(request: HttpRequest, query: schemas.FigureQuery, right: str = "") -> Question:
    user = me(request)
    if right and not user.has_permission(right):
        message = _("User does not have the required role to access this resource")
        raise Denied(message, meta={"permission": right})
    organization = request.organization  # type: ignore[attr-defined]
    said, zone = period(request, query.date_from or query.from_, query.date_to or query.to), organization.time_zone

    def day(moment: datetime | None) -> date | None:
        return moment.astimezone(clock.zone(zone)).date() if moment else None

    return ask(
        user=user,
        organization=organization,
        first=day(said.since),
        last=day(said.until and said.until - timedelta(microseconds=1)),
        compare=str(query.compare),
        scope=str(query.scope or ""),
        assignee=None
        if not query.assigned_to
        else user.pk
        if query.assigned_to == "me"
        else uuid_in(query.assigned_to, "assignedTo"),
    )


def _answer(request: HttpRequest, data: Any) -> Reply | HttpResponse:
    tag = hashlib.sha256(orjson.dumps(data, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
    return unless_known(request, data, f'"{tag}"')
