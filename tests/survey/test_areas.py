"""Who may work where: assignments, scope, decisions and refusals (specification 004, LBAC)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from portal.core.accounts.policy import record_denial
from portal.core.audit.models import Action, AuditEntry, SecurityEvent
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Invalid
from portal.core.geo import units
from portal.core.geo.regions import GEOD
from portal.core.tenancy.scope import platform, tenant
from portal.survey.areas import services
from portal.survey.areas.denials import Attempt, deny, refusal
from portal.survey.areas.models import GeoAssignment, GeoDecision
from portal.survey.areas.scoping import scope
from tests.core.people import Cast
from tests.survey.conftest import named, unit

pytestmark = pytest.mark.django_db
type Assign = Callable[..., GeoAssignment]
INSIDE = (44.0, 15.2)  # in XY110101


def outside(metres: float, *, code: str = "XY1101") -> tuple[float, float]:
    """A point so far west of a unit's westernmost place."""
    shape = units.unit_shape(unit(code).pk)
    lon, lat = min(shape.exterior.coords)
    east, north, _back = GEOD.fwd(lon, lat, 270, metres)
    return east, north


@pytest.mark.covers("004-LBAC-02", "004-LBAC-03", "004-LBAC-06")
def test_an_area_reaches_its_parts_and_a_margin_and_nothing_else(cast: Cast, assign: Assign) -> None:
    assign("XY1101")

    with tenant(cast.a.pk, by=cast.bob.actor()):
        area = scope(cast.bob)
        near, far, aden = outside(150), outside(400), (45.0, 12.8)

        assert not area.everything
        assert area.decide(*INSIDE, accuracy=4).rule == "INSIDE"
        margin = area.decide(*near, accuracy=4)
        assert (margin.allowed, margin.flags) == (True, ("AREA_MARGIN",))
        assert margin.distance_outside_m == pytest.approx(150, abs=1)
        refused = area.decide(*far, accuracy=4)
        assert (refused.allowed, refused.rule) == (False, "OUTSIDE_AREA")
        assert refused.distance_outside_m == pytest.approx(400, abs=1)
        assert refused.nearest_unit == unit("XY1101").pk
        assert refused.dataset_version == "1"
        assert area.decide(*outside(280), accuracy=90).allowed
        assert not area.decide(*outside(400), accuracy=5000).allowed  # a bad accuracy opens nothing
        assert "LOW_ACCURACY" in area.decide(*INSIDE).flags

        here, there = units.locate([INSIDE[0], aden[0]], [INSIDE[1], aden[1]])
        assert area.covers([here, there]) == [True, False]
        assert area.start(*INSIDE, 4, target=there).rule == "APPLICATION_AREA"
        started = area.start(
            *INSIDE, 4, target=here, parcel=(44.01, 15.2), device_time=clock.now() - timedelta(minutes=6)
        )
        assert started.flags == ("FAR_FROM_PARCEL", "CLOCK_SKEW")


@pytest.mark.covers("004-LBAC-04")
def test_the_office_reaches_everything_and_a_surveyor_without_areas_nothing(cast: Cast) -> None:
    technician = cast.person("tom", "Technician", cast.a)

    with tenant(cast.a.pk):
        assert [scope(user).everything for user in (cast.alice, cast.carol, cast.bob, technician)] == [
            True, True, False, False,
        ]  # fmt: skip
        assert scope(cast.alice).decide(45.0, 12.8, 4).rule == "EVERYWHERE"
        nothing = scope(technician)
        assert nothing.decide(*INSIDE, 4).rule == "NO_ASSIGNMENT"
        assert not GeoAssignment.objects.filter(nothing.q()).exists()


def test_what_was_captured_before_an_assignment_ended_is_taken_and_flagged(cast: Cast, assign: Assign) -> None:
    now = clock.now()
    row = assign("XY1101", validFrom=clock.wire(now - timedelta(days=5)))
    with tenant(cast.a.pk, by=cast.alice.actor()):
        before = scope(cast.bob).digest
        services.assignment_delete(id=row.pk, by=cast.alice)

        area = scope(cast.bob)
        captured = now - timedelta(hours=3)

        assert area.digest != before
        assert area.decide(*INSIDE, 4).rule == "SCOPE_EXPIRED"
        assert not area.decide(*INSIDE, 4).allowed
        late = area.decide(*INSIDE, 4, captured)
        assert (late.allowed, late.flags) == (True, ("SCOPE_EXPIRED",))
        assert not area.decide(*outside(400), 4, captured).allowed
        assert area.decide(*INSIDE, 4, captured, last_sync=now).allowed
        assert not area.decide(*INSIDE, 4, captured, last_sync=now + timedelta(hours=25)).allowed
        assert not area.decide(*INSIDE, 4, now - timedelta(days=6)).allowed  # before it began
    assert before == scope_digest(cast, assign)


def scope_digest(cast: Cast, assign: Assign) -> str:
    assign("XY1101")
    with tenant(cast.a.pk):
        return scope(cast.bob).digest


def test_a_neighbourhood_without_a_boundary_is_judged_by_its_sub_district(cast: Cast, assign: Assign) -> None:
    assign("XY11010102")  # a name alone
    with tenant(cast.a.pk):
        coarse = scope(cast.bob).decide(*INSIDE, 4)
        reached = scope(cast.bob).covers(units.locate([INSIDE[0]], [INSIDE[1]]))
    assert (coarse.allowed, coarse.flags) == (True, ("NEIGHBORHOOD_WITHOUT_BOUNDARY",))
    assert reached == [True]

    assign("XY11010101")  # with a boundary
    with tenant(cast.a.pk):
        middle = units.unit_shape(unit("XY11010101").pk).centroid
        exact = scope(cast.bob).decide(middle.x, middle.y, 4)
    assert (exact.flags, exact.nearest_unit) == ((), unit("XY11010101").pk)


def test_assignments_name_nested_units_of_the_boundaries_in_force(cast: Cast, assign: Assign) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):

        def refused(**data: Any) -> list[str]:
            with pytest.raises(Invalid) as caught:
                services.assignment_create(data={"userId": str(cast.bob.pk)} | data, by=cast.alice)
            return [error.field for error in caught.value.errors]

        assert refused(governorateId=str(unit("XY11").pk), districtId=str(unit("XY2401").pk)) == ["districtId"]
        assert refused(governorateId=str(unit("XY1101").pk)) == ["governorateId"]
        assert refused(governorateId=str(unit("XY11").pk), subDistrictId=str(unit("XY110101").pk)) == ["subDistrictId"]
        assert refused() == ["governorateId"]
        assert refused(**named("XY11"), userId=str(cast.mallory.pk)) == ["userId"]
        assert refused(**named("XY11"), validFrom="2026-01-02T00:00:00Z", validTo="2026-01-01T00:00:00Z") == ["validTo"]
        assert refused(**named("XY11"), validFrom="2026-01-02") == ["validFrom"]
        assert not GeoAssignment.objects.exists()
        with pytest.raises(Denied):
            services.assignment_create(data={"userId": str(cast.bob.pk)} | named("XY11"), by=cast.bob)

    row = assign("XY11")
    with pytest.raises(Conflict):
        assign("XY11")
    with tenant(cast.a.pk, by=cast.alice.actor()):
        changed = services.assignment_update(id=row.pk, data=named("XY2401"), by=cast.alice)
        assert changed.code == "XY2401"
        assert scope(cast.bob).codes == ("XY2401",)
        services.assignment_end(id=row.pk, by=cast.alice)
        assert scope(cast.bob).codes == ()
        assert GeoAssignment.objects.get(pk=row.pk).valid_to is not None


@pytest.mark.covers("004-LBAC-05", "C67")
def test_refusals_are_kept_told_and_the_third_alerts(cast: Cast, assign: Assign) -> None:
    assign("XY1101")
    told = []
    for _time in range(3):
        with tenant(cast.a.pk, by=cast.bob.actor(device="tablet-7", request="r-1")):
            decision = scope(cast.bob).decide(*outside(900), 4)
            attempt = Attempt(user=cast.bob, lon=43.8, lat=15.2, accuracy=4)
            told.append(deny(decision, attempt))

    with platform():
        rows = list(GeoDecision.objects.order_by("created_at"))
        event = SecurityEvent.objects.get(type="lbac.violation")
    assert [row.pk for row in rows] == [row.pk for row in told]
    assert (rows[0].rule, rows[0].device, rows[0].request_id) == ("OUTSIDE_AREA", "tablet-7", "r-1")
    assert (rows[0].allowed, rows[0].dataset_version) == (["XY1101"], "1")
    assert rows[0].distance_outside_m == pytest.approx(900, abs=2)
    assert (event.count, event.severity, event.subject) == (3, "high", "bob")

    refused = refusal(decision, attempt)
    assert (refused.code, refused.status) == ("LBAC_VIOLATION", 403)
    assert refused.meta["distanceOutsideM"] == pytest.approx(900, abs=2)

    # whoever rolls the refused request back leaves one audit entry and the record
    actor = cast.bob.actor(device="tablet-7")
    label = "POST /api/mobile/v1/sessions"
    record_denial(actor=actor, organization=cast.a.pk, label=label, reason=refused.code, aftermath=refused.aftermath)
    with platform():
        assert GeoDecision.objects.count() == 4
        assert AuditEntry.objects.filter(action=Action.DENIED).count() == 4
        assert SecurityEvent.objects.get(type="lbac.violation").count == 4
