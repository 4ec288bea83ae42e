"""Files of people through the engine: what is created, refused and why, once however often, and taken back."""

import csv
import gzip
import io
import os
import time
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from portal.core.audit.models import AuditEntry
from portal.core.common.errors import Conflict, Denied, Invalid
from portal.core.sync.models import FeedRecord
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from portal.lab import services as lab
from portal.lab.imports import selectors, services
from portal.lab.imports.export import wqx_csv
from portal.lab.imports.mapping import IGNORED
from portal.lab.imports.models import ImportPart, ImportRecord, ImportRow, ImportRun, ImportSource
from portal.lab.models import Result, Sample
from tests.core.people import Cast
from tests.lab.imports.work import (
    LONG,
    bring_in,
    check,
    count,
    fresh,
    results,
    rows,
    samples,
    steps,
    upload,
    whole,
    workbook,
)
from tests.lab.public_data import public_file

FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    made = Cast()
    with platform():
        Organization.objects.filter(pk__in=[made.a.pk, made.b.pk]).update(time_zone="Africa/Casablanca")
    return made


def content(user: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """What a person would compare: every written field of samples and results, without ids and versions."""
    plain = ("value_text", "qualifier", "value", "censoring_limit", "unit", "detection_limit", "quantification_limit",
             "uncertainty", "dilution_factor", "test_date", "technician_name", "test_method", "instrument", "notes",
             "normalized_value", "compliance_status")  # fmt: skip
    head = ("type", "location", "latitude", "longitude", "collection_date", "received_at", "collector_name", "status",
            "notes", "compliance_status", "result_count")  # fmt: skip
    with tenant(user.organization_id):
        found: dict[tuple[str, str], dict[str, Any]] = {
            (sample.code, ""): {name: getattr(sample, name) for name in head}
            for sample in Sample.objects.filter(deleted_at=None)
        }
        for result in Result.objects.filter(deleted_at=None).select_related("sample", "parameter", "replaces"):
            key = (result.sample.code, f"{result.parameter.code} {result.value_text}")
            found[key] = {name: getattr(result, name) for name in plain}
            found[key]["replaces"] = result.replaces.value_text if result.replaces else None
        return found


# --- one row per result -----------------------------------------------------------------------
def test_the_check_says_what_an_import_would_do_and_writes_nothing(cast: Cast) -> None:
    run = check(upload(cast.alice, LONG), cast.alice)

    assert (run.status, run.rows, run.samples) == ("checked", 5, 2)
    assert {line: outcome for line, (outcome, _why) in rows(run).items()} == {
        2: "created", 3: "created", 4: "created", 5: "created", 6: "refused",
    }  # fmt: skip
    assert "Unobtainium" in rows(run)[6][1][0]
    assert run.checked["sample.created"] == 2
    assert run.checked["result.created"] == 4
    assert count(cast.alice) == (0, 0)
    with tenant(cast.a.pk):
        assert not ImportRecord.objects.exists()
        assert not AuditEntry.objects.filter(entity__in=["sample", "result"]).exists()
        assert not FeedRecord.objects.exists()


@pytest.mark.covers("001-FR-017", "001-FR-024", "001-FR-025")
def test_an_import_goes_through_the_engine(cast: Cast) -> None:
    run = whole(cast.alice, LONG)

    assert run.status == "imported"
    first = samples(cast.alice)["W-1"]
    assert (first.type, first.location, first.collector_name, first.result_count) == ("drinking_water", "Anfa tap", "Amina", 3)  # fmt: skip  # noqa: E501
    assert first.collection_date.isoformat() == "2026-11-20T08:15:00+00:00"
    assert samples(cast.alice)["W-2"].type == "groundwater"
    found = results(cast.alice, "W-1")
    assert (found["NO3"].value_text, str(found["NO3"].value.normalize())) == ("12.50", "12.5")
    assert found["NO3"].verdicts
    assert (found["PB"].qualifier, found["PB"].value, found["PB"].detection_limit) == ("<", None, found["PB"].censoring_limit)  # fmt: skip  # noqa: E501
    assert (found["AS"].value_text, found["AS"].qualifier, found["AS"].value, found["AS"].normalized_value) == ("ND", "not_detected", None, None)  # fmt: skip  # noqa: E501
    with tenant(cast.a.pk):
        trail = AuditEntry.objects.filter(entity="result")
        assert {(entry.via, entry.actor_name) for entry in trail} == {("import", "alice")}
        assert trail.count() == 4


def test_a_file_that_comes_again_changes_nothing(cast: Cast) -> None:
    whole(cast.alice, LONG)
    before = {code: sample.version for code, sample in samples(cast.alice).items()}

    again = whole(cast.alice, LONG)

    assert {outcome for outcome, _why in rows(again).values()} == {"unchanged", "refused"}
    assert "result.created" not in again.counts
    assert {code: sample.version for code, sample in samples(cast.alice).items()} == before
    with tenant(cast.a.pk):
        earlier = services.earlier_run(run=again)
        assert earlier is not None
        assert earlier.pk != again.pk


def test_a_corrected_file_updates_what_the_import_wrote_and_leaves_what_people_changed(cast: Cast) -> None:
    whole(cast.alice, LONG)
    lead = results(cast.alice, "W-1")["PB"]
    with tenant(cast.a.pk, by=cast.alice.actor()):
        lab.result_update(id=lead.pk, data={"value": "0.7"}, by=cast.alice)

    run = whole(cast.alice, LONG.replace("12.50", "13.0").replace("<0.5", "<0.4"))

    assert rows(run)[2][0] == "updated"
    assert rows(run)[3] == ("conflict", ["Somebody changed it here since: it stays as it is."])
    found = results(cast.alice, "W-1")
    assert (found["NO3"].value_text, found["PB"].value_text) == ("13.0", "0.7")


def test_results_of_a_registered_sample_go_to_it(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        data = {"code": "W-1", "type": "bottled_water", "location": "Shop", "collectorName": "Sara"}
        held, _new = lab.sample_create(data=data | {"collectionDate": "2026-11-20T08:15:00Z"}, by=cast.alice)

    whole(cast.alice, LONG)

    sample = samples(cast.alice)["W-1"]
    assert (sample.pk, sample.location, sample.type, sample.result_count) == (held["id"], "Shop", "bottled_water", 3)


def test_a_code_that_was_used_for_another_sample_is_refused(cast: Cast) -> None:
    whole(cast.alice, LONG)

    run = whole(cast.alice, LONG.replace("20/11/2026", "20/12/2026"))

    assert rows(run)[2][0] == "refused"
    assert "was taken on 2026-11-20 09:15" in rows(run)[2][1][0]
    assert samples(cast.alice)["W-1"].result_count == 3


def test_rows_of_one_sample_that_contradict_each_other(cast: Cast) -> None:
    text = LONG.replace("W-1,Anfa tap,drinking_water,20/11/2026 09:15,Amina,Lead", "W-1,Elsewhere,drinking_water,20/11/2026 09:15,Amina,Lead")  # fmt: skip  # noqa: E501

    run = whole(cast.alice, text)

    assert rows(run)[3] == ("refused", ["Row 2 says “Anfa tap” of the same sample."])
    assert "PB" not in results(cast.alice, "W-1")


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ("X,,drinking_water,20/11/2026,Amina,pH,7,", "Location", "required"),
        ("X,Anfa,fire,20/11/2026,Amina,pH,7,", "Kind of water", "fire"),
        ("X,Anfa,drinking_water,,Amina,pH,7,", "Date", "date is missing"),
        ("X,Anfa,drinking_water,20/11/2026,,pH,7,", "Collector", "required"),
        ("X,Anfa,drinking_water,20/11/2026,Amina,pH,70,", "Value", "between"),
        ("X,Anfa,drinking_water,20/11/2026,Amina,Lead,7,bananas", "Unit", "bananas"),
        ("X,Anfa,drinking_water,20/11/2026,Amina,Lead,7,NTU", "Unit", "cannot be expressed"),
        (",Anfa,drinking_water,20/11/2026,Amina,Lead,7,µg/L", "", ""),
    ],
)
def test_each_refused_row_names_column_and_reason(cast: Cast, row: str, column: str, says: str) -> None:
    head = "Code,Location,Kind of water,Date,Collector,Parameter,Value,Unit"

    run = whole(cast.alice, f"{head}\n{row}\n")

    with tenant(cast.a.pk):
        (kept,) = ImportRow.objects.filter(run=run)
        if says:
            assert kept.outcome == "refused"
            assert kept.reasons[0]["column"] == column
            assert says in kept.reasons[0]["message"]
            assert count(cast.alice) == (0, 0)
        else:  # without a code, place and date tell the sample
            assert kept.outcome == "created"


def test_names_of_the_source_are_mapped_or_left_out(cast: Cast) -> None:
    run = whole(cast.alice, LONG, parameters={"Unobtainium": "ZN", "pH": IGNORED})

    assert rows(run)[5][0] == "skipped"
    assert rows(run)[6][0] == "created"
    assert set(results(cast.alice, "W-2")) == {"ZN"}


# --- one row per sample --------------------------------------------------------------------------
@pytest.mark.covers("001-FR-024")
def test_the_wide_layout_in_arabic_with_arabic_digits(cast: Cast) -> None:
    table = (
        "رمز العينة;الموقع;نوع المياه;تاريخ أخذ العينة;القائم بأخذ العينة;"
        "النترات (ملغ/ل);الرصاص (µg/L);الأس الهيدروجيني\r\n"
        "ع-١;بئر أحمد;مياه جوفية;٢٠/١١/٢٠٢٦;أمينة;١٢٫٥;غير مكتشف;٧٫٢٠\r\n"
        "ع-٢;عين الذئاب;ماء الشرب;٢١/١١/٢٠٢٦;عمر;٨٠;-;\r\n"
    )

    run = whole(cast.alice, table.encode("utf-16"))

    assert (run.layout, run.counts["result.created"]) == ("wide", 4)
    found = results(cast.alice, "ع-١")
    assert samples(cast.alice)["ع-١"].type == "groundwater"
    assert {code: (r.value_text, r.qualifier) for code, r in found.items()} == {
        "NO3": ("١٢٫٥", "="), "PB": ("غير مكتشف", "not_detected"), "PH": ("٧٫٢٠", "="),
    }  # fmt: skip
    assert found["PB"].value is None
    assert str(found["PH"].value)[:4] == "7.20"
    assert {code: result.value_text for code, result in results(cast.alice, "ع-٢").items()} == {"NO3": "٨٠"}


def test_a_wide_row_is_taken_in_part(cast: Cast) -> None:
    run = whole(
        cast.alice,
        "Code,Location,Kind of water,Date,Collector,pH,Nitrate (mg/L)\nA,Anfa,tap,20/11/2026,Amina,70,12\n",
    )

    assert rows(run)[2][0] == "partly"
    assert set(results(cast.alice, "A")) == {"NO3"}


def test_a_workbook_with_merged_cells(cast: Cast) -> None:
    data = workbook(
        [["Code", "Location", "Kind of water", "Date", "Collector", "Parameter", "Value", "Unit"],
         ["A", "Anfa", "tap", "20/11/2026", "Amina", "Nitrate", 12.5, "mg/L"],
         [None, None, None, None, None, "Lead", "<0.5", "µg/L"]],
        formats={"G2": "0.00"},
    )  # fmt: skip

    run = whole(cast.alice, data, "results.xlsx", fill_down=True)

    assert {outcome for outcome, _why in rows(run).values()} == {"created"}
    assert {c: r.value_text for c, r in results(cast.alice, "A").items()} == {"NO3": "12.50", "PB": "<0.5"}


def test_a_file_of_an_instrument_needs_registered_samples(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        data = {"code": "W-1", "type": "drinking_water", "location": "Anfa", "collectorName": "Sara"}
        lab.sample_create(data=data | {"collectionDate": "2026-11-20T08:15:00Z"}, by=cast.alice)
    text = "ICP-MS run 14\n\nSample Name,Analyte,Conc,Units\n"
    text += "W-1,Lead,1.2,ug/L\nW-9,Lead,1.3,ug/L\nW-1,Arsenic,<LOD,ug/L\n"

    run = whole(cast.alice, text)

    assert run.layout == "instrument"
    assert rows(run) == {
        4: ("created", []), 5: ("refused", ["No sample has the code “W-9”."]), 6: ("created", []),
    }  # fmt: skip
    assert results(cast.alice, "W-1")["AS"].qualifier == "not_detected"


# --- killed, reverted, foreign ------------------------------------------------------------------------
def many(number: int) -> str:
    head = "Code,Location,Kind of water,Date,Collector,pH,Nitrate (mg/L),Lead (µg/L)\n"
    return head + "".join(f"M-{n},Place {n % 50},tap,20/11/2026 09:{n % 60:02d},Amina,7.{n % 9},{n % 60},<0.5\n" for n in range(number))  # fmt: skip  # noqa: E501


def test_an_import_that_was_killed_goes_on_where_it_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "BATCH", 10)
    run = check(upload(cast.alice, many(35)), cast.alice)
    run = bring_in(run, cast.alice, most=2)  # the worker dies after two batches
    half = count(cast.alice)

    with suppress(RuntimeError), tenant(cast.a.pk, by=cast.alice.actor()):
        services.step(run_id=run.pk)
        raise RuntimeError  # and in the middle of the third
    assert count(cast.alice) == half == (20, 60)
    run = steps(run, cast.alice)

    assert run.status == "imported"
    assert count(cast.alice) == (35, 105)
    assert (run.counts["sample.created"], run.counts["result.created"]) == (35, 105)
    assert {outcome for outcome, _why in rows(run).values()} == {"created"}


def test_a_revert_deletes_what_the_run_created_and_nobody_changed(cast: Cast) -> None:
    run = whole(cast.alice, LONG + "W-3,Dam,dam,22/11/2026,Omar,pH,7.5,,,\r\nW-3,Dam,dam,22/11/2026,Omar,Lead,2,µg/L,,\r\n")  # fmt: skip  # noqa: E501
    with tenant(cast.a.pk, by=cast.alice.actor()):
        second = samples(cast.alice)["W-2"]
        lab.result_create(sample=second.pk, data={"parameterName": "Lead", "value": "3", "unit": "µg/L"}, by=cast.alice)
        lab.result_update(id=results(cast.alice, "W-3")["PH"].pk, data={"value": "7.6"}, by=cast.alice)
        services.run_revert(run=run, reason="wrong file", by=cast.alice)

    run = steps(run, cast.alice)

    assert run.status == "reverted"
    assert set(samples(cast.alice)) == {"W-2", "W-3"}
    assert {(s.code, r.parameter.code) for s, r in _pairs(cast)} == {("W-2", "PB"), ("W-3", "PH")}
    assert {(item["entity"], item["name"], item["why"]) for item in run.left} == {
        ("sample", "W-2", "results"), ("sample", "W-3", "results"), ("result", "PH", "changed"),
    }  # fmt: skip
    with tenant(cast.a.pk):
        gone = AuditEntry.objects.filter(entity="sample", action=2)
        assert {(entry.reason, entry.via) for entry in gone} == {("wrong file", "import")}

    again = whole(cast.alice, LONG)  # what a revert took back may come again

    assert rows(again)[2][0] == "created"
    assert set(results(cast.alice, "W-1")) == {"NO3", "PB", "AS"}


def _pairs(cast: Cast) -> list[tuple[Sample, Result]]:
    with tenant(cast.a.pk):
        found = Result.objects.filter(deleted_at=None).select_related("sample", "parameter")
        return [(result.sample, result) for result in found]


def test_steps_are_taken_in_order_and_by_those_who_may(cast: Cast) -> None:
    run = upload(cast.alice, LONG)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        with pytest.raises(Conflict):
            services.run_import(run=run, by=cast.alice)
        with pytest.raises(Conflict):
            services.run_revert(run=run, reason="x", by=cast.alice)
        with pytest.raises(Denied):
            services.run_check(run=run, by=cast.carol)
        with pytest.raises(Denied):
            services.run_upload(file=io.BytesIO(b"a,b\n1,2"), name="x.csv", source=None, by=cast.bob)
        technician = cast.person("tim", "Technician", cast.a)
        with pytest.raises(Denied):
            services.run_revert(run=run, reason="x", by=technician)
    done = bring_in(check(run, cast.alice), cast.alice)
    with tenant(cast.a.pk, by=cast.alice.actor()), pytest.raises(Invalid):
        services.run_revert(run=done, reason=" ", by=cast.alice)
    assert count(cast.alice) == (2, 4)


def test_another_organisation_sees_nothing(cast: Cast) -> None:
    run = whole(cast.alice, LONG)

    with tenant(cast.b.pk, by=cast.mallory.actor()):
        assert services.step(run_id=run.pk) is None
        for model in (ImportRun, ImportSource, ImportRow, ImportPart, ImportRecord):
            assert not model.objects.exists()
    theirs = whole(cast.mallory, LONG)
    assert theirs.counts["sample.created"] == 2
    with tenant(cast.a.pk):
        assert ImportRun.objects.count() == 1


def test_an_upload_nobody_imported_is_thrown_away(cast: Cast) -> None:
    run, done = upload(cast.alice, LONG), whole(cast.alice, many(2))
    with tenant(cast.a.pk, by=cast.alice.actor()):
        with pytest.raises(Conflict):
            services.run_forget(run=done, by=cast.alice)
        services.run_forget(run=run, by=cast.alice)
        assert list(ImportRun.objects.all()) == [done]
    with platform():
        ImportRun.objects.update(finished_at="2026-01-01T00:00:00Z")
        services.purge()
        assert not ImportPart.objects.exists()
        assert not ImportRow.objects.exists()
    assert fresh(done).counts["sample.created"] == 2


def test_the_file_of_refused_rows_is_in_the_persons_language_and_harmless(cast: Cast) -> None:
    text = LONG + '=1+1,"@SUM(A1)",fire,20/11/2026,+Omar,pH,7,,,\r\n'
    with translation.override("fr"):
        run = check(upload(cast.alice, text), cast.alice)
        data = b"".join(selectors.refused_csv(run=run, by=cast.alice.actor(), skipped=False)).decode("utf-8-sig")

    table = list(csv.reader(io.StringIO(data)))
    assert table[0][3:] == ["Code", "Location", "Kind of water", "Date", "Collector", "Parameter", "Value", "Unit", "LOD", "LOQ"]  # fmt: skip  # noqa: E501
    assert [row[0] for row in table[1:]] == ["6", "7"]
    assert table[2][3:5] == ["'=1+1", "'@SUM(A1)"]
    assert table[2][7] == "'+Omar"


# --- WQX ----------------------------------------------------------------------------------------------
def exported(cast: Cast) -> bytes:
    with tenant(cast.a.pk):
        rows_ = Sample.objects.filter(deleted_at=None).order_by("pk")
        return b"".join(wqx_csv(rows_, by=cast.alice.actor(), organization=cast.a.pk))


@pytest.mark.covers("001-FR-017")
def test_an_export_imports_again_without_loss(cast: Cast) -> None:
    whole(cast.alice, LONG)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        sample = samples(cast.alice)["W-1"]
        lab.sample_update(
            id=sample.pk, by=cast.alice,
            data={"notes": "=line one\nline two", "latitude": 33.5951, "longitude": -7.61881, "status": "completed",
                  "receivedAt": "2026-11-20T10:00:00.250Z", "location": "@Anfa; \"tap\""},
        )  # fmt: skip
        first = results(cast.alice, "W-1")["NO3"]
        for data in (
            {"parameterName": "NO3", "value": "13.10", "unit": "mg/L", "replacesId": str(first.pk), "notes": "repeat"},
            {"parameterName": "CD", "value": "0.3", "qualifier": "<", "unit": "µg/L", "quantificationLimit": "0.3"},
            {"parameterName": "ECOLI", "value": "absent", "unit": "CFU/100 mL", "instrument": "Incubator 2"},
            {"parameterName": "ENTEROC", "value": "TNTC", "unit": "CFU/100 mL"},
            {"parameterName": "FE", "value": "0.2", "qualifier": "not_detected", "unit": "mg/L",
             "detectionLimit": "0.2"},
            {"parameterName": "ZN", "value": "5", "qualifier": "~", "unit": "µg/L", "uncertainty": "0.4",
             "dilutionFactor": 10},
            {"parameterName": "MN", "value": "> 900", "unit": "µg/L", "testDate": "2026-11-21T07:05:09Z",
             "technicianName": "Tim", "testMethod": "ISO 17294-2"},
            {"parameterName": "SALMON", "value": "present", "unit": "presence/L"},
        ):  # fmt: skip
            lab.result_create(sample=sample.pk, data=data, by=cast.alice)
        lab.sample_update(id=sample.pk, by=cast.alice, data={"status": "validated"})
    before = content(cast.alice)

    other = whole(cast.mallory, exported(cast), "samples-wqx.csv")

    assert {outcome for outcome, _why in rows(other).values()} == {"created"}, rows(other)
    assert content(cast.mallory) == before

    same = whole(cast.alice, exported(cast), "samples-wqx.csv")

    assert {outcome for outcome, _why in rows(same).values()} == {"unchanged"}, rows(same)
    assert content(cast.alice) == before


@pytest.mark.slow
@pytest.mark.covers("001-FR-017", "001-FR-024")
def test_the_shepherdstown_file_is_imported_with_every_other_row_explained(cast: Cast, capsys: Any) -> None:
    """Every tenth row of it, all with HYPOTHESIS_PROFILE=full."""
    head, *lines = gzip.decompress(public_file("wqp_shepherdstown.csv.gz").read_bytes()).splitlines(keepends=True)
    data = head + b"".join(lines if FULL else lines[::10])
    count_of_rows = 57_800 if FULL else 5_780
    began = time.monotonic()
    run = check(upload(cast.alice, data, "wqp_shepherdstown.csv"), cast.alice)
    run = bring_in(run, cast.alice)
    seconds = time.monotonic() - began

    assert (run.layout, run.rows) == ("wqx", count_of_rows)
    with tenant(cast.a.pk):
        outcomes = ImportRow.objects.filter(run=run)
        created = outcomes.filter(outcome="created").count()
        assert created > count_of_rows * 0.4
        assert not outcomes.exclude(outcome="created").filter(reasons=[]).exists()
        assert not outcomes.filter(outcome="").exists()
        assert not Result.objects.filter(qualifier__in=["<", "not_detected"], value__isnull=False).exists()
        assert not Result.objects.filter(value=0, notes__icontains="not detected").exists()
        assert Result.objects.count() == created
        file = b"".join(selectors.refused_csv(run=run, by=cast.alice.actor(), skipped=True))
    table = list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))
    assert len(table) - 1 == count_of_rows - created
    assert all(row[2] for row in table[1:])
    with capsys.disabled():
        print(f"\n{run.rows} rows checked and imported in {seconds:.0f} s; {run.counts}")


def test_a_non_detect_of_wqx_is_never_a_number(cast: Cast) -> None:
    source = list(csv.DictReader(io.StringIO(WQX)))
    run = whole(cast.alice, WQX)

    assert {line: outcome for line, (outcome, _why) in rows(run).items()} == {
        2: "created", 3: "created", 4: "created", 5: "created", 6: "skipped", 7: "skipped", 8: "created", 9: "created",
    }  # fmt: skip
    found = results(cast.alice)
    assert len(source) == 8
    assert (found["PB"].value_text, found["PB"].unit, found["PB"].value, found["PB"].quantification_limit) == ("<0.24", "µg/L", None, found["PB"].censoring_limit)  # fmt: skip  # noqa: E501
    assert (found["AS"].value_text, found["AS"].qualifier) == ("<0.01", "<")
    assert (found["CD"].value_text, found["CD"].value) == ("ND", None)
    assert (found["ZN"].value_text, found["ZN"].qualifier) == ("~3", "~")
    assert (found["NO3"].unit, found["NO3"].normalized_value) == ("mg/L N", 2 * Decimal("4.427"))
    assert found["COND"].unit == "µS/cm @25C"
    assert samples(cast.alice)["act-1"].collection_date.isoformat() == "2020-03-19T15:00:00+00:00"


WQX = (
    "OrganizationFormalName,ActivityIdentifier,ActivityTypeCode,ActivityMediaName,ActivityStartDate,"
    "ActivityStartTime/Time,ActivityStartTime/TimeZoneCode,MonitoringLocationIdentifier,CharacteristicName,"
    "ResultSampleFractionText,MethodSpeciationName,ResultMeasureValue,ResultMeasure/MeasureUnitCode,"
    "ResultDetectionConditionText,DetectionQuantitationLimitTypeName,"
    "DetectionQuantitationLimitMeasure/MeasureValue,DetectionQuantitationLimitMeasure/MeasureUnitCode\n"
    "USGS,act-1,Sample-Routine,Water,2020-03-19,11:00:00,EDT,SITE-1,Lead,Dissolved,,,,"
    "Not Detected,Lower Reporting Limit,0.24,ug/l\n"
    "USGS,act-1,Sample-Routine,Water,2020-03-19,11:00:00,EDT,SITE-1,Arsenic,Total,,<0.01,mg/l,Not Detected,,,\n"
    "USGS,act-1,Sample-Routine,Water,2020-03-19,11:00:00,EDT,SITE-1,Cadmium,Total,,0,ug/l,Not Detected,,,\n"
    "USGS,act-1,Sample-Routine,Water,2020-03-19,11:00:00,EDT,SITE-1,Zinc,Total,,3,ug/l,"
    "Between Inst Detect and Quant Limit,,5,ug/l\n"
    "USGS,act-2,Quality Control Sample-Field Blank,Water,2020-03-19,11:00:00,EDT,SITE-1,Zinc,Total,,3,ug/l,,,,\n"
    "USGS,act-1,Sample-Routine,Water,2020-03-19,11:00:00,EDT,SITE-1,Iron,Suspended,,3,ug/l,,,,\n"
    "USGS,act-1,Sample-Routine,Water,2020-03-19,11:00:00,EDT,SITE-1,Nitrate,Total,as N,2,mg/l,,,,\n"
    "USGS,act-1,Sample-Routine,Water,2020-03-19,11:00:00,EDT,SITE-1,Specific conductance,,,560,uS/cm,,,,\n"
)


@pytest.mark.slow
def test_a_hundred_thousand_rows(cast: Cast, capsys: Any) -> None:
    """Three parameters for each sample, by default of 1,000 samples; memory is measured by hand, speed printed."""
    samples = 33_334 if FULL else 1_000
    head, _sign, body = many(samples).partition("\n")
    data = f"{head}\n{body}".encode()
    began = time.monotonic()
    run = check(upload(cast.alice, data), cast.alice)
    between = time.monotonic()
    run = bring_in(run, cast.alice)
    ended = time.monotonic()

    assert (run.counts["sample.created"], run.counts["result.created"]) == (samples, 3 * samples)
    with capsys.disabled():
        print(
            f"\n{3 * samples} results: checked at {3 * samples / (between - began):.0f},"
            f" imported at {3 * samples / (ended - between):.0f} a second"
        )
