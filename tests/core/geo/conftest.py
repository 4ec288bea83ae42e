"""Boundaries for tests: the real ones where they lie beside the repository, else the demo's."""

import pytest

from portal.core.geo import demo_set, units
from portal.core.geo.units import Index
from portal.core.tenancy.scope import platform


@pytest.fixture
def demo(db: None) -> Index:
    with platform():
        demo_set.seed()
    return units.index()
