"""What customers bring into the registries of the platform."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions as rights
from portal.core.files import links
from portal.core.notifications import events
from portal.crm import activity
from portal.crm.customers import exports, notes, registry, stories
from portal.crm.customers.events import EVENTS
from portal.crm.customers.models import CustomerLink, CustomerNote
from portal.crm.customers.permissions import PERMISSIONS


def register() -> None:
    rights.register(PERMISSIONS)
    links.register(exports.LINK)
    events.register(EVENTS)
    activity.register_source("customer", texts=stories.TEXTS, icon="building")
    activity.register_source("note", texts=stories.NOTE_TEXTS, visible=notes.notes_seen, icon="note")
    registry.register_reference(CustomerNote, "customer", what=_("Notes"))
    registry.register_reference(CustomerLink, "customer", what=_("Linked records"))
