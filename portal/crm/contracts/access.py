"""Who sees and who changes which contracts."""

from datetime import date
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Denied, NotFound
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.crm.access import seen
from portal.crm.contracts.models import Contract, ContractTemplate, ContractType


def contracts_seen(user: User, right: str = "contracts.view") -> QuerySet[Contract]:
    """Living contracts that the person holds `right` for; they are in charge of their own."""
    rows: QuerySet[Contract] = Contract.objects.filter(deleted_at=None)
    return seen(user, right, rows, owner="owner")


def contract_for(user: User, id: UUID, right: str = "contracts.view", *, lock: bool = False) -> Contract:
    """Raises NotFound for an unknown, deleted, foreign or unseen one, Denied for one seen without `right`."""
    rows = contracts_seen(user).select_related("customer", "type", "owner", "template_version")
    found = (rows.select_for_update(of=("self",)) if lock else rows).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such contract."))
    if right != "contracts.view" and not contracts_seen(user, right).filter(pk=id).exists():
        raise Denied(_("You do not have the right to do this."), meta={"permission": right})
    return found


def may(user: User, right: str) -> None:
    if not user.has_permission(right):
        raise Denied(_("You do not have the right to do this."), meta={"permission": right})


def type_for(id: UUID) -> ContractType:
    found = ContractType.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such contract type."))
    return found


def template_for(id: UUID) -> ContractTemplate:
    found = ContractTemplate.objects.select_related("type").filter(pk=id, deleted_at=None).first()
    if found is None:
        raise NotFound(_("There is no such template."))
    return found


def organization() -> Organization:
    return Organization.objects.get(pk=scope.organization_id())


def today(zone: str = "") -> date:
    """The day it is in the organisation's zone."""
    return clock.now().astimezone(clock.zone(zone or organization().time_zone)).date()
