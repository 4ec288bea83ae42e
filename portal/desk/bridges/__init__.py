"""Rules that join two rooms or parts, each in a file of its own. `register()` puts them into the rooms' registries."""

from django.utils.translation import gettext_lazy as _


def register() -> None:
    from portal.collect.submissions.targets import targets
    from portal.core.files import links
    from portal.core.tenancy.services import SETTINGS
    from portal.crm.contracts.renewals import on_expiring
    from portal.desk.bridges import exceedances, expiring
    from portal.desk.bridges.files import LINKS
    from portal.desk.bridges.submissions import TARGETS
    from portal.desk.points.views import customer_panel
    from portal.lab import hooks
    from portal.ui import panels

    links.register(*LINKS)
    panels.register(
        panels.Panel(
            place="customer",
            key="points",
            template="desk/customer_points.html",
            context=customer_panel,
            permission="samples.view",
            order=60,
        )
    )
    targets.update(TARGETS)
    hooks.on_fail(exceedances.failed)
    on_expiring.append(expiring.open_deal)
    SETTINGS[expiring.SETTING] = (lambda value: isinstance(value, bool), _("Enter true or false."))
