"""The platform's traffic (Monitoring of 004 and 002): how much is asked, how fast it is answered, what goes wrong."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import platform_policy
from portal.core.audit.security import TYPES
from portal.core.monitoring import figures
from portal.core.monitoring.counters import BOUNDS
from portal.core.monitoring.figures import Share, Step, Traffic
from portal.desk.platform.figures import reloading

PERIODS: Final[dict[str, str | Promise]] = {
    "hour": gettext_lazy("Last hour"),
    "day": gettext_lazy("Last day"),
    "week": gettext_lazy("Last week"),
}
SURFACES: Final[dict[str, str | Promise]] = {
    "": gettext_lazy("All surfaces"),
    "portal": gettext_lazy("Portal"),
    "v1": gettext_lazy("API"),
    "mobile": gettext_lazy("Mobile API"),
    "machine": gettext_lazy("Machines"),
}
OUTCOMES: Final[dict[str, str | Promise]] = {
    "created": pgettext_lazy("records", "created"),
    "updated": pgettext_lazy("records", "updated"),
    "deleted": pgettext_lazy("records", "deleted"),
    "unchanged": pgettext_lazy("records", "unchanged"),
    "skipped": pgettext_lazy("records", "repeated"),
    "conflicts": pgettext_lazy("records", "in conflict"),
    "errors": pgettext_lazy("records", "refused"),
    "pulled": pgettext_lazy("records", "fetched"),
}
SORTS: Final = {
    "count": lambda one: -one.count,
    "p50": lambda one: -one.p50,
    "p95": lambda one: -one.p95,
    "failed": lambda one: (-one.failed, -one.refused),
}
SHOWN: Final = 50


@require_GET
@platform_policy("platform.view")
def metrics(request: HttpRequest) -> HttpResponse:
    """Over a period, of one surface or of all that people use; anew every minute."""
    period = _one_of(request, "period", PERIODS, "hour")
    surface = _one_of(request, "surface", SURFACES, "")
    sort = _one_of(request, "sort", SORTS, "count")
    traffic = figures.traffic(period=period, surface=surface)
    context = {
        "period": period,
        "surface": surface,
        "sort": sort,
        "periods": PERIODS.items(),
        "surfaces": SURFACES.items(),
        "traffic": traffic,
        "endpoints": [(SURFACES[one.surface], one) for one in sorted(traffic.endpoints, key=SORTS[sort])[:SHOWN]],
        "p50": _duration(traffic.p50),
        "p95": _duration(traffic.p95),
        "failed": _percent(Share(traffic.failed, traffic.requests)),
        "logins": _percent(traffic.logins),
        "sync": _percent(traffic.sync),
        "uploads": _percent(traffic.uploads),
        "denials": sum(count for _labels, count in traffic.counts["geo_denials"]),
        "devices": sum(count for _labels, count in traffic.counts["devices"]),
        "charts": _charts(traffic.steps, period),
        "lists": _lists(traffic),
    }
    return reloading(request, "desk/platform/metrics.html", context)


def _one_of(request: HttpRequest, name: str, known: Any, usual: str) -> str:
    said = request.GET.get(name, usual)
    return said if said in known else usual


def _percent(share: Share) -> str:
    return "–" if share.percent is None else f"{share.percent:g} %"


def _duration(ms: float) -> str:
    """In the unit in which people say it; what lies in the last bucket has no upper bound."""
    if ms >= BOUNDS[-1]:
        return f"> {BOUNDS[-1] // 1000} s"
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


def _charts(steps: list[Step], period: str) -> list[dict[str, Any]]:
    """Charts as `charts.js` draws them, each with the same figures as lines of a table."""
    form = "%d.%m. %H:%M" if period == "week" else "%H:%M"
    labels = [timezone.localtime(step.start).strftime(form) for step in steps]

    def chart(key: str, name: str, kind: str, series: list[tuple[str, list[float | None]]]) -> dict[str, Any]:
        values = [one for _name, one in series]
        return {
            "key": key,
            "name": name,
            "script": {
                "kind": kind,
                "timed": True,
                "labels": labels,
                "series": [{"name": title, "values": one} for title, one in series],
            },
            "heads": [title for title, _values in series],
            # the latest first, and no line for a step in which nothing happened
            "lines": [
                (label, ["–" if value is None else f"{value:g}" for value in row])
                for label, row in reversed(list(zip(labels, zip(*values, strict=True), strict=True)))
                if any(row)
            ],
        }

    def of(name: str) -> list[float | None]:
        return [step.counts.get(name, 0) for step in steps]

    return [
        chart(
            "requests",
            _("Requests per minute"),
            "line",
            [
                (_("All"), [round(step.requests / step.minutes, 2) for step in steps]),
                (_("Failed"), [round(step.failed / step.minutes, 2) for step in steps]),
            ],
        ),
        chart(
            "times",
            _("Time to answer, milliseconds"),
            "line",
            [
                (_("Median"), [step.p50 for step in steps]),
                (_("95th percentile"), [step.p95 for step in steps]),
            ],
        ),
        chart(
            "sign-ins",
            _("Sign-ins"),
            "stackedBar",
            [(_("Succeeded"), of("logins")), (_("Refused"), of("refused_logins"))],
        ),
        chart(
            "devices",
            _("Devices and places"),
            "bar",
            [(_("Devices registered"), of("devices")), (_("Refused for the place"), of("geo_denials"))],
        ),
    ]


def _lists(traffic: Traffic) -> list[tuple[str, list[tuple[str, int]], bool]]:
    """Title, lines, and whether their names are codes."""
    counts = traffic.counts
    return [
        (_("Errors by code"), traffic.errors, True),
        (_("Sign-ins by outcome"), _by(counts["logins"], 1), True),
        (_("Uploads by outcome"), _by(counts["uploads"], 1), True),
        (
            _("Synchronised records"),
            [(str(OUTCOMES.get(name, name)), count) for name, count in _by(counts["sync_items"], 1)],
            False,
        ),
        (_("Refused for the place, by rule"), _by(counts["geo_denials"], 0), True),
        (
            _("Security events"),
            [(str(TYPES.get(name, name)), count) for name, count in _by(counts["security_events"], 0)],
            False,
        ),
        (
            _("Deliveries"),
            sorted(
                ((f"{channel} · {state}", count) for (channel, state), count in counts["deliveries"]),
                key=lambda line: -line[1],
            ),
            True,
        ),
    ]


def _by(rows: list[tuple[tuple[str, ...], int]], place: int) -> list[tuple[str, int]]:
    sums: dict[str, int] = {}
    for labels, count in rows:
        sums[labels[place]] = sums.get(labels[place], 0) + count
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))
