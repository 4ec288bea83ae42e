"""What a compliance report is drawn from (FR-051; `contract-lab-sync.md` section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.core.common.clock import day_start, parse_date, parse_moment
from portal.core.common.errors import Errors
from portal.lab.choices import Compliance, SampleType
from portal.lab.models import Sample, Standard
from portal.lab.selectors import sample_list

LANGUAGES = ("ar", "fr", "en")
MAX_TITLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Validated filters. `since` and `until` are both inclusive; the texts are kept as the client wrote them."""

    date_from: str = ""
    date_to: str = ""
    since: datetime | None = None
    until: datetime | None = None
    type: str = ""
    location: str = ""
    compliance: tuple[str, ...] = ()
    standards: tuple[str, ...] = ()

    def wire(self) -> dict[str, Any]:
        """The filters that are set, under their wire names."""
        values = {
            "dateFrom": self.date_from,
            "dateTo": self.date_to,
            "type": self.type,
            "location": self.location,
            "complianceStatus": list(self.compliance),
            "standards": list(self.standards),
        }
        return {name: value for name, value in values.items() if value}


def read_filters(data: Mapping[str, Any], *, time_zone: str) -> Filters:
    """Check a client's filters; a bare date means the whole day in `time_zone`.

    `complianceStatus` and `standards` are one text or a list. Raises Invalid with one entry per field at fault.
    """
    errors = Errors()
    date_from, since = _moment(data, "dateFrom", time_zone, errors, last=False)
    date_to, until = _moment(data, "dateTo", time_zone, errors, last=True)
    if since and until and since > until:
        errors.add("dateTo", _("The end lies before the beginning."), "order")
    kind = _text(data, "type", errors)
    if kind and kind not in SampleType.values:
        errors.add("type", _unknown(kind), "unknown")
    location = _text(data, "location", errors)
    compliance = _several(data, "complianceStatus", frozenset(Compliance.values), errors)
    keys = frozenset(Standard.objects.values_list("key", flat=True)) if data.get("standards") else frozenset()
    standards = _several(data, "standards", keys, errors)
    errors.raise_any()
    return Filters(
        date_from=date_from,
        date_to=date_to,
        since=since,
        until=until,
        type=kind,
        location=location,
        compliance=compliance,
        standards=standards,
    )


def matching_samples(filters: Filters) -> QuerySet[Sample]:
    """The living samples of the organisation in force that a report with these filters is about."""
    return sample_list(
        date_from=filters.since,
        date_to=filters.until,
        types=[filters.type] if filters.type else (),
        location=filters.location,
        compliance=filters.compliance,
    )


def _unknown(value: object) -> str:
    return _("%(value)s is not known.") % {"value": str(value)[:60]}


def _text(data: Mapping[str, Any], name: str, errors: Errors) -> str:
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value or len(value) > 300:
        errors.add(name, _("A text of at most 300 characters is expected."), "type")
        return ""
    return value.strip()


def _several(data: Mapping[str, Any], name: str, known: frozenset[str], errors: Errors) -> tuple[str, ...]:
    value = data.get(name)
    values = [value] if isinstance(value, str) else value
    if not values:
        return ()
    if not isinstance(values, list | tuple):
        errors.add(name, _("A text or a list of texts is expected."), "type")
        return ()
    wrong = (
        [item for item in values if item and item not in known] if all(isinstance(v, str) for v in values) else values
    )
    if wrong:
        errors.add(name, _unknown(wrong[0]), "unknown")
    return tuple(dict.fromkeys(str(item) for item in values if item))


def _moment(
    data: Mapping[str, Any], name: str, time_zone: str, errors: Errors, *, last: bool
) -> tuple[str, datetime | None]:
    text = _text(data, name, errors)
    if not text:
        return "", None
    day = parse_date(text)
    try:
        if day is None:
            moment = parse_moment(text)
        elif last:
            moment = datetime.combine(day, time.max, ZoneInfo(time_zone))
            moment.timestamp()  # refuses what has no place in UTC
        else:
            moment = day_start(day, time_zone)
    except (OverflowError, ValueError):
        moment = None
    if moment is None:
        errors.add(name, _("A date such as 2026-11-20 is expected."), "date")
    return text, moment
