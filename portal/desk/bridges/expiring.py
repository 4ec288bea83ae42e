"""A contract that begins to expire opens a deal for its person in charge, where the organisation wants it."""

from typing import Final

from django.utils.translation import gettext

from portal.core.tenancy.models import Organization
from portal.crm.contracts.models import Contract
from portal.crm.contracts.renewals import mark_deal
from portal.crm.contracts.selectors import proposed_value
from portal.crm.sales.services import deal_create

SETTING: Final = "contractsOpenDeals"


def open_deal(contract: Contract) -> None:
    """Once per contract and end."""
    settings = Organization.objects.values_list("settings", flat=True).get(pk=contract.organization_id)
    by = contract.owner or contract.created_by
    if not settings.get(SETTING) or contract.deal_for == contract.end_date:
        return
    if by is None or not by.is_active or not by.has_permission("sales.edit"):
        return
    named = {"number": contract.number, "title": contract.title}
    deal = deal_create(
        data={
            "title": (gettext("Renewal of %(number)s: %(title)s") % named)[:200],
            "customer_id": contract.customer_id,
            "value": proposed_value(contract),
            "currency": contract.currency,
            "fx_rate": None if contract.fx_rate == 1 else contract.fx_rate,
            "expected_close_date": contract.end_date,
        },
        by=by,
    )
    mark_deal(contract, deal.pk)
