"""Pages of the platform's figures and health (003 `/admin/dashboard/stats`, `/admin/health`)."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from portal.core.accounts.permissions import BUILTIN_ROLES
from portal.core.accounts.policy import platform_policy
from portal.core.accounts.selectors.platform import platform_stats
from portal.core.common import health
from portal.desk.people.lists import badge
from portal.ui.templatetags.marsad import ltr

# Words for the names that probes use on the wire; a part or a fact without one is shown by its name.
PARTS: Final[dict[str, str | Promise]] = {
    "database": gettext_lazy("Database"),
    "backgroundJobs": gettext_lazy("Background jobs"),
    "performance": gettext_lazy("This server"),
    "storage": gettext_lazy("Storage"),
    "mail": gettext_lazy("Mail"),
    "auditSealer": gettext_lazy("Audit sealer"),
}
FACTS: Final[dict[str, str | Promise]] = {
    "canConnect": gettext_lazy("Connection"),
    "provider": gettext_lazy("Provider"),
    "pendingMigrations": gettext_lazy("Pending migrations"),
    "appliedMigrations": gettext_lazy("Applied migrations"),
    "lastMigration": gettext_lazy("Last migration"),
    "hangfireEnabled": gettext_lazy("Somebody works"),
    "workers": gettext_lazy("Workers"),
    "activeJobs": gettext_lazy("Running jobs"),
    "scheduledJobs": gettext_lazy("Waiting jobs"),
    "failedJobs": gettext_lazy("Failed jobs"),
    "queueAgeSeconds": gettext_lazy("Oldest due job, seconds"),
    "databaseResponseTimeMs": gettext_lazy("Answer of the database, milliseconds"),
    "serverUptimeFormatted": gettext_lazy("Running for (days.hours:minutes:seconds)"),
    "memoryUsageMB": gettext_lazy("Memory, MB"),
    "freeMB": gettext_lazy("Free space, MB"),
    "usedPercent": gettext_lazy("Used, percent"),
    "writable": gettext_lazy("Writable"),
    "backend": gettext_lazy("Way out"),
    "reachable": gettext_lazy("Reachable"),
    "unsealedEntries": gettext_lazy("Entries without a seal"),
    "lagSeconds": gettext_lazy("The oldest waits, seconds"),
}
_STATES: Final[dict[str, tuple[str, str, str | Promise]]] = {
    "Healthy": ("green", "circle-check", gettext_lazy("Healthy")),
    "Degraded": ("yellow", "alert-triangle", gettext_lazy("Degraded")),
    "Unhealthy": ("red", "circle-x", gettext_lazy("Unhealthy")),
}


@require_GET
@platform_policy("platform.view")
def stats(request: HttpRequest) -> HttpResponse:
    figures = platform_stats()
    names = {key[0].lower() + key[1:]: name for key, name in BUILTIN_ROLES.items()}
    roles = [(names.get(key, _("Own roles")), count) for key, count in figures["users"]["byRole"].items() if count]
    return reloading(request, "desk/platform/stats.html", {"figures": figures, "roles": roles})


@require_GET
@platform_policy("platform.view")
def system_health(request: HttpRequest) -> HttpResponse:
    report = health.report()
    parts = [
        (
            PARTS.get(name, name),
            state_badge(facts["status"]) if "status" in facts else "",
            [(FACTS.get(fact, fact), _shown(value)) for fact, value in facts.items() if fact != "status"],
        )
        for name, facts in report.items()
        if isinstance(facts, dict)
    ]
    context = {"state": state_badge(report["status"]), "at": report["timestamp"], "parts": parts}
    return reloading(request, "desk/platform/health.html", context)


def reloading(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The page, or for its own reload the part that changes."""
    fragment = bool(request.htmx) and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    response = render(request, f"{template}#figures" if fragment else template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def state_badge(state: str) -> SafeString:
    colour, picture, word = _STATES[state]
    return badge(colour, picture, word)


def _shown(value: object) -> SafeString | str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return ltr(value)
