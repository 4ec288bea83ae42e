"""Trends of a parameter at sampling points: chart, table, statement, exports."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import policy
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.text import harmless
from portal.core.common.workbook import Cell, write_sheet
from portal.lab import selectors as lab
from portal.lab.choices import Compliance
from portal.lab.models import Parameter, SamplingPoint
from portal.lab.pages.lists import standards
from portal.lab.pages.rule_forms import DayField
from portal.lab.pages.samples import XLSX
from portal.lab.points.selectors import today
from portal.lab.points.views import download
from portal.lab.reports.wording import plain
from portal.lab.trends import selectors
from portal.lab.trends.selectors import MOST_POINTS, Line, Series

OFFERED = 500  # points in the choice; others are added by their code
TABLE_ROWS = 500
PERIODS: tuple[tuple[str, int, str | Promise], ...] = (
    ("90", 90, gettext_lazy("3 months")),
    ("365", 365, gettext_lazy("1 year")),
    ("1096", 1096, gettext_lazy("3 years")),
    ("0", 0, gettext_lazy("all")),
)
DIRECTIONS: dict[str, tuple[str, str | Promise]] = {
    "rising": ("trending-up", gettext_lazy("rises")),
    "falling": ("trending-down", gettext_lazy("falls")),
    "none": ("arrow-right", gettext_lazy("no trend that chance would not explain")),
    "too_few": ("help-circle", gettext_lazy("too few values for a statement")),
}


class TrendForm(forms.Form):
    """All of it stands in the address."""

    point: "forms.ModelMultipleChoiceField[SamplingPoint]" = forms.ModelMultipleChoiceField(
        None, label=gettext_lazy("Sampling points"), required=False, widget=forms.SelectMultiple({"data-search": ""})
    )
    code = forms.CharField(
        label=gettext_lazy("Add a point by its code"), required=False, max_length=40,
        widget=forms.TextInput({"dir": "ltr", "autocomplete": "off"}),
    )  # fmt: skip
    parameter: "forms.ModelChoiceField[Parameter]" = forms.ModelChoiceField(
        None, label=gettext_lazy("Parameter"), required=False, empty_label=gettext_lazy("Choose a parameter"),
        widget=forms.Select({"data-search": ""}),
    )  # fmt: skip
    date_from = DayField(label=gettext_lazy("Taken from"), required=False)
    date_to = DayField(label=gettext_lazy("Taken until"), required=False)
    standard = forms.MultipleChoiceField(
        label=gettext_lazy("Limits of"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: every standard in use."),
    )  # fmt: skip

    def __init__(self, data: Any) -> None:
        data = data.copy()
        if days := next((days for key, days, _word in PERIODS if days and data.get("days") == key), 0):
            data["date_from"], data["date_to"] = (today() - timedelta(days=days)).isoformat(), ""
        if code := data.get("code", "").strip():
            found = SamplingPoint.objects.filter(code=code).values_list("pk", flat=True).first()
            if found is not None and str(found) not in data.getlist("point"):
                data.appendlist("point", str(found))
                data["code"] = ""
        super().__init__(data)
        self.fields["point"].queryset = SamplingPoint.objects.all()  # type: ignore[attr-defined]
        chosen = [key for key in data.getlist("point") if key]
        self.fields["parameter"].queryset = lab.parameter_list()  # type: ignore[attr-defined]
        self.fields["standard"].choices = standards()  # type: ignore[attr-defined]
        self.offered = list(SamplingPoint.objects.filter(is_active=True).order_by("name", "pk")[:OFFERED])
        self.chosen = chosen

    def clean_code(self) -> str:
        if code := self.cleaned_data["code"].strip():
            raise forms.ValidationError(_("There is no sampling point with the code %(code)s."), params={"code": code})
        return ""

    def clean_point(self) -> list[SamplingPoint]:
        rows = list(self.cleaned_data["point"])
        if len(rows) > MOST_POINTS:
            raise forms.ValidationError(_("At most %(count)d sampling points."), params={"count": MOST_POINTS})
        return sorted(rows, key=lambda row: self.chosen.index(str(row.pk)))

    def narrow(self) -> None:
        """Offer the chosen points and the first ones by name, not thousands."""
        rows = {str(row.pk): row for row in (*(self.cleaned_data.get("point") or ()), *self.offered)}
        self.fields["point"].choices = [  # type: ignore[attr-defined]
            (key, f"{row.name} \N{MIDDLE DOT} {row.code}") for key, row in rows.items()
        ]


@dataclass(frozen=True, slots=True)
class Asked:
    form: TrendForm
    parameter: Parameter | None
    series: list[Series]
    lines: list[Line]
    since: datetime | None
    until: datetime | None


def _asked(request: HttpRequest) -> Asked:
    form = TrendForm(request.GET)
    form.is_valid()
    chosen = form.cleaned_data
    points, parameter = chosen.get("point") or [], chosen.get("parameter")
    form.narrow()
    since, until = selectors.period(chosen.get("date_from"), chosen.get("date_to"))
    if not points or parameter is None:
        return Asked(form, parameter, [], [], since, until)
    series = selectors.series_list(points=[row.pk for row in points], parameter=parameter, since=since, until=until)
    moments = [value.at for one in series for value in one.values]
    lines: list[Line] = []
    if moments:
        lines = selectors.limit_lines(
            parameter=parameter,
            type=points[0].type,
            first=since or min(moments),
            last=min(until or clock.now(), max(*moments, clock.now()) if until is None else until),
            standards=chosen.get("standard") or (),
        )
    return Asked(form, parameter, series, lines, since, until)


@require_GET
@policy("samples.view")
def trend_page(request: HttpRequest) -> HttpResponse:
    asked = _asked(request)
    query = request.GET.copy()
    for name in ("days", "code"):
        query.pop(name, None)
    if asked.form.cleaned_data.get("point"):
        query.setlist("point", [str(row.pk) for row in asked.form.cleaned_data["point"]])
    free = query.copy()
    for name in ("date_from", "date_to"):
        free.pop(name, None)
    context = {
        "form": asked.form,
        "parameter": asked.parameter,
        "series": [_told(one, asked.parameter) for one in asked.series],
        "lines": asked.lines,
        "chart": _chart(asked) if asked.series else None,
        "periods": [(key, word, f"{free.urlencode()}&days={key}") for key, _days, word in PERIODS],
        "query": query.urlencode(),
        "table_rows": TABLE_ROWS,
    }
    template = "lab/trends/page.html#trend" if request.htmx else "lab/trends/page.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _told(one: Series, parameter: Parameter | None) -> dict[str, Any]:
    """A series in words and rows, the latest first."""
    assert parameter is not None
    icon, word = DIRECTIONS[one.trend.direction]
    slope = one.trend.slope
    return {
        "point": one.point,
        "trend": one.trend,
        "icon": icon,
        "word": word,
        "p": f"{one.trend.p:.3f}" if one.trend.p >= 0.001 else "< 0.001",
        "slope": f"{_short(slope, sign=True)} {parameter.unit}" if slope is not None else "",
        "summary": one.summary,
        "facts": [
            (label, f"{_short(value)} {parameter.unit}")
            for label, value in (
                (_("Lowest"), one.summary.lowest),
                (_("Median"), one.summary.median),
                (_("Highest"), one.summary.highest),
            )
            if value is not None
        ],
        "wordy": one.wordy,
        "rows": one.values[::-1][:TABLE_ROWS],
        "left": max(0, len(one.values) - TABLE_ROWS),
    }


def _short(number: float | None, *, sign: bool = False) -> str:
    if number is None:
        return ""
    text = plain(float(f"{number:.4g}"))
    return f"+{text}" if sign and number > 0 else text


def _chart(asked: Asked) -> dict[str, Any]:
    """What the script draws: moments in milliseconds, numbers in the parameter's unit."""
    assert asked.parameter is not None
    moments = [value.at for one in asked.series for value in one.values]
    first = asked.since or min(moments, default=clock.now())
    last = max(moments, default=clock.now()) if asked.until is None else asked.until
    zone = timezone.get_current_timezone()
    return {
        "unit": asked.parameter.unit,
        "first": _ms(first),
        "last": _ms(max(last, first + timedelta(days=1))),
        "zone": str(zone),
        "series": [
            {
                "name": one.point.name,
                "points": [
                    {
                        "x": _ms(value.at),
                        "y": value.number,
                        "c": value.censored,
                        "t": f"{value.text} {value.unit}",
                        "s": value.code,
                        "v": value.status,
                    }
                    for value in one.values
                    if value.number is not None
                ],
            }
            for one in asked.series
        ],
        "lines": [
            {
                "name": f"{line.standard}{' *' if line.provisional else ''}",
                "role": line.role,
                "steps": [[_ms(at), lower, upper] for at, lower, upper in line.steps],
            }
            for line in asked.lines
        ],
    }


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


_HEAD: tuple[tuple[str, str | Promise], ...] = (
    ("pointCode", gettext_lazy("Sampling point")),
    ("pointName", gettext_lazy("Name")),
    ("sampleCode", gettext_lazy("Sample")),
    ("collectionDate", gettext_lazy("Taken")),
    ("parameterCode", gettext_lazy("Parameter")),
    ("valueText", gettext_lazy("Value")),
    ("unit", gettext_lazy("Unit")),
    ("censored", gettext_lazy("Censored")),
    ("number", gettext_lazy("Number or bound, in the parameter's unit")),
    ("parameterUnit", gettext_lazy("Unit of the parameter")),
    ("complianceStatus", gettext_lazy("Compliance")),
)


def _rows(asked: Asked) -> Iterator[tuple[Series, selectors.Measured]]:
    for one in asked.series:
        for value in one.values:
            yield one, value


def _noted(asked: Asked, kind: str) -> None:
    about = {"format": kind, "parameter": asked.parameter.code if asked.parameter else ""}
    about["points"] = ", ".join(one.point.code for one in asked.series)
    record(Event(Action.EXPORT, "result", "", about, label=f"trends.{kind}"))


@require_GET
@policy("samples.export")
def trend_csv(request: HttpRequest) -> HttpResponse:
    """The series under wire names; UTF-8 with a byte order mark. A censored value has its bound and its sign."""
    asked = _asked(request)
    _noted(asked, "csv")
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow([name for name, _label in _HEAD])
    code, unit = (asked.parameter.code, asked.parameter.unit) if asked.parameter else ("", "")
    for one, value in _rows(asked):
        number = "" if value.number is None else plain(value.number)
        cells = (
            one.point.code, one.point.name, value.code, clock.wire(value.at), code, value.text, value.unit,
            value.censored, number, unit, value.status,
        )  # fmt: skip
        writer.writerow([harmless(cell) for cell in cells])
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8", headers=download("trends.csv"))


@require_GET
@policy("samples.export")
def trend_xlsx(request: HttpRequest) -> HttpResponse:
    asked = _asked(request)
    _noted(asked, "xlsx")
    code, unit = (asked.parameter.code, asked.parameter.unit) if asked.parameter else ("", "")
    words = {key: str(label) for key, label in Compliance.choices}

    def rows() -> Iterator[list[Cell]]:
        for one, value in _rows(asked):
            taken = timezone.localtime(value.at).strftime("%Y-%m-%d %H:%M")
            yield [
                one.point.code, one.point.name, value.code, taken, code, value.text, value.unit, value.censored,
                value.number, unit, words[value.status],
            ]  # fmt: skip

    file = io.BytesIO()
    write_sheet(
        file,
        title=_("Trends"),
        head=[str(label) for _name, label in _HEAD],
        rows=rows(),
        widths=(14, 30, 18, 17, 14, 12, 14, 10, 18, 14, 14),
        right_to_left=translation.get_language_bidi(),
    )
    return HttpResponse(file.getvalue(), content_type=XLSX, headers=download("trends.xlsx"))
