"""What areas bring into the registries of the platform."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions as rights
from portal.core.geo import demo_set
from portal.core.notifications import events, kinds
from portal.core.tenancy import seeds
from portal.survey.areas.events import EVENTS, KINDS
from portal.survey.areas.permissions import PERMISSIONS
from portal.ui import menu


def register() -> None:
    from portal.survey.areas import jobs as _jobs  # noqa: F401  declares its work

    rights.register(PERMISSIONS)
    events.register(EVENTS)
    kinds.register(*KINDS)
    seeds.register(demo_set.seed)
    menu.register(
        *(
            menu.MenuItem(label=label, url_name=url, icon=icon, permission=right, group=group, order=order)
            for order, label, url, icon, right, group in (
                (60, _("Areas"), "survey:unit_tree", "map-2", "geo.view", "organization"),
                (61, _("Assigned areas"), "survey:assignment_list", "user-check", "geo.view", "organization"),
                (62, _("Refusals by area"), "survey:denial_list", "shield", "geo.denials", "organization"),
                (60, _("Boundaries"), "survey:dataset_list", "world", "geo.datasets", "platform"),
            )
        )
    )
