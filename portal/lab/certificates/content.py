"""What a certificate says, free of any language: drawn up once, frozen, worded in three languages afterwards.

The letters are those of ISO/IEC 17025:2017, 7.8.2.1.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.clock import wire
from portal.core.common.errors import Errors
from portal.core.tenancy.models import Organization
from portal.lab.models import Parameter, Result, Sample, Standard
from portal.lab.reports.wording import plain
from portal.lab.rulebook import rulebook
from portal.lab.science.verdicts import Verdict

# What the person who issues states beside the measurements, and how long it may be.
STATED: Final = {
    "customer": 500,  # e: name and how to reach them, as lines
    "place": 300,  # c: where the work was done, where that is not the laboratory's address
    "condition": 500,  # g: of the item on receipt
    "samplingMethod": 300,  # k
    "deviations": 1000,  # n
    "external": 500,  # p: results of external providers
}
NOT_EVALUATED: Final = "NOT_EVALUATED"
# The worst first; WARNING and PASS conform.
_SEVERITY: Final = [str(verdict) for verdict in Verdict]


def read_stated(data: Mapping[str, Any], *, usual: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The statements of a client under their wire names; what is absent is taken from `usual`, else empty.

    `sampledByCustomer` (7.8.2.2) is a truth value. Raises Invalid with one entry per field at fault.
    """
    errors, stated = Errors(), {}
    for name, limit in STATED.items():
        value = data.get(name, (usual or {}).get(name))
        value = "" if value is None else value
        if not isinstance(value, str) or len(value) > limit or "\0" in value:
            errors.add(name, _("A text of at most %(limit)s characters is expected.") % {"limit": limit}, "length")
        else:
            stated[name] = "\n".join(line.strip() for line in value.strip().splitlines())
    sampled = data.get("sampledByCustomer", (usual or {}).get("sampledByCustomer"))
    if sampled not in (None, True, False):
        errors.add("sampledByCustomer", _("True or false is expected."), "type")
    errors.raise_any()
    return stated | {"sampledByCustomer": bool(sampled)}


def printable_results(sample: Sample) -> QuerySet[Result]:
    """The results that a certificate may carry: living, not rejected, not replaced by a repeated analysis."""
    rows: QuerySet[Result] = Result.objects.filter(sample=sample, deleted_at=None).select_related("parameter")
    replaced = Result.objects.filter(sample=sample, deleted_at=None, replaces__isnull=False).values("replaces")
    rows = rows.exclude(pk__in=replaced).exclude(verdicts__contains=[{"reason": "REJECTED"}])
    return rows.order_by("parameter__group", "parameter__code", "created_at", "pk")


def compile_content(
    *, sample: Sample, stated: Mapping[str, Any], organization: Organization, by: User, number: str, at: datetime
) -> dict[str, Any]:
    """Everything that is printed on the certificate `number`; moments are UTC texts, numbers texts as shown."""
    rows = list(printable_results(sample))
    point = sample.sampling_point
    results = [_result(row) for row in rows]
    standards = _standards(results)
    tested = sorted(row["testDate"] for row in results if row["testDate"])
    return {
        "number": number,
        "issuedAt": wire(at),
        "timeZone": organization.time_zone,
        "organizationId": str(organization.pk),
        "laboratory": {
            "name": organization.name,
            "address": ", ".join(filter(None, (organization.address, organization.city, organization.country))),
            "contact": " · ".join(filter(None, (organization.phone, organization.email, organization.website))),
        },
        "stated": dict(stated),
        "item": {
            "sampleId": str(sample.pk),
            "code": sample.code,
            "type": sample.type,
            "location": sample.location,
            "samplingPoint": f"{point.code} {point.name}" if point else "",
            "coordinates": _place(sample),
        },
        "sampling": {"takenAt": wire(sample.collection_date), "takenBy": sample.collector_name},
        "receivedAt": wire(sample.received_at),
        "analysed": {"first": tested[0] if tested else None, "last": tested[-1] if tested else None},
        "results": results,
        "standards": standards,
        "decisionRules": sorted(
            {v["decisionRule"] for row in results for v in row["verdicts"] if v["verdict"] != NOT_EVALUATED}
        ),
        "names": _names(rows, standards),
        "issuedBy": {"id": str(by.pk), "name": by.name, "role": _role(by), "department": by.department},
        "amendment": None,
    }


def _role(by: User) -> str:
    """The key of a built-in role, whose name every language has, or the name of an own one."""
    return by.role.key if by.role.is_system else by.role.name


def _place(sample: Sample) -> str:
    if sample.latitude is None or sample.longitude is None:
        return ""
    return f"{sample.latitude:.5f}, {sample.longitude:.5f}"


def _result(row: Result) -> dict[str, Any]:
    return {
        "resultId": str(row.pk),
        "parameterCode": row.parameter.code,
        "valueText": row.value_text,
        "unit": row.unit,
        "uncertainty": plain(row.uncertainty),
        "detectionLimit": plain(row.detection_limit),
        "quantificationLimit": plain(row.quantification_limit),
        "dilutionFactor": plain(row.dilution_factor),
        "method": row.test_method,
        "instrument": row.instrument or "",
        "analyst": row.technician_name,
        "testDate": wire(row.test_date),
        "notes": row.notes,
        "flags": list(row.flags),
        "verdicts": row.verdicts,
    }


def _standards(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statement of conformity under each edition that judged a result, in the organisation's order."""
    held: dict[tuple[str, str], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for row in results:
        for verdict in row["verdicts"]:
            if verdict["verdict"] != NOT_EVALUATED:
                held.setdefault((verdict["standard"], verdict["edition"]), []).append((row, verdict))
    order = rulebook().order
    place = {key: number for number, key in enumerate(order)}
    statements = [
        {
            "standard": key,
            "edition": edition,
            "role": judged[0][1]["role"],
            "verdict": min((verdict["verdict"] for _row, verdict in judged), key=_SEVERITY.index),
            "evaluated": len(judged),
            "provisional": sum(bool(verdict["provisional"]) for _row, verdict in judged),
            "parameters": {
                word: [row["parameterCode"] for row, verdict in judged if verdict["verdict"] == word]
                for word in ("FAIL", "INDETERMINATE", "INVESTIGATE", "WARNING")
            },
        }
        for (key, edition), judged in held.items()
    ]
    return sorted(statements, key=lambda row: (place.get(row["standard"], len(place)), row["edition"]))


def _names(rows: list[Result], standards: list[dict[str, Any]]) -> dict[str, Any]:
    used = {(row["standard"], row["edition"]) for row in standards}
    # The organisation's own edition comes after the shared one, and wins.
    editions = Standard.objects.filter(key__in={key for key, _edition in used}).order_by(
        F("organization").asc(nulls_first=True)
    )
    parameters: dict[str, Parameter] = {row.parameter.code: row.parameter for row in rows}
    return {
        "parameters": {code: {"en": p.name_en, "fr": p.name_fr, "ar": p.name_ar} for code, p in parameters.items()},
        "standards": {
            f"{s.key} {s.edition}": {"reference": s.reference, "en": s.name_en, "fr": s.name_fr, "ar": s.name_ar}
            for s in editions
            if (s.key, s.edition) in used
        },
    }


def changes(old: Mapping[str, Any], new: Mapping[str, Any], *, withdrawn: frozenset[str]) -> list[dict[str, str]]:
    """What differs between two contents (7.8.8): `what`, the parameter where it is about a result, from, to.

    `withdrawn` holds the ids of results that were rejected or repeated since: their old values are not printed again.
    """
    found = [
        {"what": name, "parameterCode": "", "from": before, "to": after}
        for name, before, after in _pairs(_facts(old), _facts(new))
    ]
    earlier, later = _keyed(old["results"]), _keyed(new["results"])
    for key in [*earlier, *(key for key in later if key not in earlier)]:
        before, after = earlier.get(key), later.get(key)
        code = key[0]
        if before is None or after is None:
            row = after or before or {}
            told = "" if row["resultId"] in withdrawn else f"{row['valueText']} {row['unit']}".strip()
            what, sides = ("added", ("", told)) if before is None else ("removed", (told, ""))
            found.append({"what": what, "parameterCode": code, "from": sides[0], "to": sides[1]})
            continue
        if before["resultId"] != after["resultId"] and before["resultId"] in withdrawn:
            told = f"{after['valueText']} {after['unit']}".strip()
            found.append({"what": "repeated", "parameterCode": code, "from": "", "to": told})
            continue
        found += [
            {"what": name, "parameterCode": code, "from": one, "to": other}
            for name, one, other in _pairs(_result_facts(before), _result_facts(after))
        ]
    return found


def _pairs(old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, str, str]]:
    names = [*old, *(name for name in new if name not in old)]
    return [(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name, "") != new.get(name, "")]


def _facts(content: Mapping[str, Any]) -> dict[str, str]:
    """What the certificate says beside its results, as texts."""
    item, sampling, laboratory = content["item"], content["sampling"], content["laboratory"]
    facts = {name: item[name] for name in ("code", "type", "location", "samplingPoint", "coordinates")}
    facts |= {"laboratory": laboratory["name"], "address": laboratory["address"], "contact": laboratory["contact"]}
    facts |= {"takenAt": sampling["takenAt"], "takenBy": sampling["takenBy"], "receivedAt": content["receivedAt"] or ""}
    stated = {name: content["stated"][name] for name in STATED}
    return facts | stated | {"sampledByCustomer": str(int(content["stated"]["sampledByCustomer"]))}


def _keyed(results: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    """Results by parameter and their place among those of it."""
    held: dict[tuple[str, int], dict[str, Any]] = {}
    for row in results:
        place = sum(code == row["parameterCode"] for code, _place in held)
        held[row["parameterCode"], place] = row
    return held


def _result_facts(row: Mapping[str, Any]) -> dict[str, str]:
    facts = {"value": f"{row['valueText']} {row['unit']}".strip(), "uncertainty": row["uncertainty"]}
    facts |= {name: row[name] for name in ("detectionLimit", "quantificationLimit", "method")}
    facts["testDate"] = row["testDate"] or ""
    judged = {
        f"verdict {verdict['standard']}": f"{verdict['edition']} {verdict['verdict']}"
        for verdict in row["verdicts"]
        if verdict["verdict"] != NOT_EVALUATED
    }
    return facts | judged
