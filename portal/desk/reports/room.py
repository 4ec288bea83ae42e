"""What reports bring into the registries of the platform."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _


def register() -> None:
    from portal.core.accounts import permissions as rights
    from portal.core.files import links
    from portal.core.notifications import events, kinds
    from portal.core.tenancy import seeds
    from portal.desk.reports import sources
    from portal.desk.reports.builtin import name_of, seed
    from portal.desk.reports.events import EVENTS, KINDS
    from portal.desk.reports.models import ReportRun
    from portal.desk.reports.permissions import PERMISSIONS
    from portal.desk.reports.services import LINK
    from portal.desk.reports.sources import field, laboratory, office
    from portal.ui import menu

    rights.register(PERMISSIONS)
    events.register(EVENTS)
    kinds.register(*KINDS)
    seeds.register(seed)
    links.register(
        links.LinkKind(
            kind=LINK,
            label_plural=_("Runs of reports"),
            visible=lambda user: ReportRun.objects.filter(person=user),
            label=lambda run: name_of(run.report),
            url=lambda id: reverse("custom_reports:run", args=[id]),
            editable=lambda user: ReportRun.objects.none(),
        )
    )
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
