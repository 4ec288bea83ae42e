"""Custom reports (specification 002, `GET /dashboard/reports` and `POST /dashboard/reports/{id}/generate`)."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Declared, Listing, Page, Reply, Router, expected_version, paginate
from api.v1.dashboard_reports.schemas import (
    CustomReportOut,
    GeneratedOut,
    GenerateIn,
    ReportChange,
    ReportIn,
    ReportQuery,
    RunOut,
    RunQuery,
    ScheduleChange,
    ScheduleIn,
    ScheduleOut,
    SourceOut,
)
from api.v1.projects.router import me, record, version
from portal.core.files import serving
from portal.desk.reports import schedules, selectors, services, sources, wire
from portal.desk.reports.choices import Format

router = Router(tags=["custom reports"])
RETRY_SECONDS = 2
_REPORT = "/dashboard/reports/{id:custom_report_id}"
_RUN = "/dashboard/reports/runs/{id:report_run_id}"
_SCHEDULE = "/dashboard/reports/schedules/{id:report_schedule_id}"


@router.get(
    "/dashboard/reports", policy="custom_reports.view", response=list[CustomReportOut], summary="Custom reports"
)
def custom_report_list(request: HttpRequest, query: Query[ReportQuery]) -> Page:
    """Your own and shared ones, about what you may see; the built-in ones among them."""
    found = selectors.report_list(
        user=me(request), search=query.search, sources=query.source, mine=query.mine, scheduled=query.scheduled
    )
    return paginate(found, query, wire.report)


@router.post(
    "/dashboard/reports",
    policy="custom_reports.edit",
    response=CustomReportOut,
    status=201,
    summary="Create a custom report",
)
def custom_report_create(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(ReportIn)]]) -> Reply:
    """Every mistake of the definition is named: `filters.0.value`."""
    return record(wire.report(services.report_create(data=payload, by=me(request))), status=201)


@router.get(
    "/dashboard/reports/sources",
    policy="custom_reports.view",
    response=list[SourceOut],
    summary="What reports can be about",
)
def custom_report_sources(request: HttpRequest) -> list[dict[str, Any]]:
    """The sources whose records you may see, with their columns and how they can be filtered."""
    user = me(request)
    return [wire.source(source, user=user) for source in sources.seen(user).values()]


@router.get(_REPORT, policy="custom_reports.view", response=CustomReportOut, summary="One custom report")
def custom_report_detail(request: HttpRequest, custom_report_id: UUID) -> Reply:
    """With its definition as it is stored; what the reader may not see any more is refused when it is run."""
    return record(wire.report(selectors.report_for(me(request), custom_report_id)))


@router.update(_REPORT, policy="custom_reports.edit", response=CustomReportOut, summary="Change a custom report")
def custom_report_update(
    request: HttpRequest, custom_report_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ReportChange)]]
) -> Reply:
    """Your own, and with custom_reports.share those that are shared. A built-in one is 409: copy it."""
    row = services.report_update(id=custom_report_id, data=payload, by=me(request), version=version(request, payload))
    return record(wire.report(row))


@router.delete(_REPORT, policy="custom_reports.edit", response=None, summary="Delete a custom report")
def custom_report_delete(request: HttpRequest, custom_report_id: UUID) -> Reply:
    """Its schedules end; files of its runs are kept until their day."""
    services.report_delete(id=custom_report_id, by=me(request), version=expected_version(request))
    return Reply(message=_("Report deleted successfully."))


@router.post(
    f"{_REPORT}/generate",
    also=(202,),
    policy="custom_reports.view",
    response=GeneratedOut,
    summary="Generate a custom report",
)
def custom_report_generate(request: HttpRequest, custom_report_id: UUID, payload: GenerateIn) -> Reply:
    """200 with `result` for a JSON of at most 1,000 lines; else 202: ask `runs/{runId}` until it has succeeded, then
    take `downloadUrl`. The rows are those that you see in the lists of the room."""
    user = me(request)
    asked = services.run_ask(
        report=selectors.report_for(user, custom_report_id),
        by=user,
        kind=Format(payload.format),
        language=payload.language or (get_language() or "")[:2],
        filters=(payload.parameters or {}).get("filters"),
        at_once=True,
    )
    card = wire.run(asked.run, user=user) | {"result": asked.result}
    if asked.result is not None:
        return Reply(card)
    return Reply(card, status=202, headers={"Retry-After": str(RETRY_SECONDS)})


@router.get(f"{_REPORT}/runs", policy="custom_reports.view", response=list[RunOut], summary="Runs of a report")
def custom_report_runs(request: HttpRequest, custom_report_id: UUID, query: Query[RunQuery]) -> Page:
    """Yours, and those of the schedules that you look after. Newest first."""
    user = me(request)
    report = selectors.report_for(user, custom_report_id)
    found = selectors.run_list(user=user, report=report.pk, statuses=list(query.status))
    return paginate(found, query, lambda row: wire.run(row, user=user))


@router.get(_RUN, policy="custom_reports.view", response=RunOut, summary="One run")
def report_run_detail(request: HttpRequest, report_run_id: UUID) -> dict[str, Any]:
    """Ask again while `status` is queued or running, at most every second."""
    return wire.run(selectors.run_for(me(request), report_run_id), user=me(request))


@router.get(
    f"{_RUN}/download",
    policy="custom_reports.view",
    response=None,
    summary="File of a run",
    openapi_extra={"responses": {200: {"content": {"*/*": {}}}}},
)
def report_run_download(request: HttpRequest, report_run_id: UUID) -> HttpResponseBase:
    """Your own; 410 EXPIRED after seven days."""
    file = services.run_file(selectors.run_for(me(request), report_run_id), me(request))
    assert file.current is not None
    return serving.respond(
        request, blob=file.current.blob, filename=file.filename, content_type=file.current.content_type
    )


@router.post(f"{_RUN}/retry", policy="custom_reports.view", response=RunOut, status=202, summary="Try a run again")
def report_run_retry(request: HttpRequest, report_run_id: UUID) -> dict[str, Any]:
    """A failed one; 422 ILLEGAL_TRANSITION for others."""
    return wire.run(services.run_retry(id=report_run_id, by=me(request)), user=me(request))


@router.get(
    f"{_REPORT}/schedules", policy="custom_reports.view", response=list[ScheduleOut], summary="Schedules of a report"
)
def report_schedule_list(request: HttpRequest, custom_report_id: UUID, query: Query[Listing]) -> Page:
    """In the order in which they were made, with the next run of each."""
    report = selectors.report_for(me(request), custom_report_id)
    return paginate(selectors.schedule_list(report=report), query, wire.schedule)


@router.post(
    f"{_REPORT}/schedules",
    policy="custom_reports.edit",
    response=ScheduleOut,
    status=201,
    summary="Send a report by the clock",
)
def report_schedule_create(
    request: HttpRequest, custom_report_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ScheduleIn)]]
) -> Reply:
    """Each recipient gets their own rows in their own language, by e-mail (a link) and as a notification. Sending to
    others needs custom_reports.share and a shared report."""
    user = me(request)
    row = schedules.schedule_create(report=selectors.report_for(user, custom_report_id), data=payload, by=user)
    return record(wire.schedule(row), status=201)


@router.update(_SCHEDULE, policy="custom_reports.edit", response=ScheduleOut, summary="Change or pause a schedule")
def report_schedule_update(
    request: HttpRequest, report_schedule_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(ScheduleChange)]]
) -> Reply:
    """All fields are optional; `isActive` false pauses it."""
    row = schedules.schedule_update(
        id=report_schedule_id, data=payload, by=me(request), version=version(request, payload)
    )
    return record(wire.schedule(row))


@router.delete(_SCHEDULE, policy="custom_reports.edit", response=None, summary="Delete a schedule")
def report_schedule_delete(request: HttpRequest, report_schedule_id: UUID) -> Reply:
    """Its runs stay."""
    schedules.schedule_delete(id=report_schedule_id, by=me(request))
    return Reply(message=_("Schedule deleted successfully."))
