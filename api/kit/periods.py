"""`dateFrom` and `dateTo`: inclusive dates in the organisation's zone, or moments."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.common.errors import Errors


class Period(NamedTuple):
    since: datetime | None
    until: datetime | None  # exclusive


def period(request: HttpRequest, date_from: str, date_to: str) -> Period:
    """Raises VALIDATION_ERROR naming `dateFrom` or `dateTo`."""
    organization = getattr(request, "organization", None)
    zone, errors = organization.time_zone if organization else "UTC", Errors()

    def moment(text: str, name: str, *, last: bool) -> datetime | None:
        if not text:
            return None
        if day := clock.parse_date(text):
            try:
                return clock.day_start(day + timedelta(days=1) if last else day, zone)
            except OverflowError:
                errors.add(name, _("Enter a date like 2026-11-20."))
                return None
        if (exact := clock.parse_moment(text)) is None:
            errors.add(name, _("Enter a date like 2026-11-20."))
            return None
        return exact + timedelta(microseconds=1) if last else exact

    found = Period(moment(date_from, "date_from", last=False), moment(date_to, "date_to", last=True))
    errors.raise_any()
    return found
