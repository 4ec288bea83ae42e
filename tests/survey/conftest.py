"""Bob (agent of A) with areas of the demo's boundaries; alice is the administrator of A, carol a viewer."""

from collections.abc import Callable
from typing import Any

import pytest

from portal.core.geo.models import GeoUnit
from portal.core.tenancy.scope import tenant
from portal.survey.areas import services
from portal.survey.areas.models import GeoAssignment
from tests.core.people import Cast

LEVELS = {4: "governorateId", 6: "districtId", 8: "subDistrictId", 10: "neighborhoodId"}


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


def unit(code: str) -> GeoUnit:
    return GeoUnit.objects.get(code=code, dataset__active=True)


def named(code: str) -> dict[str, Any]:
    """The wire fields of a unit and of those above it."""
    return {name: str(unit(code[:length]).pk) for length, name in LEVELS.items() if length <= len(code)}


@pytest.fixture
def assign(cast: Cast) -> Callable[..., GeoAssignment]:
    def made(code: str, **more: Any) -> GeoAssignment:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            data = {"userId": str(cast.bob.pk)} | named(code) | more
            return services.assignment_create(data=data, by=cast.alice)

    return made
