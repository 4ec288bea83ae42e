"""Forms of assigned areas and of boundary datasets."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from portal.core.common import clock
from portal.core.common.ids import parse_uuid
from portal.core.geo.models import GeoUnit
from portal.core.tenancy.models import Organization
from portal.survey.areas import selectors
from portal.survey.areas.models import LEVELS, GeoAssignment
from portal.ui.forms import AUTO, LTR, ServiceForm

_LABELS = {
    "governorate": _("Governorate"),
    "district": _("District"),
    "sub_district": _("Sub-district"),
    "neighborhood": _("Neighbourhood"),
}


class DayField(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AssignmentForm(ServiceForm):
    """A person and a unit from the governorate down: each list holds the parts of what is chosen above it."""

    names: ClassVar[dict[str, str]] = {
        "userId": "user",
        "governorateId": "governorate",
        "districtId": "district",
        "subDistrictId": "sub_district",
        "neighborhoodId": "neighborhood",
        "validFrom": "valid_from",
        "validTo": "valid_to",
    }

    user = forms.ChoiceField(label=_("Person"))
    governorate = forms.ChoiceField(label=_("Governorate"))
    district = forms.ChoiceField(label=_("District"), required=False)
    sub_district = forms.ChoiceField(label=_("Sub-district"), required=False)
    neighborhood = forms.ChoiceField(label=_("Neighbourhood"), required=False)
    valid_from = DayField(label=_("From"), required=False, help_text=_("Empty: from now on."))
    valid_to = DayField(label=_("Until"), required=False, help_text=_("The last day; empty: without an end."))

    def __init__(
        self,
        data: Any = None,
        *,
        organization: Organization,
        chosen: dict[str, Any] | None = None,
        row: GeoAssignment | None = None,
    ) -> None:
        self.zone, self.row = clock.zone(organization.time_zone), row
        super().__init__(data, initial=(_held(row, self.zone) if row else {}) | (chosen or {}))
        if row:
            del self.fields["user"]
        else:
            people = [(str(user.pk), f"{user.name} ({user.role})") for user in selectors.surveyors()]
            self._choices("user", [("", _("Choose a person")), *people])
        above: UUID | None = None
        for place, level in enumerate(LEVELS):
            rows: list[GeoUnit] = []
            if not place or above:
                rows = list(selectors.unit_list(level=level, parent=above).order_by("name_en", "code"))
            whole = _("Choose a governorate") if not place else capfirst(_("all of it"))
            self._choices(level, [("", whole), *((str(unit.pk), f"{unit.name} ({unit.code})") for unit in rows)])
            named = parse_uuid(str(self[level].value() or ""))
            above = named if named in {unit.pk for unit in rows} else None
            if place and not rows:
                self.fields[level].disabled = True

    def _choices(self, name: str, choices: list[tuple[str, Any]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def wire(self) -> dict[str, Any]:
        """What the service takes; days become midnights of the organisation's zone."""
        said = self.cleaned_data
        since, until = said.get("valid_from"), said.get("valid_to")
        found: dict[str, Any] = {
            wire: said[name] or None for wire, name in self.names.items() if name in (*LEVELS, "user") and name in said
        }
        found["validTo"] = self._midnight(until + timedelta(days=1)) if until else None
        if since and not (self.row and since == self.initial.get("valid_from")):
            found["validFrom"] = self._midnight(since)
        return found

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, datetime.min.time(), self.zone)


def _held(row: GeoAssignment, zone: Any) -> dict[str, Any]:
    last = row.valid_to and (row.valid_to - timedelta(microseconds=1)).astimezone(zone).date()
    units = {level: str(getattr(row, f"{level}_id") or "") for level in LEVELS}
    return units | {"valid_from": row.valid_from.astimezone(zone).date(), "valid_to": last}


class DatasetForm(ServiceForm):
    file = forms.FileField(
        label=_("File"),
        help_text=_("GeoJSON (also gzipped) or GeoPackage in WGS 84, with P-codes."),
        widget=forms.FileInput({"accept": ".geojson,.json,.gz,.gpkg"}),
    )
    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(AUTO))
    version = forms.CharField(label=_("Edition"), max_length=60, widget=forms.TextInput(LTR))
    credit = forms.CharField(
        label=_("Source and licence"), max_length=300, required=False, widget=forms.TextInput(AUTO)
    )


def people() -> list[tuple[str, str]]:
    """Choices of filters by person."""
    return [(str(user.pk), user.name) for user in selectors.surveyors()]
