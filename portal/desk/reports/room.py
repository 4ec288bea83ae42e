"""What reports bring into the registries of the platform."""

from django.utils.translation import gettext_lazy as _


def register() -> None:
    from portal.core.accounts import permissions as rights
    from portal.core.notifications import events, kinds
    from portal.core.tenancy import seeds
    from portal.desk.reports import sources
    from portal.desk.reports.builtin import seed
    from portal.desk.reports.events import EVENTS, KINDS
    from portal.desk.reports.permissions import PERMISSIONS
    from portal.desk.reports.sources import field, laboratory, office
    from portal.ui import menu

    rights.register(PERMISSIONS)
    events.register(EVENTS)
    kinds.register(*KINDS)
    seeds.register(seed)
    sources.register(
        laboratory.SAMPLES,
        laboratory.RESULTS,
        field.TASKS,
        field.IMAGES,
        field.SUBMISSIONS,
        office.CUSTOMERS,
        office.DEALS,
        office.TICKETS,
        office.CONTRACTS,
        field.AUDIT,
    )
    menu.register(
        menu.MenuItem(
            label=_("Reports"),
            url_name="custom_reports:list",
            icon="report",
            permission="custom_reports.view",
            group="data",
            order=45,
        )
    )
