"""What a person may reach: one `Scope` for lists, records, sync, exports, pages and counts (`domain-survey.md` 7).

area = scope(user)
Session.objects.filter(area.q())             # denormalised units of the rows, see models.Located
area.decide(lon, lat, accuracy=4.0)          # one point, with the margin
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

import shapely
from django.db.models import Q

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.geo import units
from portal.core.geo.models import GeoUnit
from portal.core.geo.regions import Region, apart
from portal.core.geo.units import Index, Place
from portal.core.tenancy.models import Organization
from portal.survey.areas.models import LEVELS, GeoAssignment
from portal.survey.areas.permissions import EVERYWHERE

WORST_ACCURACY: Final = 100.0  # metres: worse, or none, is flagged and widens the margin no further
FAR_FROM_PARCEL: Final = 500.0
CLOCK_SKEW: Final = timedelta(minutes=5)
KEPT: Final = timedelta(days=90)  # how long an ended assignment still explains what was captured before

MARGIN, LOW_ACCURACY, EXPIRED = "AREA_MARGIN", "LOW_ACCURACY", "SCOPE_EXPIRED"
COARSE = "NEIGHBORHOOD_WITHOUT_BOUNDARY"


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings of the organisation under `survey`: `marginMetres` (T), `lateHours` (how long after the device heard of
    the end of an assignment it may still send what was captured before)."""

    margin: float = 200.0
    late: timedelta = timedelta(hours=24)

    @classmethod
    def of(cls, organization: UUID) -> Self:
        row = Organization.objects.filter(pk=organization).values_list("settings", flat=True).first()
        said = (row or {}).get("survey", {})
        margin, hours, rules = said.get("marginMetres"), said.get("lateHours"), cls()
        if isinstance(margin, int | float) and 0 <= margin <= 5000:
            rules = replace(rules, margin=float(margin))
        if isinstance(hours, int | float) and 0 <= hours <= 720:
            rules = replace(rules, late=timedelta(hours=hours))
        return rules


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something may be done at a place. `rule` is what decided: EVERYWHERE, INSIDE, MARGIN, SCOPE_EXPIRED,
    OUTSIDE_AREA, NO_ASSIGNMENT, APPLICATION_AREA. `margin` is what was granted in metres, accuracy included."""

    allowed: bool
    rule: str
    flags: tuple[str, ...] = ()
    distance_outside_m: float | None = 0.0
    nearest_unit: UUID | None = None
    margin: float = 0.0
    dataset: UUID | None = None
    dataset_version: str = ""
    units: tuple[str, ...] = ()  # codes of what the person had


@dataclass(frozen=True, slots=True)
class Grant:
    """One assignment with the shape that decides: of the boundaries in force where they know the code, of a
    neighbourhood without a boundary that of its sub-district (`coarse`)."""

    assignment: UUID
    code: str
    level: str
    unit: UUID
    region: Region | None
    coarse: bool
    since: datetime
    ends: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.since <= at and (self.ends is None or at < self.ends)


@dataclass(frozen=True, slots=True)
class Scope:
    """What `user` may reach at `at`. `everything`: no area binds them."""

    user: UUID
    everything: bool
    at: datetime
    rules: Rules
    boundaries: Index | None
    grants: tuple[Grant, ...] = ()  # also the ended ones of the last 90 days
    ids: dict[str, dict[str, frozenset[UUID]]] = field(default_factory=dict)  # code -> level -> ids in all datasets

    @property
    def held(self) -> tuple[Grant, ...]:
        """The grants that hold at `at`."""
        return tuple(grant for grant in self.grants if grant.holds(self.at))

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(sorted({grant.code for grant in self.held}))

    @property
    def digest(self) -> str:
        """Changes whenever the reach does: what cursors of devices are bound to."""
        said = "*" if self.everything else ",".join(self.codes)
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def q(self, prefix: str = "") -> Q:
        """Rows with columns `governorate`, `district`, `sub_district` (`models.Located`) that lie within reach.

        A neighbourhood reaches the rows of its sub-district: rows do not say their neighbourhood.
        """
        if self.everything:
            return Q()
        found = Q(pk__in=[])
        for level, ids in self._reach().items():
            found |= Q(**{f"{prefix}{level}_id__in": sorted(ids)})
        return found

    def covers(self, places: Iterable[Any]) -> list[bool]:
        """Which of these lie within reach: Places, or records with `governorate_id` and so on."""
        if self.everything:
            return [True for _place in places]
        reach = self._reach().items()
        return [any(_id_of(place, level) in ids for level, ids in reach) for place in places]

    def shape(self) -> Any:
        """All assigned areas as one shapely geometry; None where no area binds, empty without any."""
        if self.everything:
            return None
        return shapely.union_all([grant.region.shape for grant in self.held if grant.region])

    def decide(
        self,
        lon: float,
        lat: float,
        accuracy: float | None = None,
        at: datetime | None = None,
        *,
        last_sync: datetime | None = None,
    ) -> Decision:
        """Whether a point that was captured at `at` (now where absent) may be taken.

        In an area, or outside by no more than accuracy and margin (flagged). In an area that the person had then and
        no longer has: taken and flagged SCOPE_EXPIRED, unless the device has synchronised (`last_sync`, as the server
        knows it) more than `Rules.late` after the end: then its clock is not believed. Bounds of the country come
        first (C68): `units.bounds`.
        """
        low = (LOW_ACCURACY,) if accuracy is None or accuracy > WORST_ACCURACY else ()
        known = self.boundaries
        base = Decision(
            True, "EVERYWHERE", low, dataset=known.id if known else None, dataset_version=known.version if known else ""
        )
        if self.everything:
            return base
        margin = self.rules.margin + min(max(accuracy or 0.0, 0.0), WORST_ACCURACY)
        base = replace(base, margin=margin, units=self.codes)
        held, past = self.held, self._past(at, last_sync)
        nearest, distance = _nearest(held, lon, lat)
        if nearest and distance <= margin:
            return _taken(base, nearest, distance, "MARGIN" if distance else "INSIDE")
        former, away = _nearest(past, lon, lat)
        if former and away <= margin:
            return _taken(base, former, away, EXPIRED)
        if not held:
            ended = any(grant.ends and grant.ends <= self.at for grant in self.grants)
            rule = EXPIRED if ended else "NO_ASSIGNMENT"
            return replace(base, allowed=False, rule=rule, distance_outside_m=None)
        return replace(
            base,
            allowed=False,
            rule="OUTSIDE_AREA",
            distance_outside_m=distance if nearest else None,
            nearest_unit=nearest.unit if nearest else None,
        )

    def start(
        self,
        lon: float,
        lat: float,
        accuracy: float | None = None,
        *,
        target: Any,
        parcel: tuple[float, float] | None = None,
        device_time: datetime | None = None,
    ) -> Decision:
        """Whether a session may begin here: `target` is the application's Place (or record), `parcel` its longitude and
        latitude. Refused where the application is out of reach (APPLICATION_AREA) or the point is (as `decide`);
        flagged FAR_FROM_PARCEL beyond 500 m, CLOCK_SKEW beyond five minutes.
        """
        found = self.decide(lon, lat, accuracy)
        if found.allowed and not self.covers([target])[0]:
            return replace(found, allowed=False, rule="APPLICATION_AREA", distance_outside_m=None)
        flags = list(found.flags)
        if parcel and apart((lon, lat), parcel) > FAR_FROM_PARCEL:
            flags.append("FAR_FROM_PARCEL")
        if device_time and abs(device_time - clock.now()) > CLOCK_SKEW:
            flags.append("CLOCK_SKEW")
        return replace(found, flags=tuple(flags))

    def _past(self, at: datetime | None, last_sync: datetime | None) -> tuple[Grant, ...]:
        """The grants that held at `at`, do so no longer, and may still explain what was captured then."""
        if at is None or at >= self.at:
            return ()
        return tuple(
            grant
            for grant in self.grants
            if grant.ends
            and grant.holds(at)
            and not grant.holds(self.at)
            and (last_sync is None or last_sync <= grant.ends + self.rules.late)
        )

    def _reach(self) -> dict[str, set[UUID]]:
        """Level -> ids of the units in reach; levels are those of `Located`."""
        found: dict[str, set[UUID]] = {}
        for code in self.codes:
            for level, ids in self.ids.get(code, {}).items():
                found.setdefault(level, set()).update(ids)
        return found


def _taken(base: Decision, grant: Grant, distance: float, rule: str) -> Decision:
    flags = [*base.flags]
    if rule == EXPIRED:
        flags.append(EXPIRED)
    if distance:
        flags.append(MARGIN)
    if grant.coarse:
        flags.append(COARSE)
    return replace(base, rule=rule, flags=tuple(flags), distance_outside_m=distance, nearest_unit=grant.unit)


def _id_of(place: Any, level: str) -> Any:
    return getattr(place, level) if isinstance(place, Place) else getattr(place, f"{level}_id")


def _nearest(grants: Iterable[Grant], lon: float, lat: float) -> tuple[Grant | None, float]:
    best, least = None, float("inf")
    for grant in grants:
        if grant.region is None:
            continue
        away = float(grant.region.distances([lon], [lat])[0])
        if away < least or (away == least and best and best.coarse):
            best, least = grant, away
        if not away and not grant.coarse:
            break
    return best, least


def scope(user: User, at: datetime | None = None, *, boundaries: Index | None = None) -> Scope:
    """What `user` may reach at `at` (now where absent). Four queries; needs the organisation's scope."""
    now = at or clock.now()
    known = boundaries or units.index()
    assert user.organization_id is not None
    rules = Rules.of(user.organization_id)
    if user.has_permission(EVERYWHERE):
        return Scope(user.pk, True, now, rules, known)
    rows = [
        row
        for row in GeoAssignment.objects.filter(user=user).order_by("code", "id")
        if row.ends is None or row.ends > now - KEPT
    ]
    named = {row.code for row in rows}
    found: dict[str, dict[str, set[UUID]]] = {}
    current: dict[str, UUID] = {}
    for id, code, level, parent, dataset in GeoUnit.objects.filter(code__in=named).values_list(
        "id", "code", "level", "parent_id", "dataset_id"
    ):
        # rows of a neighbourhood are told by its sub-district
        column, shown = (LEVELS[-2], parent) if level == LEVELS[-1] else (level, id)
        found.setdefault(code, {}).setdefault(column, set()).add(shown)
        if dataset == known.id:
            current[code] = id
    return Scope(
        user.pk,
        False,
        now,
        rules,
        known,
        tuple(_grants(rows, current)),
        {code: {level: frozenset(ids) for level, ids in levels.items()} for code, levels in found.items()},
    )


def _grants(rows: list[GeoAssignment], current: dict[str, UUID]) -> Iterable[Grant]:
    shown = [current.get(row.code, row.unit_id) for row in rows]
    shapes = dict(zip(shown, units.regions(shown), strict=True))
    bare = [id for id in shown if shapes[id] is None]
    above = dict(GeoUnit.objects.filter(pk__in=bare).values_list("id", "parent_id")) if bare else {}
    wider = {id: parent for id, parent in above.items() if parent}
    shapes |= dict(zip(wider, units.regions(wider.values()), strict=True))
    for row, id in zip(rows, shown, strict=True):
        level = next(level for level in reversed(LEVELS) if getattr(row, f"{level}_id"))
        yield Grant(row.pk, row.code, level, id, shapes[id], id in wider, row.valid_from, row.ends)
