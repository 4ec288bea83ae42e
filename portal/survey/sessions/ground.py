"""What a batch needs to know of the ground it stands on: the sessions it touches, the writer's areas, the boundaries.

Fetched once for a batch and kept in its cache, so that nothing is asked for each item.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.ids import parse_uuid
from portal.core.geo import units
from portal.core.geo.units import Index
from portal.core.sync import registry
from portal.core.sync.engine import Batch, Change
from portal.core.sync.models import DeviceState
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.survey import access
from portal.survey.areas.denials import Attempt, deny, message
from portal.survey.areas.scoping import WORST_ACCURACY, Decision
from portal.survey.choices import WRITABLE
from portal.survey.flags import finding

ENTITIES: Final = ("point", "geometry", "attachment")
RECORDED: Final = 20  # refusals of one batch that are recorded one by one
BOUNDS_RULE: Final = "GEOGRAPHIC_BOUNDS"
SKEW_SECONDS: Final = 300


@dataclass(slots=True)
class Ground:
    """`user` is None for the program itself, which may write everywhere. `own`: a device writes, and only what is its
    person's; else the portal does, for whom the right to review is enough."""

    user: User | None
    own: bool
    zone: str
    received: datetime
    sessions: dict[UUID, Row] = field(default_factory=dict)
    denied: dict[UUID, tuple[Decision, Attempt]] = field(default_factory=dict)
    _area: Any = None
    _boundaries: Index | None = None
    last_sync: datetime | None = None

    @property
    def area(self) -> Any:
        if self._area is None:
            self._area = access.area_of(self.user) if self.user else access.Everywhere()
        return self._area

    @property
    def boundaries(self) -> Index:
        if self._boundaries is None:
            self._boundaries = getattr(self.area, "boundaries", None) or units.index()
        return self._boundaries


def ground(batch: Batch) -> Ground:
    """Made at the first call for a batch, by its validation: takes its sessions' locks, so that nothing about them
    changes until the end of the transaction. Always before the organisation's clock: nobody waits in a ring."""
    if "survey" not in batch.cache:
        user = User.objects.select_related("role").filter(pk=batch.user).first() if batch.user else None
        zone = Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id())
        made = Ground(user, batch.device is not None, zone, batch.received)
        if batch.device is not None:
            state = DeviceState.objects.filter(device=batch.device).first()
            made.last_sync = state.last_pull_at if state else None
        wanted = _wanted(batch)
        hold(wanted)
        made.sessions = dict(registry.get("session").rows(wanted))
        batch.cache["survey"] = made
    return batch.cache["survey"]  # type: ignore[no-any-return]


def _wanted(batch: Batch) -> set[UUID]:
    found = {change.id for change in batch.of("session")}
    for entity in ENTITIES:
        changes = [change for change in batch.of(entity) if not change.errors]
        found |= {id for change in changes if (id := parse_uuid(change.data.get("sessionId")))}
        stored = [change.id for change in changes if change.operation != "created" or "sessionId" not in change.data]
        if stored:
            model: Any = registry.get(entity).model
            found |= set(model.objects.filter(pk__in=stored).values_list("session_id", flat=True))
    return found


def hold(sessions: Iterable[UUID]) -> None:
    """Let nobody else write these sessions until the transaction ends."""
    keys = sorted(f"survey.session {id}" for id in sessions)
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(k, 0)) FROM unnest(%s::text[]) WITH ORDINALITY u (k, n)"
                " ORDER BY n",
                [keys],
            )


def refuse_sessions(batch: Batch, changes: Sequence[Change]) -> None:
    """Give each item its session (`row["session_id"]` comes from here), or refuse it."""
    known = ground(batch)
    arriving = {c.id: c.row for c in batch.of("session") if c.row and not c.errors and c.operation != "deleted"}
    for change in changes:
        said = change.data.get("sessionId")
        id = change.current["session_id"] if change.current else parse_uuid(said)
        row = known.sessions.get(id) or arriving.get(id) if id else None
        if change.current and said is not None and parse_uuid(said) != id:
            change.refuse("VALIDATION_ERROR", _("It stays in its session."), "sessionId")
        elif not change.current and said is None:
            change.refuse("VALIDATION_ERROR", _("This field is required."), "sessionId")
        elif row is None or not mine(known, row):
            change.refuse("RESOURCE_NOT_FOUND", _("There is no such survey session."), "sessionId")
        elif row["status"] not in WRITABLE or row["deleted_at"] is not None:
            change.refuse("SESSION_NOT_ACTIVE", not_active(), "sessionId")


def session_of(known: Ground, batch: Batch, change: Change) -> Row:
    id = change.current["session_id"] if change.current else parse_uuid(change.data.get("sessionId"))
    assert id is not None
    if id in known.sessions:
        return known.sessions[id]
    return next(c.row for c in batch.of("session") if c.id == id and c.row)


def mine(known: Ground, row: Row) -> bool:
    """Whether this writer may write in a session at all."""
    if known.user is None or row["surveyor_id"] == known.user.pk:
        return True
    return not known.own and known.user.has_permission("sessions.review")


def not_active() -> str:
    return _("This survey session was submitted or closed: it takes no more data.")


@dataclass(slots=True)
class Spot:
    """One position of an item: degrees, metres."""

    change: Change
    lon: float
    lat: float
    accuracy: float | None
    at: datetime | None


def judge(batch: Batch, spots: Sequence[Spot], *, bounds: bool = True) -> dict[UUID, list[dict[str, Any]]]:
    """Refuse the items whose position lies outside of the country or of the writer's areas; what is to be flagged about
    the others, by item. All positions at once; only those outside of everything are looked at one by one."""
    known = ground(batch)
    flagged: dict[UUID, list[dict[str, Any]]] = {spot.change.id: [] for spot in spots}
    if not spots:
        return flagged
    lons, lats = np.array([s.lon for s in spots]), np.array([s.lat for s in spots])
    if bounds:
        for at in np.flatnonzero(~known.boundaries.land.covers(lons, lats)).tolist():
            spot = spots[at]
            found = known.boundaries.bounds(spot.lon, spot.lat)
            if not found.accepted and spot.change.open:
                refuse_bounds(spot.change, found.message)
            elif found.accepted:
                _add(flagged[spot.change.id], finding("OUTSIDE_BORDER", metres=round(found.distance)))
    if known.area.everything:
        return flagged
    inside = np.zeros(len(spots), dtype=bool)
    for grant in known.area.held:
        if grant.region is not None and not grant.coarse:
            inside |= grant.region.covers(lons, lats)
    for at, spot in enumerate(spots):
        if not spot.change.open:
            continue
        if inside[at]:
            if spot.accuracy is None or spot.accuracy > WORST_ACCURACY:
                _add(flagged[spot.change.id], finding("LOW_ACCURACY"))
            continue
        decision = known.area.decide(spot.lon, spot.lat, spot.accuracy, spot.at, last_sync=known.last_sync)
        if decision.allowed:
            for code in decision.flags:
                _add(flagged[spot.change.id], finding(code, metres=round(decision.distance_outside_m or 0)))
        else:
            refuse_place(batch, spot, decision)
    return flagged


def refuse_bounds(change: Change, text: str, field: str | None = None) -> None:
    change.refuse("VALIDATION_ERROR", text, field, rule=BOUNDS_RULE)


def refuse_place(batch: Batch, spot: Spot, decision: Decision, field: str | None = None) -> None:
    """Refuse for the place, and remember it: `deny_all` records it when the batch is decided."""
    known = ground(batch)
    assert known.user is not None
    change = spot.change
    change.refuse("LBAC_VIOLATION", message(decision), field)
    session = change.id if change.entity == "session" else parse_uuid(change.data.get("sessionId"))
    if change.current is not None and change.entity != "session":
        session = change.current["session_id"]
    known.denied[change.id] = (
        decision,
        Attempt(
            user=known.user,
            lon=spot.lon,
            lat=spot.lat,
            accuracy=spot.accuracy,
            captured_at=spot.at,
            session=session if change.entity != "session" else None,
            application=parse_uuid(change.data.get("applicationId")),
        ),
    )


def deny_all(batch: Batch) -> None:
    """Record the refusals of a batch (004-LBAC-05)."""
    if "survey" in batch.cache:
        for decision, attempt in list(ground(batch).denied.values())[:RECORDED]:
            deny(decision, attempt)


def _add(found: list[dict[str, Any]], entry: dict[str, Any]) -> None:
    if all(entry["code"] != other["code"] for other in found):
        found.append(entry)


def late(known: Ground, stamp: datetime) -> list[dict[str, Any]]:
    """Captured in the future: the device's clock is wrong."""
    ahead = (stamp - known.received).total_seconds()
    return [finding("TIME_IN_FUTURE", seconds=round(ahead))] if ahead > SKEW_SECONDS else []
