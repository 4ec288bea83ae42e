"""Areas of the demo organisation's field workers, one that has ended, and some refusals."""

from datetime import timedelta
from typing import Any, Final

from django.db.models import QuerySet

from portal.core.accounts.models import User
from portal.core.accounts.permissions import ADMIN, AGENT, TECHNICIAN
from portal.core.common import clock
from portal.core.geo.models import GeoUnit
from portal.core.tenancy import scope
from portal.core.tenancy.scope import acting
from portal.survey.areas import services
from portal.survey.areas.denials import Attempt, deny
from portal.survey.areas.models import GeoAssignment
from portal.survey.areas.scoping import scope as reach

# Codes of the demo's boundaries, a list for each surveyor in turn.
_AREAS: Final = (("XY110301",), ("XY110302",), ("XY1101", "XY2402"), ("XY1102",), ("XY24",), ("XY11010102",))
_LEVELS: Final = {4: "governorateId", 6: "districtId", 8: "subDistrictId", 10: "neighborhoodId"}
# Longitude, latitude and accuracy of attempts outside of the third one's areas.
_ATTEMPTS: Final = ((43.86, 15.23, 6.0), (44.18, 15.18, 4.5), (44.93, 13.14, 12.0), (44.45, 15.33, 35.0))


def fill() -> None:
    """Assign areas to the organisation's technicians and agents, unless some have areas already."""
    people = User.objects.filter(organization=scope.organization_id(), deleted_at=None).order_by("email")
    admin = people.filter(role__key=ADMIN, role__organization=None).first()
    workers = list(people.filter(role__key__in=(TECHNICIAN, AGENT)))
    if admin is None or not workers or GeoAssignment.objects.exists():
        return
    # the two that readers of the demo sign in as: a small area each, so that they can be given others
    workers.sort(key=lambda user: user.email.partition("@")[0] not in ("technician", "agent"))
    began = clock.now() - timedelta(days=90)
    for worker, codes in zip(workers, _AREAS, strict=False):
        for code in codes:
            services.assignment_create(data=_named(worker, code) | {"validFrom": clock.wire(began)}, by=admin)
    *_first, last = workers[: len(_AREAS) // 2]
    past = {"validFrom": clock.wire(began - timedelta(days=200)), "validTo": clock.wire(began)}
    services.assignment_create(data=_named(last, "XY1103") | past, by=admin)
    _refusals(last)


def _named(user: User, code: str) -> dict[str, Any]:
    units: QuerySet[GeoUnit] = GeoUnit.objects.filter(dataset__active=True)
    ids = {name: units.only("id").get(code=code[:length]).pk for length, name in _LEVELS.items() if length <= len(code)}
    return {"userId": str(user.pk)} | {name: str(id) for name, id in ids.items()}


def _refusals(user: User) -> None:
    area = reach(user)
    for lon, lat, accuracy in _ATTEMPTS:
        decision = area.decide(lon, lat, accuracy)
        if not decision.allowed:
            with acting(device="demo-tablet-1", via="mobile"):
                deny(decision, Attempt(user=user, lon=lon, lat=lat, accuracy=accuracy, captured_at=clock.now()))
