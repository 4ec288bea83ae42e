"""The programme of the demo organisation: what each kind of point is sampled for, some of it overdue."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from portal.core.accounts.models import User
from portal.core.tenancy import scope
from portal.lab.models import SamplingPoint
from portal.lab.points.models import Frequency, ProgrammeItem

_F = Frequency
# Kind of water -> what, how often, times a year, months.
_PLANS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "drinking_water": (
        {"group": "microbiological", "frequency": _F.MONTHLY},
        {"codes": ["PH", "TURB", "NO3", "CL2F"], "frequency": _F.QUARTERLY},
    ),
    "drinking_source": ({"codes": ["ECOLI", "ENTEROC", "NO3"], "frequency": _F.TIMES_PER_YEAR, "times": 8},),
    "groundwater": ({"codes": ["NO3", "COND", "CL"], "frequency": _F.QUARTERLY},),
    "surface_water": ({"codes": ["TURB", "DO", "NH4", "ECOLI"], "frequency": _F.MONTHLY},),
    "bathing_water": ({"codes": ["ECOLI", "ENTEROC"], "frequency": _F.WEEKLY, "months": [5, 6, 7, 8, 9]},),
    "pool_water": ({"codes": ["CL2F", "PH", "ECOLI"], "frequency": _F.WEEKLY},),
    "bottled_water": ({"codes": ["ECOLI", "PSEUDO"], "frequency": _F.MONTHLY},),
    "irrigation_water": ({"codes": ["COND", "NO3", "FCOLIF"], "frequency": _F.TIMES_PER_YEAR, "times": 4},),
    "waste_water": ({"codes": ["NH4", "COND"], "frequency": _F.YEARLY},),
}


def plan_points(*, people: Sequence[User], today: date) -> None:
    """Plan every point of the organisation in force, unless something is planned already."""
    if ProgrammeItem.objects.exists():
        return
    begin = (today - timedelta(days=365)).replace(day=1)
    ProgrammeItem.objects.bulk_create(
        ProgrammeItem(
            organization_id=scope.organization_id(),
            point=point,
            starts_on=begin,
            assignee=people[number % len(people)] if people and number % 3 else None,
            **plan,
        )
        for number, point in enumerate(SamplingPoint.objects.order_by("code"))
        for plan in _PLANS[point.type]
    )
