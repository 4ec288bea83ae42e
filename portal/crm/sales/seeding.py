"""The stages that a new organisation starts with."""

from portal.core.tenancy.models import Organization
from portal.crm.sales.choices import DEFAULT_STAGES, ROTTING_DAYS, Kind
from portal.crm.sales.models import Stage


def seed_stages() -> None:
    """For every organisation that has no stage yet; in the platform scope."""
    without = Organization.objects.exclude(pk__in=Stage.objects.values("organization"))
    Stage.objects.bulk_create(
        Stage(
            organization=one,
            key=key,
            name=name,
            name_fr=name_fr,
            name_ar=name_ar,
            position=place,
            probability=probability,
            kind=kind,
            rotting_days=ROTTING_DAYS if kind == Kind.OPEN else None,
        )
        for one in without
        for place, (key, name, name_fr, name_ar, probability, kind) in enumerate(DEFAULT_STAGES)
    )
