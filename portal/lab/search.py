"""What the global search finds in the laboratory."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.lab import selectors
from portal.lab.certificates.selectors import certificate_list, certificate_search
from portal.lab.points.selectors import point_list
from portal.lab.reports.selectors import report_list, report_search
from portal.lab.worksheets.selectors import worksheet_list
from portal.ui.search import Hit, SearchKind, hits, register
from portal.ui.templatetags.marsad import localdate


def _samples(user: User, text: str, limit: int) -> list[Hit]:
    rows = selectors.sample_list(search=text).only("code", "location", "collection_date")
    return hits(rows, limit, "lab:sample_detail", lambda row: (row.code, row.location, localdate(row.collection_date)))


def _points(user: User, text: str, limit: int) -> list[Hit]:
    return hits(point_list(search=text), limit, "lab:point_detail", lambda row: (row.name, row.code, row.city))


def _worksheets(user: User, text: str, limit: int) -> list[Hit]:
    rows = worksheet_list(search=text)
    return hits(rows, limit, "lab:worksheet_detail", lambda row: (row.number, row.method, row.get_status_display()))


def _reports(user: User, text: str, limit: int) -> list[Hit]:
    rows = report_search(report_list(), text)
    return hits(rows, limit, "reports:detail", lambda row: (row.number, row.title, localdate(row.generated_at)))


def _certificates(user: User, text: str, limit: int) -> list[Hit]:
    rows = certificate_search(certificate_list(), text)
    return hits(rows, limit, "lab:certificate_detail", lambda row: (row.number, row.sample.code, row.customer))


def fill() -> None:
    for order, (key, label, icon, permission, find, url) in enumerate(_KINDS, 10):
        register(
            SearchKind(key=key, label=label, icon=icon, permission=permission, find=find, list_url=url, order=order)
        )


_KINDS = (
    ("samples", _("Samples"), "flask", "samples.view", _samples, "lab:sample_list"),
    ("points", _("Sampling points"), "map-pin", "samples.view", _points, "lab:point_list"),
    ("worksheets", _("Worksheets"), "table", "samples.view", _worksheets, "lab:worksheet_list"),
    ("reports", _("Compliance reports"), "report-analytics", "reports.view", _reports, "reports:list"),
    ("certificates", _("Certificates"), "rubber-stamp", "certificates.view", _certificates, "lab:certificate_list"),
)
