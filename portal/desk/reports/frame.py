"""What all pages of one report share: its head and its tabs."""

from typing import Any, Final

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.desk.reports import selectors, sources
from portal.desk.reports.builtin import description_of, name_of
from portal.desk.reports.models import CustomReport
from portal.ui.people import may, person

TABS: Final[tuple[tuple[str, Promise, str, str], ...]] = (
    ("report", _("Report"), "report", "custom_reports:detail"),
    ("runs", _("Runs"), "history", "custom_reports:report_runs"),
    ("schedules", _("Schedules"), "clock", "custom_reports:schedules"),
    ("versions", _("Versions"), "git-compare", "custom_reports:versions"),
)


def frame(request: HttpRequest, report: CustomReport, tab: str) -> dict[str, Any]:
    user = person(request)
    return {
        "report": report,
        "name": name_of(report),
        "description": description_of(report),
        "source": sources.every()[report.source],
        "tab": tab,
        "tabs": TABS,
        "may_change": selectors.may_change(user, report),
        "may_schedule": selectors.may_schedule(user, report),
        "may_copy": may(request, "custom_reports.edit"),
    }
