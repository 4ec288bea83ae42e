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
    from portal.lab import hooks

    links.register(*LINKS)
    targets.update(TARGETS)
    hooks.on_fail(exceedances.failed)
    on_expiring.append(expiring.open_deal)
    SETTINGS[expiring.SETTING] = (lambda value: isinstance(value, bool), _("Enter true or false."))
