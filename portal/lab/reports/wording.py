"""A frozen report in one language: the same figures, other words. Page, PDF, JSON and exports read it from here."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.core.common.clock import wire
from portal.core.common.frozen import verify_address
from portal.lab.certificates.models import Certificate
from portal.lab.choices import Compliance, SampleType, StandardRole
from portal.lab.models import ComplianceReport
from portal.lab.reports.charts import legend, reach, site_map, stacked, trend

EXCLUSIONS: dict[str, str | Promise] = {
    "REJECTED": _("The result was rejected."),
    "REPLACED": _("A repeated analysis replaced the result."),
}
DECISION_RULES: dict[str, str | Promise] = {
    "simple_acceptance": _(
        "Simple acceptance: the measured value is compared with the limit as it is; the measurement uncertainty does"
        " not enter the decision."
    ),
    "guard_band": _("Guard band: a result whose interval of expanded uncertainty contains the limit is indeterminate."),
    "ilac_g8": _(
        "ILAC-G8, four outcomes: a result whose interval of expanded uncertainty contains the limit passes"
        " conditionally (warning) on the right side of the limit and is indeterminate on the other."
    ),
}
NOTES: list[str | Promise] = [
    _(
        "A sample's compliance follows the legal standards first. A breach of a guideline gives a warning; standards"
        " for information change nothing. A sample is as good as its worst result."
    ),
    _(
        "Warning: above the guidance value of the standard or, where it names none, close to a maximum that is still"
        " respected."
    ),
    _(
        "A value below the limit of quantification is compared by that limit: it conforms where the limit of"
        " quantification does not exceed the limit, else it is indeterminate. It never counts as zero."
    ),
    _(
        "The conforming share is that of the samples that conform or carry a warning among all samples that were"
        " decided; pending samples do not count."
    ),
    _("This report relates only to the items tested. It may be reproduced only in full."),
]
VERDICT_WORDS: dict[str, str | Promise] = {
    "PASS": _("Pass"),
    "WARNING": _("Warning"),
    "FAIL": _("Fail"),
    "INDETERMINATE": _("Indeterminate"),
    "INVESTIGATE": _("Investigate"),
    "NOT_EVALUATED": _("Not evaluated"),
}
_COUNTED: dict[str, str | Promise] = {
    "samples": _("Samples"),
    "results": _("Results"),
    "pass": _("Pass"),
    "warning": _("Warning"),
    "fail": _("Fail"),
    "pending": _("Pending"),
    "percentConforming": _("Conforming share"),
    "evaluated": _("Evaluated"),
    "indeterminate": _("Indeterminate"),
    "investigate": _("Investigate"),
    "notEvaluated": _("Not evaluated"),
    "provisional": _("Provisional"),
}
_ORDER = ("fail", "warning", "pass", "pending")
TOP = 10
MANY = 10**9


def plain(number: float | Decimal | None) -> str:
    """A number as a laboratory prints it: Latin digits, decimal point, no exponent, no thousands separator, no zeros
    that a column's scale adds."""
    if number is None:
        return ""
    value = number if isinstance(number, Decimal) else Decimal(repr(number))
    whole = value.to_integral_value()
    return f"{whole if whole == value else value.normalize():f}"


def short(number: float | None) -> str:
    """A converted number, to five significant digits."""
    return "" if number is None else f"{Decimal(f'{number:.5g}'):f}"


def percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} %"


def verify_url(report: ComplianceReport | Certificate) -> str:
    """The public page that confirms number and hash."""
    return verify_address(report.number, report.snapshot_hash)


def _status(site: dict[str, Any]) -> str:
    """The compliance of a site's worst sample."""
    return next((status for status in _ORDER[:3] if site[status]), "pending")


class Wording:
    """`report` as people read it in `language`; every property must be read while that language is active."""

    def __init__(self, report: ComplianceReport, language: str, *, listed: int = MANY) -> None:
        """At most `listed` sites, exceedances and excluded results are shown."""
        self.report = report
        self.listed = listed
        self.language = language
        self.figures: dict[str, Any] = report.content["figures"]
        self.names: dict[str, Any] = report.content["names"]
        self.zone = ZoneInfo(self.figures["timeZone"])
        self.rtl = language == "ar"
        self.verify_url = verify_url(report)

    @cached_property
    def title(self) -> str:
        return self.report.title or gettext("Compliance report")

    @property
    def summary(self) -> dict[str, Any]:
        return {**self.figures["summary"], "share": percent(self.figures["summary"]["percentConforming"])}

    @property
    def summary_bar(self) -> str:
        return stacked(self.figures["summary"], mirrored=self.rtl)

    @property
    def period(self) -> tuple[str, str]:
        """First and last day: those asked for, else those of the first and last sample."""
        wanted, held = self.figures["filters"], self.figures["period"]
        return self.day(wanted.get("dateFrom") or held["first"]), self.day(wanted.get("dateTo") or held["last"])

    @property
    def chosen(self) -> list[tuple[str, str, bool]]:
        """The filters beside the period as label, value, and whether people typed the value."""
        wanted = self.figures["filters"]
        rows = []
        if "type" in wanted:
            rows.append((gettext("Kind of water"), str(SampleType(wanted["type"]).label), False))
        if "location" in wanted:
            rows.append((gettext("Location contains"), wanted["location"], True))
        if "complianceStatus" in wanted:
            words = [str(Compliance(status).label) for status in wanted["complianceStatus"]]
            rows.append((gettext("Compliance"), " / ".join(words), False))
        if "standards" in wanted:
            rows.append((gettext("Standards"), " / ".join(wanted["standards"]), True))
        return rows

    @property
    def generated_at(self) -> str:
        return self.report.generated_at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    @property
    def standards(self) -> list[dict[str, Any]]:
        return [
            {
                **row,
                "reference": self._standard(row).get("reference") or row["standard"],
                "name": self._standard(row).get(self.language) or self._standard(row).get("en", ""),
                "roleName": StandardRole(row["role"]).label,
            }
            for row in self.figures["standards"]
        ]

    @property
    def provisional(self) -> bool:
        return any(row["provisional"] for row in self.figures["standards"])

    @property
    def months(self) -> list[dict[str, Any]]:
        return [{**row, "bar": stacked(row, mirrored=self.rtl)} for row in self.figures["months"]]

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """The parameters with the most exceedances, at most ten."""
        counts = Counter((row["parameterCode"], row["standard"]) for row in self.figures["exceedances"])
        totals: dict[str, dict[str, int]] = {}
        for (code, standard), count in counts.items():
            totals.setdefault(code, {})[standard] = count
        ordered = sorted(totals.items(), key=lambda item: (-max(item[1].values()), item[0]))[:TOP]
        longest = max((max(row.values()) for _code, row in ordered), default=0)
        return [
            {
                "code": code,
                "name": self.parameter_name(code),
                "counts": [(row["standard"], by.get(row["standard"], 0)) for row in self.figures["standards"]],
                "bar": stacked({"fail": max(by.values())}, total=longest, mirrored=self.rtl),
            }
            for code, by in ordered
        ]

    @cached_property
    def sites(self) -> list[dict[str, Any]]:
        """In alphabetical order under a number each; those with the most breaches where they are too many."""
        rows = list(enumerate(self.figures["sites"], 1))
        if len(rows) > self.listed:
            rows = sorted(sorted(rows, key=lambda row: -row[1]["exceedances"])[: self.listed])
        return [
            {
                **row,
                "place": place,
                "share": percent(row["percentConforming"]),
                "worst": row["worst"] and self._worst(row["worst"]),
            }
            for place, row in rows
        ]

    @property
    def has_planned(self) -> bool:
        return any(row["planned"] is not None for row in self.figures["sites"])

    @cached_property
    def map(self) -> dict[str, Any] | None:
        """The sites with coordinates: picture, kilometres of its scale bar, what its signs mean and how many there are.
        None without any."""
        shown = [
            {**row, "label": str(place), "status": _status(row)}
            for place, row in enumerate(self.figures["sites"], 1)
            if row.get("latitude") is not None and row.get("longitude") is not None
        ]
        if not shown:
            return None
        picture, kilometres = site_map(sorted(shown, key=lambda row: -row["exceedances"]))
        counts = Counter(row["status"] for row in shown)
        signs = [(legend(status), Compliance(status).label, counts[status]) for status in _ORDER if counts[status]]
        return {"image": picture, "kilometres": plain(kilometres), "signs": signs, "sites": len(shown)}

    @cached_property
    def trends(self) -> list[dict[str, Any]]:
        """The sites and parameters with the most breaches over time: picture, its edges and limits as texts."""
        return [self._trend(row) for row in self.figures.get("trends", ())]

    @cached_property
    def amendment(self) -> dict[str, Any] | None:
        """Which report this one replaces, why, and what changed."""
        held = self.report.content.get("amendment")
        if not held:
            return None
        lines = [{**row, "label": self._changed(row)} for row in held["lines"]]
        return {**held, "day": self.day(held["issuedAt"]), "lines": lines}

    def cut(self) -> list[tuple[str, int, int]]:
        """The tables that are not shown whole: heading, rows shown, rows in all."""
        tables = [
            (gettext("Sampling sites"), len(self.figures["sites"])),
            (gettext("Exceedances"), len(self._by_result)),
            (gettext("Excluded results"), len(self.figures["excluded"])),
        ]
        return [(heading, self.listed, count) for heading, count in tables if count > self.listed]

    @cached_property
    def _by_result(self) -> dict[str, list[dict[str, Any]]]:
        held: dict[str, list[dict[str, Any]]] = {}
        for entry in self.figures["exceedances"]:
            held.setdefault(entry["resultId"], []).append(entry)
        return held

    @cached_property
    def exceedances(self) -> list[dict[str, str]]:
        """One row per result: its value, in the limit's unit too where that is another, and every limit it exceeds,
        `MA 500 · WHO 80* µg/L`, an asterisk for a provisional one."""
        rows = []
        for entries in islice(self._by_result.values(), self.listed):
            first = entries[0]
            limits: dict[str, list[str]] = {}
            values = [f"{first['valueText']} {first['unit']}"]
            for entry in entries:
                unit = entry["limitUnit"] or entry["unit"]
                mark = "*" if entry["provisional"] else ""
                limits.setdefault(unit, []).append(f"{entry['standard']} {plain(entry['limit'])}{mark}")
                compared = f"= {short(entry['comparedValue'])} {unit}"
                if unit != first["unit"] and entry["comparedValue"] is not None and compared not in values:
                    values.append(compared)
            rows.append(
                {
                    "sampleCode": first["sampleCode"],
                    "day": self.day(first["collectionDate"]),
                    "location": first["location"],
                    "parameterName": self.parameter_name(first["parameterCode"]),
                    "value": " ".join(values),
                    "limits": "; ".join(f"{' · '.join(texts)} {unit}" for unit, texts in limits.items()),
                }
            )
        return rows

    @property
    def excluded(self) -> list[dict[str, Any]]:
        return [
            {**row, "parameterName": self.parameter_name(row["parameterCode"]), "why": EXCLUSIONS[row["reason"]]}
            for row in self.figures["excluded"][: self.listed]
        ]

    @property
    def rules(self) -> list[str | Promise]:
        return [*(DECISION_RULES[rule] for rule in self.figures["decisionRules"] if rule in DECISION_RULES), *NOTES]

    def day(self, text: str | None) -> str:
        """The day of a wire date or moment in the report's time zone."""
        if not text or len(text) == 10:
            return text or ""
        return datetime.fromisoformat(text).astimezone(self.zone).date().isoformat()

    def parameter_name(self, code: str) -> str:
        names = self.names["parameters"].get(code, {})
        return names.get(self.language) or names.get("en") or code

    def _trend(self, row: dict[str, Any]) -> dict[str, Any]:
        points = [{**point, "at": datetime.fromisoformat(point["at"]).timestamp()} for point in row["points"]]
        lines = [row[side] for side in ("lower", "upper") if row[side] is not None]
        low, high = reach([point["value"] for point in points], lines)
        values = [point["value"] for point in row["points"]]
        picture = trend(points, since=points[0]["at"], until=points[-1]["at"], lines=lines)
        return {
            **row,
            "image": picture,
            "parameterName": self.parameter_name(row["parameterCode"]),
            "first": self.day(row["points"][0]["at"]),
            "last": self.day(row["points"][-1]["at"]),
            "edges": (short(high), short(low)),
            "limit": " – ".join(plain(line) for line in lines),
            "count": len(points),
            "smallest": short(min(values)),
            "largest": short(max(values)),
        }

    def _changed(self, row: dict[str, str]) -> str:
        """What changed, in words."""
        if row["what"] == "exceedance":
            return gettext("Exceedance")
        return str(_COUNTED[row["what"].rpartition(".")[2]])

    def _standard(self, row: dict[str, Any]) -> dict[str, str]:
        names: dict[str, dict[str, str]] = self.names["standards"]
        return names.get(f"{row['standard']} {row['edition']}", {})

    def _worst(self, row: dict[str, Any]) -> dict[str, Any]:
        name = self.parameter_name(row["parameterCode"])
        return {**row, "day": self.day(row["collectionDate"]), "parameterName": name}


def report_json(report: ComplianceReport, *, language: str | None = None) -> dict[str, Any]:
    """The wire form of `contract-lab-sync.md` section 5; names and default title in `language`, else the report's."""
    language = language or report.language
    with translation.override(language):
        words = Wording(report, language)
        return {
            **report_head(report, language=language),
            **{name: words.figures[name] for name in ("standards", "sites", "months", "period", "timeZone")},
            "trends": words.figures.get("trends", []),
            "amendment": words.report.content.get("amendment"),
            "exceedances": [
                {**row, "parameterName": words.parameter_name(row["parameterCode"])}
                for row in words.figures["exceedances"]
            ],
            "excluded": words.figures["excluded"],
            "decisionRules": words.figures["decisionRules"],
        }


def report_head(
    report: ComplianceReport, *, language: str | None = None, summary: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The entry of a list of reports: everything but the tables. `summary` spares reading the frozen content."""
    with translation.override(language or report.language):
        title = report.title or gettext("Compliance report")
    newer = getattr(report, "newer", None)  # annotated by the selectors
    return {
        "id": str(report.pk),
        "number": report.number,
        "title": title,
        "generatedAt": wire(report.generated_at),
        "generatedBy": str(report.generated_by_id) if report.generated_by_id else None,
        "language": report.language,
        "filters": report.filters,
        "summary": report.content["figures"]["summary"] if summary is None else summary,
        "status": "superseded" if newer else "current",
        "amends": str(report.amends_id) if report.amends_id else None,
        "amendedBy": newer,
        "reason": report.reason,
        "snapshotHash": report.snapshot_hash,
        "verifyUrl": verify_url(report),
    }
