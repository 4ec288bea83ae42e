"""What the global search finds in forms, what people sent, and the figures drawn from it."""

from django.utils.translation import gettext_lazy as _

from portal.collect.charts.selectors import view_list
from portal.collect.dashboards.selectors import dashboard_list
from portal.collect.forms.selectors import form_list
from portal.collect.submissions.pages.lists import with_names
from portal.collect.submissions.selectors import submission_list
from portal.core.accounts.models import User
from portal.ui.search import Hit, SearchKind, hits, register
from portal.ui.templatetags.marsad import localdatetime


def _forms(user: User, text: str, limit: int) -> list[Hit]:
    rows = form_list(user=user, search=text).select_related("project")
    return hits(rows, limit, "collect:form_detail", lambda row: (row.name, row.project.name))


def _submissions(user: User, text: str, limit: int) -> list[Hit]:
    rows = with_names(submission_list(user=user, search=text))
    return hits(
        rows,
        limit,
        "collect:submission_detail",
        lambda row: (row.form.name, row.submitted_by and row.submitted_by.name, localdatetime(row.created_at)),
    )


def _views(user: User, text: str, limit: int) -> list[Hit]:
    rows = view_list(user=user, search=text).select_related("form")
    return hits(rows, limit, "collect:view_detail", lambda row: (row.name, row.form.name))


def _dashboards(user: User, text: str, limit: int) -> list[Hit]:
    rows = dashboard_list(user=user, search=text).select_related("project")
    return hits(
        rows, limit, "collect:dashboard_detail", lambda row: (row.name, row.project.name if row.project else "")
    )


def fill() -> None:
    for order, (key, label, icon, permission, find) in enumerate(_KINDS, 30):
        url = f"collect:{key[:-1]}_list"
        register(
            SearchKind(key=key, label=label, icon=icon, permission=permission, find=find, list_url=url, order=order)
        )


_KINDS = (
    ("forms", _("Forms"), "forms", "forms.view", _forms),
    ("submissions", _("Submissions"), "clipboard-list", "submissions.view", _submissions),
    ("views", _("Chart views"), "chart-bar", "views.view", _views),
    ("dashboards", _("Dashboards"), "layout-dashboard", "views.view", _dashboards),
)
