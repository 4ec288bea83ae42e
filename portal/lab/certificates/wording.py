"""A frozen certificate in one language: page, PDF and JSON read it from here."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import BUILTIN_ROLES
from portal.core.common.clock import wire
from portal.lab.certificates.content import NOT_EVALUATED
from portal.lab.certificates.models import Certificate
from portal.lab.choices import SampleType, StandardRole
from portal.lab.pages.wording import FLAGS, bounds
from portal.lab.reports.wording import DECISION_RULES, VERDICT_WORDS, verify_url

# What changed, by the names of `content.changes`.
CHANGED: dict[str, str | Promise] = {
    "code": _("Sample"),
    "type": _("Kind of water"),
    "location": _("Location"),
    "samplingPoint": _("Sampling point"),
    "coordinates": _("Coordinates"),
    "laboratory": _("Laboratory"),
    "address": _("Address"),
    "contact": _("Contact"),
    "takenAt": _("Taken"),
    "takenBy": _("Taken by"),
    "receivedAt": _("Received"),
    "customer": _("Customer"),
    "place": _("Place of the analyses"),
    "condition": _("Condition on receipt"),
    "samplingMethod": _("Sampling method"),
    "deviations": _("Deviations"),
    "external": _("External providers"),
    "sampledByCustomer": _("Sampled by the customer"),
    "value": _("result"),
    "uncertainty": _("expanded uncertainty"),
    "detectionLimit": _("limit of detection"),
    "quantificationLimit": _("limit of quantification"),
    "method": _("method"),
    "testDate": _("date of analysis"),
    "added": _("result added"),
    "removed": _("result removed"),
    "repeated": _("result of a repeated analysis"),
}
_MOMENTS = frozenset({"takenAt", "receivedAt", "testDate"})
NOTES: list[str | Promise] = [
    _("The results relate only to the items tested."),
    _("This certificate may be reproduced only in full; extracts need the laboratory's written approval."),
    _("U: expanded uncertainty of the result in its unit, coverage factor k = 2, level of confidence about 95 %."),
    _(
        "LOQ: limit of quantification. A value below it is written with the sign < and never counts as zero; it is"
        " compared by its bound."
    ),
]


class CertificateWording:
    """`certificate` as people read it in `language`; every property must be read while that language is active."""

    def __init__(self, certificate: Certificate, language: str) -> None:
        self.certificate = certificate
        self.language = language
        self.content: dict[str, Any] = certificate.content
        self.zone = ZoneInfo(self.content["timeZone"])
        self.rtl = language == "ar"
        self.verify_url = verify_url(certificate)

    @property
    def issued_at(self) -> str:
        return self.moment(self.content["issuedAt"])

    @property
    def customer(self) -> list[str]:
        return self._lines("customer")

    @property
    def place(self) -> str:
        """Where the work was done: as stated, else the laboratory's own address."""
        laboratory = self.content["laboratory"]
        return str(self.content["stated"]["place"] or laboratory["address"] or laboratory["name"])

    @property
    def item(self) -> dict[str, Any]:
        return {**self.content["item"], "typeName": SampleType(self.content["item"]["type"]).label}

    @property
    def condition(self) -> str:
        return self.content["stated"]["condition"] or gettext("Nothing remarkable was stated.")

    @property
    def sampling_method(self) -> str:
        return self.content["stated"]["samplingMethod"] or gettext("not stated")

    @property
    def taken(self) -> str:
        return self.moment(self.content["sampling"]["takenAt"])

    @property
    def received(self) -> str:
        return self.moment(self.content["receivedAt"])

    @property
    def analysed(self) -> str:
        """First and last day of the analyses."""
        first, last = (self.day(self.content["analysed"][end]) for end in ("first", "last"))
        return first if first == last else f"{first} – {last}"

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        return [
            {
                **row,
                "name": self.parameter_name(row["parameterCode"]),
                "day": self.day(row["testDate"]),
                "dilution": "" if row["dilutionFactor"] == "1" else row["dilutionFactor"],
            }
            for row in self.content["results"]
        ]

    @property
    def standards(self) -> list[dict[str, Any]]:
        """The statement of conformity under each edition."""
        return [
            {
                **row,
                "reference": self._standard(row).get("reference") or row["standard"],
                "name": self._standard(row).get(self.language) or self._standard(row).get("en", ""),
                "roleName": StandardRole(row["role"]).label,
                "statements": self._statements(row),
            }
            for row in self.content["standards"]
        ]

    @property
    def provisional(self) -> bool:
        return any(row["provisional"] for row in self.content["standards"])

    @property
    def assessed(self) -> list[dict[str, Any]]:
        """The results that a standard judged: one cell per edition with its limit and verdict."""
        editions = [(row["standard"], row["edition"]) for row in self.content["standards"]]
        rows = []
        for row in self.content["results"]:
            under = {(v["standard"], v["edition"]): v for v in row["verdicts"] if v["verdict"] != NOT_EVALUATED}
            if under:
                cells = [self._cell(under.get(edition), row["unit"]) for edition in editions]
                rows.append(
                    {
                        "name": self.parameter_name(row["parameterCode"]),
                        "value": row["valueText"],
                        "unit": row["unit"],
                        "cells": cells,
                    }
                )
        return rows

    @property
    def deviations(self) -> list[tuple[str, bool]]:
        """Text, and whether a person typed it."""
        stated = [(line, True) for line in self._lines("deviations")]
        remarks: list[tuple[str, bool]] = []
        colon = gettext(":")
        for row in self.content["results"]:
            name = self.parameter_name(row["parameterCode"])
            remarks += [(f"{name}{colon} {FLAGS.get(flag, flag)}", False) for flag in row["flags"]]
            if row["notes"]:
                remarks.append((f"{name}{colon} {row['notes']}", True))
        return stated + remarks

    @property
    def external(self) -> list[str]:
        return self._lines("external")

    @property
    def authoriser(self) -> dict[str, str]:
        by = self.content["issuedBy"]
        role = str(BUILTIN_ROLES.get(by["role"], by["role"]))
        return {"name": by["name"], "function": " · ".join(filter(None, (role, by["department"])))}

    @property
    def rules(self) -> list[str | Promise]:
        return [DECISION_RULES[rule] for rule in self.content["decisionRules"] if rule in DECISION_RULES]

    @property
    def notes(self) -> list[str | Promise]:
        return NOTES

    @property
    def sampled_by_customer(self) -> bool:
        return bool(self.content["stated"]["sampledByCustomer"])

    @cached_property
    def amendment(self) -> dict[str, Any] | None:
        """Which certificate this one replaces, why, and what changed."""
        held = self.content["amendment"]
        return held and {
            **held,
            "day": self.day(held["issuedAt"]),
            "changes": [self._change(row) for row in held["changes"]],
        }

    def day(self, text: str | None) -> str:
        """The day of a wire moment in the laboratory's time zone."""
        return self._local(text, "%Y-%m-%d")

    def moment(self, text: str | None) -> str:
        return self._local(text, "%Y-%m-%d %H:%M")

    def parameter_name(self, code: str) -> str:
        names = self.content["names"]["parameters"].get(code, {})
        return names.get(self.language) or names.get("en") or code

    def _local(self, text: str | None, style: str) -> str:
        return datetime.fromisoformat(text).astimezone(self.zone).strftime(style) if text else ""

    def _lines(self, name: str) -> list[str]:
        return [line for line in self.content["stated"][name].splitlines() if line]

    def _standard(self, row: Mapping[str, Any]) -> dict[str, str]:
        names: dict[str, dict[str, str]] = self.content["names"]["standards"]
        return names.get(f"{row['standard']} {row['edition']}", {})

    def _cell(self, verdict: Mapping[str, Any] | None, unit: str) -> dict[str, Any] | None:
        """Limit and verdict under one edition; the limit with its unit where that is not the result's."""
        if verdict is None:
            return None
        limit = bounds(verdict["kind"], verdict["lower"], verdict["upper"]) + ("*" if verdict["provisional"] else "")
        own = verdict["unit"] if verdict["unit"] != unit else ""
        failing = verdict["verdict"] == "FAIL"
        return {"limit": f"{limit} {own}".strip(), "word": VERDICT_WORDS[verdict["verdict"]], "failing": failing}

    def _statements(self, row: Mapping[str, Any]) -> list[str]:
        """The conclusion in sentences, worst first; never a bare "conforms" on provisional limits."""
        separator = "، " if self.rtl else ", "
        named = {
            word: {"parameters": separator.join(self.parameter_name(code) for code in codes)}
            for word, codes in row["parameters"].items()
            if codes
        }
        said = []
        if "FAIL" in named:
            said.append(gettext("Does not conform: %(parameters)s.") % named["FAIL"])
        if "INDETERMINATE" in named:
            said.append(gettext("Conformity cannot be stated for: %(parameters)s.") % named["INDETERMINATE"])
        if "INVESTIGATE" in named:
            said.append(
                gettext("An action or screening level is exceeded and calls for an investigation: %(parameters)s.")
                % named["INVESTIGATE"]
            )
        if not said:
            said.append(gettext("Conforms: every result that was compared respects its limit."))
        if "WARNING" in named:
            said.append(gettext("Close to the limit or above a guidance value: %(parameters)s.") % named["WARNING"])
        if row["provisional"]:
            said.append(
                gettext(
                    "With reserve: limits marked * are provisional, nobody has confirmed them against the text yet."
                )
            )
        return said

    def _change(self, row: Mapping[str, str]) -> dict[str, str]:
        what, _blank, standard = row["what"].partition(" ")
        label = gettext("verdict under %(standard)s") % {"standard": standard} if standard else str(CHANGED[what])
        code = row["parameterCode"]
        name = f"{self.parameter_name(code)}{gettext(':')} {label}" if code else label
        return {"label": name, "from": self._said(what, row["from"]), "to": self._said(what, row["to"])}

    def _said(self, what: str, text: str) -> str:
        """A changed value in words."""
        if not text:
            return ""
        if what in _MOMENTS:
            return self.moment(text)
        if what == "type":
            return str(SampleType(text).label)
        if what == "sampledByCustomer":
            return gettext("yes") if text == "1" else gettext("no")
        if what == "verdict":
            edition, _blank, word = text.rpartition(" ")
            return f"{VERDICT_WORDS[word]} ({edition})"
        return text


def certificate_json(certificate: Certificate, *, language: str | None = None) -> dict[str, Any]:
    """The wire form: the frozen content, names and statements in `language`, else the certificate's."""
    language = language or certificate.language
    with translation.override(language):
        words = CertificateWording(certificate, language)
        content = {name: value for name, value in words.content.items() if name not in ("names", "organizationId")}
        return content | {
            **certificate_head(certificate),
            "results": [
                {**row, "parameterName": words.parameter_name(row["parameterCode"])} for row in content["results"]
            ],
            "standards": [
                {name: value for name, value in row.items() if name != "roleName"} for row in words.standards
            ],
            "authorisedBy": {name: content["issuedBy"][name] for name in ("id", "name", "role", "department")},
        }


def certificate_head(certificate: Certificate) -> dict[str, Any]:
    """The entry of a list: everything but the frozen content. `newer` is annotated by the selectors."""
    newer = getattr(certificate, "newer", None)
    return {
        "id": str(certificate.pk),
        "number": certificate.number,
        "sampleId": str(certificate.sample_id),
        "sampleCode": certificate.sample.code,
        "customer": certificate.customer,
        "language": certificate.language,
        "issuedAt": wire(certificate.generated_at),
        "issuedBy": str(certificate.generated_by_id) if certificate.generated_by_id else None,
        "status": "superseded" if newer else "current",
        "amends": str(certificate.amends_id) if certificate.amends_id else None,
        "amendedBy": newer,
        "reason": certificate.reason,
        "snapshotHash": certificate.snapshot_hash,
        "verifyUrl": verify_url(certificate),
    }
