"""What every organisation starts with: categories, one policy around the clock, and a calendar of working hours."""

from typing import Any, Final
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from portal.core.tenancy.models import Organization
from portal.crm.sla import calendars
from portal.crm.sla.models import CalendarEdition, SlaCalendar, SlaPolicy
from portal.crm.tickets.models import TicketCategory

_HOUR: Final = 3600
# First reply, next reply, resolution in hours.
TARGETS: Final = {"urgent": (1, 2, 8), "high": (4, 4, 24), "normal": (8, 8, 72), "low": (24, 24, 168)}
CATEGORIES: Final = (
    ("technical", "Technical", "تقني", "Technique", "#0f766e"),
    ("sampling", "Sampling visits", "زيارات أخذ العينات", "Visites de prélèvement", "#1d4ed8"),
    ("results", "Results and certificates", "النتائج والشهادات", "Résultats et certificats", "#7c3aed"),
    ("water_quality", "Water quality", "جودة المياه", "Qualité de l’eau", "#b91c1c"),
    ("billing", "Billing", "الفواتير", "Facturation", "#a16207"),
    ("complaint", "Complaint", "شكوى", "Réclamation", "#be185d"),
    ("other", "Other", "أخرى", "Autre", "#6b7280"),
)
_OFFICE: Final = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
_YEMEN: Final = {day: [["08:00", "15:00"]] for day in ("sat", "sun", "mon", "tue", "wed")}
_PLACES: Final = {"Africa/Casablanca": ("MA", _OFFICE), "Asia/Aden": ("YE", _YEMEN)}


def seed_organizations() -> None:
    """Those that have no policy yet. Safe to repeat; in a platform scope."""
    served = SlaPolicy.objects.filter(is_default=True, deleted_at=None).values("organization")
    for row in Organization.objects.filter(deleted_at=None).exclude(pk__in=served):
        _seed(row)


def seed_organization(id: UUID) -> None:
    _seed(Organization.objects.get(pk=id))


def targets() -> dict[str, dict[str, int]]:
    names = ("firstResponseSeconds", "nextResponseSeconds", "resolutionSeconds")
    return {
        priority: dict(zip(names, (hours * _HOUR for hours in held), strict=True)) for priority, held in TARGETS.items()
    }


def _seed(organization: Organization) -> None:
    there = set(TicketCategory.objects.filter(organization=organization).values_list("key", flat=True))
    TicketCategory.objects.bulk_create(
        TicketCategory(
            organization=organization, key=key, name=name, name_ar=arabic, name_fr=french, color=color, order=10 * place
        )
        for place, (key, name, arabic, french, color) in enumerate(CATEGORIES, 1)
        if key not in there
    )
    country, week = _PLACES.get(organization.time_zone, ("", _OFFICE))
    days: list[dict[str, Any]] = []
    if country:
        days = calendars.public_holidays(country=country, first_year=timezone.localdate().year)
    with translation.override(organization.language):
        names = {"calendar": _("Working hours"), "policy": _("Standard")}
    if not SlaCalendar.objects.filter(organization=organization).exists():
        calendar = SlaCalendar.objects.create(
            organization=organization,
            name=names["calendar"],
            time_zone=organization.time_zone,
            week=week,
            holidays=days,
        )
        CalendarEdition.objects.create(
            organization=organization, calendar=calendar, number=1, content=calendars.content_of(calendar)
        )
    SlaPolicy.objects.create(
        organization=organization, name=names["policy"], is_default=True, targets=targets(), warn_percent=[75, 90]
    )
