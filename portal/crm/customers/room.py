"""What customers bring into the registries of the platform."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions as rights
from portal.core.notifications import events, kinds
from portal.crm import activity, settings
from portal.crm.access import seen
from portal.crm.customers import notes, registry, services, stories
from portal.crm.customers.events import EVENTS, KINDS
from portal.crm.customers.frame import PLACE
from portal.crm.customers.models import Customer, CustomerLink, CustomerNote
from portal.crm.customers.permissions import PERMISSIONS
from portal.ui import menu, panels, restoring

_TABS = (
    (10, "detail", _("Overview"), "layout-dashboard", "customers.view"),
    (20, "timeline", _("Timeline"), "timeline", "customers.view"),
    (30, "notes", _("Notes"), "notes", "customers.view"),
    (80, "files", _("Files"), "files", "files.view"),
    (900, "history", _("History"), "history", "customers.view"),
)


def register() -> None:
    rights.register(PERMISSIONS)
    events.register(EVENTS)
    kinds.register(*KINDS)
    activity.register_source("customer", texts=stories.TEXTS, icon="building")
    activity.register_source("note", texts=stories.NOTE_TEXTS, visible=notes.notes_seen, icon="notes")
    registry.register_reference(CustomerNote, "customer", what=_("Notes"))
    registry.register_reference(CustomerLink, "customer", what=_("Linked records"))
    restoring.register(
        restoring.Restorable(
            key="customer",
            label=_("Customers"),
            permission="customers.delete",
            list_url="crm:customer_list",
            rows=lambda user: seen(
                user, "customers.delete", Customer.objects.filter(deleted_at__isnull=False, merged_into=None)
            ),
            restore=services.customer_restore,
            url=lambda id: reverse("crm:customer_detail", args=[id]),
        ),
        restoring.Restorable(
            key="note",
            restore=notes.note_restore,
            url=lambda id: reverse("crm:customer_notes", args=[id]),
            parent="customer",
        ),
    )
    for order, key, label, icon, permission in _TABS:
        panels.register(
            panels.Tab(
                place=PLACE,
                key=key,
                label=label,
                icon=icon,
                url_name=f"crm:customer_{key}",
                permission=permission,
                order=order,
            )
        )
    settings.register(
        settings.Section(key="tags", label=_("Tags"), icon="tag", url_name="crm:settings_tags", order=10),
        settings.Section(
            key="fields", label=_("Fields of customers"), icon="forms", url_name="crm:settings_fields", order=20
        ),
    )
    for order, label, url_name, icon, permission in (
        (10, _("Customers"), "crm:customer_list", "building", "customers.view"),
        (90, _("Office settings"), "crm:settings", "adjustments-horizontal", "crm.settings"),
    ):
        menu.register(
            menu.MenuItem(label=label, url_name=url_name, icon=icon, permission=permission, group="office", order=order)
        )
