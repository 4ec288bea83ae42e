"""What contracts bring into the registries of the platform."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions as rights
from portal.core.accounts.models import User
from portal.core.notifications import events, kinds
from portal.core.tenancy import seeds
from portal.crm import activity, settings
from portal.crm.access import seen
from portal.crm.contracts import access, jobs, renewals, services
from portal.crm.contracts.choices import IN_FORCE, OPEN, Party, Status
from portal.crm.contracts.events import EVENTS, KINDS
from portal.crm.contracts.models import Contract
from portal.crm.contracts.permissions import PERMISSIONS
from portal.crm.contracts.seeds import seed_types
from portal.crm.customers import registry
from portal.crm.sla import rules
from portal.ui import menu, panels, restoring

TEXTS: Final[dict[str, Promise | str]] = {
    "contract.created": _("Contract %(number)s written: %(title)s"),
    "contract.status": _("Contract %(number)s changed its status: %(title)s"),
    "contract.amended": _("Contract %(number)s amended: %(title)s"),
    "contract.renewed": _("Contract %(number)s renewed: %(title)s"),
    "contract.auto_renewed": _("Contract %(number)s renews itself: %(title)s"),
    "contract.terminated": _("Contract %(number)s terminated: %(title)s"),
    "contract.document": _("Document added to contract %(number)s: %(title)s"),
}


def in_force(customer: UUID) -> Sequence[tuple[UUID, str]]:
    rows = Contract.objects.filter(customer=customer, status=Status.ACTIVE, deleted_at=None)
    return list(rows.values_list("pk", "type__key"))


def in_use(customers: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """The contracts in force of each customer."""
    rows = Contract.objects.filter(customer__in=customers, status__in=IN_FORCE, deleted_at=None).order_by("number")
    found: dict[UUID, list[str]] = {}
    for customer, number, title in rows.values_list("customer", "number", "title"):
        found.setdefault(customer, []).append(f"{number} {title}")
    return found


def archive(customer: UUID, by: User) -> None:
    """Cancel what is not in force yet and terminate the rest, as of today."""
    rows = Contract.objects.filter(customer=customer, deleted_at=None).select_related("customer", "type")
    for contract in rows.filter(status__in=(*OPEN, *IN_FORCE)).select_for_update(of=("self",)):
        if contract.status in OPEN:
            services.move(contract, Status.CANCELLED, note=str(_("The customer was deleted.")))
            continue
        contract.termination_date = None
        renewals.terminate(contract, reason=str(_("The customer was deleted.")), party=Party.US, by=by)


def register() -> None:
    rights.register(PERMISSIONS)
    events.register(EVENTS)
    kinds.register(*KINDS)
    seeds.register(seed_types)
    activity.register_source(
        "contract",
        texts=TEXTS,
        visible=access.contracts_seen,
        url=lambda id: reverse("crm:contract_detail", args=[id]),
        icon="file-text",
    )
    restoring.register(
        restoring.Restorable(
            key="contract",
            label=_("Contracts"),
            permission="contracts.delete",
            list_url="crm:contract_list",
            rows=lambda user: seen(
                user, "contracts.view", Contract.objects.filter(deleted_at__isnull=False), owner="owner"
            ),
            restore=services.contract_restore,
            url=lambda id: reverse("crm:contract_detail", args=[id]),
        )
    )
    rules.register_contracts(in_force)
    menu.register(
        menu.MenuItem(
            label=_("Contracts"),
            url_name="crm:contract_list",
            icon="file-text",
            permission="contracts.view",
            group="office",
            order=40,
        )
    )
    panels.register(
        panels.Tab(
            place="customer",
            key="contracts",
            label=_("Contracts"),
            icon="file-text",
            url_name="crm:customer_contracts",
            permission="contracts.view",
            order=60,
        )
    )
    settings.register(
        settings.Section(
            key="contract_types",
            label=_("Contract types"),
            icon="file-text",
            url_name="crm:contract_type_list",
            permission="contracts.settings",
            order=60,
        )
    )
    registry.register_reference(Contract, "customer", what=_("Contracts"), in_use=in_use, archive=archive)


__all__ = ["jobs", "register"]
