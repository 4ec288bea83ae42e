"""The types that every organisation starts with."""

from typing import Any, Final

from portal.core.tenancy.models import Organization
from portal.crm.contracts.models import ContractType

_NAMES: Final = ("key", "prefix", "name", "name_ar", "name_fr", "term_months", "notice_days", "auto_renew")
DEFAULTS: Final[list[tuple[Any, ...]]] = [
    ("support", "SUP", "Support", "دعم", "Assistance", 12, 30, True),
    ("service", "SRV", "Service", "خدمات", "Services", 12, 30, False),
    ("maintenance", "MNT", "Maintenance", "صيانة", "Maintenance", 24, 60, True),
    ("laboratory", "LAB", "Laboratory analyses", "تحاليل مخبرية", "Analyses de laboratoire", 12, 60, False),
]


def seed_types() -> None:
    """Give the types to every organisation that has none; a second run writes nothing."""
    held = ContractType.objects.values("organization")
    ContractType.objects.bulk_create(
        (
            ContractType(organization_id=organization, order=order, **dict(zip(_NAMES, row, strict=True)))
            for organization in Organization.objects.exclude(pk__in=held).values_list("pk", flat=True)
            for order, row in enumerate(DEFAULTS, 1)
        ),
        ignore_conflicts=True,
    )
