"""What areas bring into the registries of the platform."""

from portal.core.accounts import permissions as rights
from portal.core.geo import demo_set
from portal.core.notifications import events, kinds
from portal.core.tenancy import seeds
from portal.survey.areas.events import EVENTS, KINDS
from portal.survey.areas.permissions import PERMISSIONS


def register() -> None:
    rights.register(PERMISSIONS)
    events.register(EVENTS)
    kinds.register(*KINDS)
    seeds.register(demo_set.seed)
