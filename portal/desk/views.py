"""Home: what each role looks at first, and where the next step is."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import signed_in
from portal.core.audit.selectors import entry_list
from portal.core.projects.selectors import my_tasks
from portal.desk import selectors
from portal.lab.reports.charts import stacked
from portal.ui.people import may, person
from portal.ui.trail import tell

RECENT = 8
MINE = 6


@require_GET
@signed_in
def home(request: HttpRequest) -> HttpResponse:
    user = person(request)
    context: dict[str, Any] = {"first_name": user.name.split()[0] if user.name.strip() else ""}
    if user.organization_id is None:
        context["organizations"] = selectors.organizations()
    else:
        context |= _laboratory(request) | _audit(request)
        if user.has_permission("tasks.work"):
            context["mine"] = my_tasks(user)[:MINE]
    fragment = bool(request.htmx) and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    response = render(request, "desk/home.html#figures" if fragment else "desk/home.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _laboratory(request: HttpRequest) -> dict[str, Any]:
    if not may(request, "samples.view"):
        return {}
    figures = selectors.lab_figures()
    found: dict[str, Any] = {
        "lab": figures,
        "bar": stacked(figures.bar, mirrored=translation.get_language_bidi()),
        "share": "" if figures.share is None else f"{figures.share:.1f} %",
        "may_create": may(request, "samples.edit"),
        "may_issue": may(request, "reports.create"),
    }
    if figures.ever:
        found["exceedances"] = selectors.latest_exceedances()
        found["changes"] = selectors.latest_changes()
        if may(request, "results.edit"):
            found["waiting"] = selectors.waiting_samples()
    if may(request, "devices.view"):
        found |= {"devices": selectors.devices(), "conflicts": selectors.open_conflicts()}
    return found


def _audit(request: HttpRequest) -> dict[str, Any]:
    if not may(request, "audit.view"):
        return {}
    found: dict[str, Any] = {"recent": tell(entry_list()[:RECENT])}
    if not may(request, "samples.edit"):  # an auditor's first figures; an administrator finds them on the audit page
        found["audit"] = selectors.audit_figures()
    return found
