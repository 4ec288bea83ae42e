"""What the global search finds of surveys."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.survey.pages.selectors import application_list, session_list
from portal.ui.search import Hit, SearchKind, hits, register


def _applications(user: User, text: str, limit: int) -> list[Hit]:
    rows = application_list(user=user, search=text)
    return hits(
        rows,
        limit,
        "survey:application_detail",
        lambda row: (row.application_number, row.applicant_name, row.plot_number),
    )


def _sessions(user: User, text: str, limit: int) -> list[Hit]:
    rows = session_list(user=user, search=text)
    return hits(
        rows,
        limit,
        "survey:session_detail",
        lambda row: (row.session_number, row.application.applicant_name, row.get_status_display()),
    )


def fill() -> None:
    for order, (key, label, icon, permission, find, url) in enumerate(_KINDS, 25):
        register(
            SearchKind(key=key, label=label, icon=icon, permission=permission, find=find, list_url=url, order=order)
        )


_KINDS = (
    (
        "applications",
        _("Applications"),
        "clipboard-list",
        "applications.view",
        _applications,
        "survey:application_list",
    ),
    ("sessions", _("Survey sessions"), "ruler-measure", "sessions.view", _sessions, "survey:session_list"),
)
