"""Calendars of working hours and policies of promises (`contract-rooms.md` section 5)."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import Page, Reply, Router, expected_version, paginate
from api.v1.projects.router import me, record
from api.v1.tickets import schemas
from api.v1.tickets.router import RETRY_SECONDS, Payload, _wire
from portal.crm.sla import calendars, reapply
from portal.crm.tickets import wire

router = Router(tags=["SLA"])


# --- calendars --------------------------------------------------------------------------------------
@router.get("/tickets/sla-calendars", policy="tickets.view", response=list[schemas.CalendarOut], summary="Calendars")
def calendar_list(request: HttpRequest, query: Query[schemas.CommentQuery]) -> Page:
    """By name."""
    return paginate(calendars.calendar_list().order_by("name", "id"), query, wire.calendar)


@router.post(
    "/tickets/sla-calendars",
    policy="tickets.manage",
    response=schemas.CalendarOut,
    status=201,
    summary="Add a calendar",
)
def calendar_create(request: HttpRequest, payload: schemas.CalendarIn) -> Reply:
    """Several intervals a day, holidays, and seasons with a week of their own."""
    return record(wire.calendar(calendars.calendar_save(data=_wire(payload), by=me(request))), status=201)


@router.get(
    "/tickets/sla-calendars/{id:calendar_id}",
    policy="tickets.view",
    response=schemas.CalendarOut,
    summary="One calendar",
)
def calendar_detail(request: HttpRequest, calendar_id: UUID) -> Reply:
    """As it stands now."""
    return record(wire.calendar(calendars.calendar_get(id=calendar_id)))


@router.update(
    "/tickets/sla-calendars/{id:calendar_id}",
    policy="tickets.manage",
    response=schemas.CalendarOut,
    summary="Change a calendar",
)
def calendar_change(request: HttpRequest, calendar_id: UUID, payload: schemas.CalendarIn) -> Reply:
    """Makes a new edition. Clocks that run keep the one that they were started with."""
    row = calendars.calendar_get(id=calendar_id)
    said = expected_version(request, payload.version)
    return record(
        wire.calendar(calendars.calendar_save(data=_wire(payload), by=me(request), calendar=row, version=said))
    )


@router.delete(
    "/tickets/sla-calendars/{id:calendar_id}", policy="tickets.manage", response=None, summary="Delete a calendar"
)
def calendar_delete(request: HttpRequest, calendar_id: UUID) -> Reply:
    """409 `IN_USE` where a policy works by it."""
    calendars.calendar_delete(calendar=calendars.calendar_get(id=calendar_id), by=me(request))
    return Reply(message=_("Calendar deleted successfully."))


@router.post(
    "/tickets/sla-calendars/{id:calendar_id}/holidays",
    policy="tickets.manage",
    response=schemas.CalendarOut,
    summary="Add a country's holidays",
)
def calendar_holidays(request: HttpRequest, calendar_id: UUID, payload: schemas.HolidaysIn) -> Reply:
    """Of this and the next two years. Days that hang on the moon are `estimated` until somebody confirms them."""
    row = calendars.calendar_get(id=calendar_id)
    return record(wire.calendar(calendars.holidays_add(calendar=row, country=payload.country.upper(), by=me(request))))


@router.post(
    "/tickets/sla-calendars/{id:calendar_id}/deadline",
    policy="tickets.view",
    response=schemas.DeadlineOut,
    summary="When a target is reached",
)
def calendar_deadline(request: HttpRequest, calendar_id: UUID, payload: schemas.DeadlineIn) -> Payload:
    """The earliest moment at which so much business time has passed; a pause whose end is null has not ended."""
    return calendars.try_out(calendar=calendars.calendar_get(id=calendar_id), data=_sent(payload))


@router.post(
    "/tickets/sla-calendars/{id:calendar_id}/elapsed",
    policy="tickets.view",
    response=schemas.ElapsedOut,
    summary="Business time between two moments",
)
def calendar_elapsed(request: HttpRequest, calendar_id: UUID, payload: schemas.ElapsedIn) -> Payload:
    """Without the pauses."""
    return calendars.try_out(calendar=calendars.calendar_get(id=calendar_id), data=_sent(payload))


# --- policies ---------------------------------------------------------------------------------------
@router.get("/tickets/sla-policies", policy="tickets.view", response=list[schemas.PolicyOut], summary="SLA policies")
def policy_list(request: HttpRequest, query: Query[schemas.CommentQuery]) -> Page:
    """In the order in which they are tried, the default one last."""
    return paginate(calendars.policy_list(), query, wire.policy)


@router.post(
    "/tickets/sla-policies",
    policy="tickets.manage",
    response=schemas.PolicyOut,
    status=201,
    summary="Add an SLA policy",
)
def policy_create(request: HttpRequest, payload: schemas.PolicyIn) -> Reply:
    """Tickets that are created or changed from now on may fall under it."""
    return record(wire.policy(calendars.policy_save(data=_wire(payload), by=me(request))), status=201)


@router.get(
    "/tickets/sla-policies/{id:policy_id}", policy="tickets.view", response=schemas.PolicyOut, summary="One SLA policy"
)
def policy_detail(request: HttpRequest, policy_id: UUID) -> Reply:
    """As it stands now."""
    return record(wire.policy(calendars.policy_get(id=policy_id)))


@router.update(
    "/tickets/sla-policies/{id:policy_id}",
    policy="tickets.manage",
    response=schemas.PolicyOut,
    summary="Change an SLA policy",
)
def policy_change(request: HttpRequest, policy_id: UUID, payload: schemas.PolicyIn) -> Reply:
    """Moves no ticket that runs on it: `reapply` does."""
    row, said = calendars.policy_get(id=policy_id), expected_version(request, payload.version)
    return record(wire.policy(calendars.policy_save(data=_wire(payload), by=me(request), policy=row, version=said)))


@router.delete(
    "/tickets/sla-policies/{id:policy_id}", policy="tickets.manage", response=None, summary="Delete an SLA policy"
)
def policy_delete(request: HttpRequest, policy_id: UUID) -> Reply:
    """Tickets that run on it keep their clocks. The default one stays."""
    calendars.policy_delete(policy=calendars.policy_get(id=policy_id), by=me(request))
    return Reply(message=_("Policy deleted successfully."))


@router.post(
    "/tickets/sla-policies/{id:policy_id}/reapply",
    also=(202,),
    policy="tickets.manage",
    response=dict[str, Any],
    summary="Apply a policy anew",
)
def policy_reapply(request: HttpRequest, policy_id: UUID, payload: schemas.ReapplyIn) -> Payload | Reply:
    """Gives its present targets and calendar to the tickets that run on it. `dryRun` counts `{tickets, clocks,
    breaches}`. 202 and a job for more than 200 tickets."""
    row = calendars.policy_get(id=policy_id)
    if payload.dry_run:
        return dict(reapply.preview(policy=row))
    made = reapply.start(policy=row, by=me(request))
    if "jobId" not in made:
        return made
    headers = {"Retry-After": str(RETRY_SECONDS), "Location": f"/api/v1/jobs/{made['jobId']}"}
    return Reply(made, message=_("The policy is being applied."), status=202, headers=headers)


def _sent(payload: Any) -> Payload:
    names = {name: field.alias or name for name, field in type(payload).model_fields.items()}
    return {names[name]: value for name, value in payload.changes.items()}
