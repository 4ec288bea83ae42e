"""The figures of a report against a plain recount in Python."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.core.common.errors import Invalid
from portal.core.common.frozen import snapshot_hash
from portal.core.tenancy.scope import tenant
from portal.lab.models import Result, Sample
from portal.lab.reports.figures import compute, percent_conforming
from portal.lab.reports.filters import read_filters
from tests.core.people import Cast
from tests.lab.reports import data

pytestmark = pytest.mark.django_db
ZONE = "Africa/Casablanca"
EVALUATED = ("PASS", "WARNING", "FAIL", "INDETERMINATE", "INVESTIGATE")


@pytest.fixture
def cast() -> Cast:
    return Cast()


def figures(filters: dict[str, Any] | None = None) -> dict[str, Any]:
    return compute(read_filters(filters or {}, time_zone=ZONE), time_zone=ZONE)


def living() -> tuple[list[Sample], list[Result], Counter[str]]:
    """Samples, results that count, and why others do not."""
    samples = list(Sample.objects.filter(deleted_at=None))
    replaced = {row.replaces_id for row in Result.objects.filter(deleted_at=None) if row.replaces_id}
    counted, excluded = [], Counter[str]()
    for row in Result.objects.filter(deleted_at=None, sample__in=samples).select_related("sample", "parameter"):
        if any(entry["reason"] == "REJECTED" for entry in row.verdicts):
            excluded["REJECTED"] += 1
        elif row.pk in replaced:
            excluded["REPLACED"] += 1
        else:
            counted.append(row)
    return samples, counted, excluded


def test_every_figure_agrees_with_a_recount(cast: Cast) -> None:
    with tenant(cast.a.pk):
        data.fill(cast.alice, samples=80)
        samples, results, excluded = living()

        found = figures()

        status = Counter(row.compliance_status for row in samples)
        good = status["pass"] + status["warning"]
        assert found["summary"] == {
            "samples": len(samples),
            "results": len(results),
            **{name: status[name] for name in ("pass", "warning", "fail", "pending")},
            "percentConforming": round(100 * good / (good + status["fail"]), 2),
        }
        assert Counter(row["reason"] for row in found["excluded"]) == excluded
        assert excluded["REJECTED"]
        assert excluded["REPLACED"]
        assert [row["standard"] for row in found["standards"]] == ["MA", "WHO", "EU"]
        for row in found["standards"]:
            pairs = [(e, r) for r in results for e in r.verdicts if e["standard"] == row["standard"]]
            words = Counter(entry["verdict"] for entry, _row in pairs)
            judged = [(e, r) for e, r in pairs if e["verdict"] != "NOT_EVALUATED"]
            assert row["evaluated"] == sum(words[word] for word in EVALUATED)
            assert row["notEvaluated"] == words["NOT_EVALUATED"]
            for word in EVALUATED:
                assert row[word.lower()] == words[word]
            assert row["censored"] == sum(r.qualifier == "<" for _e, r in judged)
            assert row["provisional"] == sum(e["provisional"] for e, _r in judged)
        fails = [(e, r) for r in results for e in r.verdicts if e["verdict"] == "FAIL"]
        assert {(row["resultId"], row["standard"]) for row in found["exceedances"]} == {
            (str(r.pk), e["standard"]) for e, r in fails
        }
        assert len(found["exceedances"]) == len(fails)
        assert {row["location"] for row in found["sites"]} == {row.location for row in samples}
        for site in found["sites"]:
            here = [row for row in samples if row.location == site["location"]]
            mine = [row for row in results if row.sample.location == site["location"]]
            judged_rows = [r for r in mine if any(e["verdict"] != "NOT_EVALUATED" for e in r.verdicts)]
            counts = Counter(row.compliance_status for row in here)
            assert site["planned"] is None
            assert site["taken"] == len(here)
            assert site["evaluated"] == len(judged_rows)
            assert site["censored"] == sum(r.qualifier == "<" for r in judged_rows)
            assert site["indeterminate"] == sum(any(e["verdict"] == "INDETERMINATE" for e in r.verdicts) for r in mine)
            assert site["exceedances"] == sum(e["verdict"] == "FAIL" for r in mine for e in r.verdicts)
            assert site["percentConforming"] == percent_conforming({n: counts[n] for n in ("pass", "warning", "fail")})
        months = Counter(row.collection_date.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m") for row in samples)
        assert {row["month"]: row["samples"] for row in found["months"]} == months


def test_worst_is_the_gravest_then_the_greatest_excess(cast: Cast) -> None:
    with tenant(cast.a.pk):
        nitrate = data.catalogue()["NO3"]
        one = data.sample(cast.alice, 1, at=datetime(2026, 5, 1, tzinfo=UTC))
        data.result(one, nitrate, text="90", verdicts=[data.verdict("WHO", "FAIL", compared=90)])
        data.result(one, nitrate, text="57.31", verdicts=[data.verdict("MA", "FAIL", compared=57.31)])
        data.result(one, nitrate, text="51", verdicts=[data.verdict("MA", "FAIL", compared=51)])

        [site] = figures()["sites"]

        assert site["worst"] == {
            "parameterCode": "NO3", "valueText": "57.31", "unit": "mg/L", "collectionDate": "2026-05-01T00:00:00Z",
            "standard": "MA", "verdict": "FAIL",
        }  # fmt: skip


def test_an_exceedance_names_the_limit_that_was_crossed(cast: Cast) -> None:
    with tenant(cast.a.pk):
        one = data.sample(cast.alice, 1, at=datetime(2026, 5, 1, 8, 15, tzinfo=UTC))
        low = data.verdict("MA", "FAIL", compared=6.1, lower=6.5, upper=9, reason="BELOW_MINIMUM")
        data.result(one, data.catalogue()["PH"], text="6.10", verdicts=[low])

        [row] = figures()["exceedances"]

        assert (row["limit"], row["comparedValue"], row["valueText"], row["verdict"]) == (6.5, 6.1, "6.10", "FAIL")
        assert row["collectionDate"] == "2026-05-01T08:15:00Z"


def test_no_samples_give_an_empty_report(cast: Cast) -> None:
    with tenant(cast.a.pk):
        found = figures()

    assert found["summary"] == {
        "samples": 0, "results": 0, "pass": 0, "warning": 0, "fail": 0, "pending": 0, "percentConforming": None
    }  # fmt: skip
    assert found["standards"] == found["sites"] == found["exceedances"] == found["excluded"] == found["months"] == []


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, {1, 2, 3}),
        ({"dateFrom": "2026-05-02"}, {2, 3}),
        ({"dateTo": "2026-05-01"}, {1}),  # 22:59 UTC is 23:59 in Casablanca, 23:01 is the next day
        ({"dateTo": "2026-05-01T23:01:00Z"}, {1, 2}),
        ({"type": "groundwater"}, {3}),
        ({"location": "sidi"}, {2}),
        ({"location": "100%"}, set()),
        ({"complianceStatus": "fail"}, {2}),
        ({"complianceStatus": ["fail", "pending"]}, {2, 3}),
    ],
)
def test_filters_choose_samples(cast: Cast, filters: dict[str, Any], numbers: set[int]) -> None:
    with tenant(cast.a.pk):
        data.sample(cast.alice, 1, at=datetime(2026, 5, 1, 22, 59, tzinfo=UTC))
        data.sample(
            cast.alice,
            2,
            at=datetime(2026, 5, 1, 23, 1, tzinfo=UTC),
            location="Réservoir Sidi",
            compliance_status="fail",
        )
        data.sample(
            cast.alice,
            3,
            at=datetime(2026, 7, 1, tzinfo=UTC),
            type="groundwater",
            compliance_status="pending",
            location="x",
        )
        codes = {f"S-2026-{number:06d}" for number in numbers}

        found = figures(filters)

        assert found["summary"]["samples"] == len(codes)
        assert {
            row.code for row in Sample.objects.filter(location__in=[s["location"] for s in found["sites"]])
        } == codes


def test_standards_narrow_the_results_and_leave_the_samples(cast: Cast) -> None:
    with tenant(cast.a.pk):
        data.fill(cast.alice, samples=20)

        everything, narrow = figures(), figures({"standards": ["WHO"]})

        assert narrow["summary"] == everything["summary"]
        assert [row["standard"] for row in narrow["standards"]] == ["WHO"]
        assert {row["standard"] for row in narrow["exceedances"]} == {"WHO"}


@pytest.mark.parametrize(
    ("filters", "fields"),
    [
        ({"dateFrom": "yesterday"}, ["dateFrom"]),
        ({"dateFrom": "2026-02-30", "type": "beer"}, ["dateFrom", "type"]),
        ({"dateFrom": "2026-05-02", "dateTo": "2026-05-01"}, ["dateTo"]),
        ({"dateFrom": "0001-01-01"}, []),
        ({"dateFrom": 20260101}, ["dateFrom"]),
        ({"complianceStatus": "conforms"}, ["complianceStatus"]),
        ({"complianceStatus": ["fail", 3]}, ["complianceStatus"]),
        ({"complianceStatus": {"a": 1}}, ["complianceStatus"]),
        ({"standards": ["MA", "XX"]}, ["standards"]),
        ({"location": "a\0b"}, ["location"]),
    ],
)
def test_a_bad_filter_is_named(cast: Cast, filters: dict[str, Any], fields: list[str]) -> None:
    data.catalogue()
    with tenant(cast.a.pk):
        if not fields:
            read_filters(filters, time_zone=ZONE)
            return
        with pytest.raises(Invalid) as refusal:
            read_filters(filters, time_zone=ZONE)
    assert [error.field for error in refusal.value.errors] == fields


def test_another_organisation_counts_nowhere(cast: Cast) -> None:
    with tenant(cast.a.pk):
        data.fill(cast.alice, samples=10)
    with tenant(cast.b.pk):
        assert figures()["summary"]["samples"] == 0


def test_the_hash_survives_storage_and_order_of_keys(cast: Cast) -> None:
    with tenant(cast.a.pk):
        data.fill(cast.alice, samples=10)
        found = figures()

    again = json.loads(json.dumps(dict(reversed(found.items()))))
    assert snapshot_hash(again) == snapshot_hash(found)
    again["summary"]["fail"] += 1
    assert snapshot_hash(again) != snapshot_hash(found)


def test_the_canonical_json_is_what_the_documentation_says() -> None:
    assert snapshot_hash({"b": 93.22, "a": ["ماء", 50, None]}) == (
        # printf '{"a":["ماء",50,null],"b":93.22}' | sha256sum
        "sha256:f95f92092421434a794f71d81c912ce52299d5660944e09d3f09c25633dbd75a"
    )
