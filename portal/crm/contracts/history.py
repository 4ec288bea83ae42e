"""What happened to contracts: their own history, the customer's timeline, the sockets."""

from collections.abc import Mapping
from typing import Any

from portal.core.notifications import events
from portal.core.tenancy import scope
from portal.crm import activity
from portal.crm.contracts.models import Contract, ContractEvent

# Actions that a customer's timeline tells of.
_TOLD = frozenset({"created", "status", "amended", "renewed", "terminated", "expired", "document", "auto_renewed"})


def log(
    contract: Contract,
    action: str,
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    note: str = "",
) -> None:
    """One line, in the transaction of the change; values under wire names."""
    ContractEvent.objects.create(
        organization_id=contract.organization_id,
        contract=contract,
        action=action,
        old_values=dict(old or {}),
        new_values=dict(new or {}),
        note=note,
        user_id=scope.actor().user,
    )
    if action in _TOLD:
        activity.record(
            customer_id=contract.customer_id,
            type=f"contract.{action}",
            subject_id=contract.pk,
            data={"number": contract.number, "title": contract.title, "status": contract.status},
        )
    events.publish(
        "contract.changed",
        entity="contract",
        id=contract.pk,
        data={"number": contract.number, "status": contract.status},
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(old, new) of what differs."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}
