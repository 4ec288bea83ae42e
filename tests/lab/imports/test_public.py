"""`import_samples` and `agreement`: files of public water data through the engine, end to end.

`estonia_extract.csv` has the layout of the Estonian open data; its places and values are made up.
"""

import csv
import gzip
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.core.audit.models import AuditEntry
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from portal.lab.imports.public import SOURCES, agreement, record_id, samples_import
from portal.lab.models import Result, Sample, StandardChoice
from portal.lab.services import sample_update
from tests.core.people import Cast
from tests.lab.public_data import public_file

pytestmark = pytest.mark.django_db
EXTRACT = Path(__file__).parent.with_name("estonia_extract.csv")
ESTONIA = SOURCES["estonia"]


@pytest.fixture
def lab() -> Organization:
    """An organisation under the European limits."""
    with platform():
        organization = Organization.objects.create(name="Lab", domain="lab.test", time_zone="Europe/Tallinn")
    with tenant(organization.pk):
        for key, role in (("EU", "legal"), ("MA", ""), ("WHO", ""), ("EPA", "")):
            StandardChoice.objects.create(organization=organization, key=key, role=role)
    return organization


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def versions(organization: Organization) -> dict[Any, int]:
    with tenant(organization.pk):
        return dict(Sample.objects.values_list("pk", "version")) | dict(Result.objects.values_list("pk", "version"))


@pytest.mark.covers("001-FR-017", "001-FR-025")
def test_a_file_is_imported_once_with_verdicts_and_audit(lab: Organization, tmp_path: Path) -> None:
    errors = tmp_path / "errors.csv"

    output = run("import_samples", "estonia", str(EXTRACT), organization="LAB.test", errors=errors)

    assert "21 samples with 115 results" in output
    assert "  created: 135\n" in output
    assert "  error: 1\n" in output
    assert "       1 not in the catalogue: pseudomonas" in output
    with errors.open(encoding="utf-8", newline="") as file:
        [refused] = csv.DictReader(file)
    assert (refused["sample"], refused["result"], refused["code"]) == ("90031-0", "free_chlorine", "VALIDATION_ERROR")
    assert refused["message"] == "The value must lie between 0 and 20 mg/L Cl2."
    with tenant(lab.pk):
        sample = Sample.objects.get(pk=record_id(lab.pk, "estonia", "90020-0"))
        assert (sample.code, sample.location, sample.type) == ("EE-90020-0", "Roostevälja veevärk", "drinking_water")
        assert sample.collection_date.isoformat() == "2023-03-02T08:15:00+00:00"
        assert (sample.result_count, sample.compliance_status) == (6, "fail")
        iron = sample.results.get(parameter__code="FE")
        assert (iron.value_text, iron.unit, iron.normalized_value, iron.normalized_unit) == (
            "0.378",
            "mg/L",
            378,
            "µg/L",
        )
        assert [(v["standard"], v["verdict"]) for v in iron.verdicts] == [("EU", "FAIL")]
        trail = AuditEntry.objects.filter(object_pk=str(sample.pk))
        assert [(entry.via, entry.actor_name) for entry in trail] == [("import", "import_samples")]


@pytest.mark.covers("001-FR-034")
def test_a_second_import_changes_nothing(lab: Organization, tmp_path: Path) -> None:
    packed = tmp_path / "data.csv.gz"
    packed.write_bytes(gzip.compress(EXTRACT.read_bytes()))
    first = samples_import(source=ESTONIA, path=packed, organization=lab.pk)
    before = versions(lab)
    with platform():
        audited = AuditEntry.objects.count()

    second = samples_import(source=ESTONIA, path=packed, organization=lab.pk)

    assert first.counts == Counter(created=135, error=1)
    assert second.counts == Counter(unchanged=135, error=1)
    assert versions(lab) == before
    with platform():
        assert AuditEntry.objects.count() == audited


def test_an_edit_made_after_the_file_was_written_stays(lab: Organization) -> None:
    alice = Cast(a=lab).alice
    samples_import(source=ESTONIA, path=EXTRACT, organization=lab.pk)
    id = record_id(lab.pk, "estonia", "90000-0")
    with tenant(lab.pk, by=alice.actor()):
        sample_update(id=id, data={"location": "Kaev 7"}, by=alice)

    report = samples_import(source=ESTONIA, path=EXTRACT, organization=lab.pk)

    assert (report.counts["conflict"], report.counts["updated"]) == (1, 0)
    with tenant(lab.pk):
        assert Sample.objects.get(pk=id).location == "Kaev 7"


def test_a_dry_run_and_a_limit(lab: Organization) -> None:
    output = run("import_samples", "estonia", str(EXTRACT), organization="lab.test", dry_run=True, limit=2)

    assert "2 samples with 12 results" in output
    assert "nothing was written" in output
    assert "  created: 14\n" in output
    assert versions(lab) == {}


def test_two_organisations_import_the_same_file(lab: Organization) -> None:
    with platform():
        other = Organization.objects.create(name="Other")

    for organization in (lab, other):
        report = samples_import(source=ESTONIA, path=EXTRACT, organization=organization.pk)
        assert report.counts == Counter(created=135, error=1)

    assert not versions(lab).keys() & versions(other).keys()


INL = [
    {"parm_short_nm": "Nitrate, wf", "unit_cd": "mg/L as N", "result_va": "1.5", "meth_cd": "IC022", "pcode": "00618"},
    {"parm_short_nm": "Cadmium, wf", "unit_cd": "ug/L", "remark_cd": "<", "result_va": "8", "pcode": "01025"}
    | {"rpt_lev_cd": "MRL", "rpt_lev_va": "8"},
    {"parm_short_nm": "Tritium, wu", "unit_cd": "pCi/L", "result_va": "1200", "lab_sd_va": "100", "pcode": "07000"},
    {"parm_short_nm": "Sampler type", "unit_cd": "code", "result_va": "4010", "pcode": "84164"},
    {"parm_short_nm": "Nitrite, wf", "unit_cd": "mg/L as N", "pcode": "00613"},
    {"parm_short_nm": "Nitrate, wf", "result_va": "0.1", "pcode": "00618", "medium_cd": "OAQ", "sample_id": "A2"},
]


def test_groundwater_keeps_censoring_uncertainty_and_limits(lab: Organization, tmp_path: Path) -> None:
    path = tmp_path / "inl.csv"
    same = {"site_nm": "Well 1", "site_no": "433000112300001", "sample_dt": "1998-07-07 18:00:00", "sample_id": "A1"}
    same |= {"medium_cd": "WG", "sample_type_cd": "9", "db_no": "01"}
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, sorted(SOURCES["inl"].columns), restval="")
        table.writeheader()
        table.writerows(same | row for row in INL)

    output = run("import_samples", "inl", str(path), organization="lab.test")

    assert "1 samples with 3 results" in output
    assert "no sample of the water (blanks and reference material)" in output
    assert "no measurement of the water: Sampler type" in output
    assert "no value: Nitrite, wf" in output
    with tenant(lab.pk):
        sample = Sample.objects.get()
        assert (sample.type, sample.latitude, sample.longitude) == ("groundwater", 43.5, -112.5)
        assert sample.collection_date.isoformat() == "1998-07-08T00:00:00+00:00"
        by_code = {result.parameter.code: result for result in sample.results.select_related("parameter")}
        assert by_code["CD"].value is None
        assert (by_code["CD"].censoring_limit, by_code["CD"].quantification_limit) == (8, 8)
        assert by_code["CD"].verdicts[0]["verdict"] == "INDETERMINATE"
        assert by_code["H3"].uncertainty == 200
        assert (by_code["NO3"].unit, by_code["NO3"].test_method) == ("mg/L N", "IC022")


def test_wrong_calls_are_refused_in_one_line(lab: Organization, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\x1f\x8bnothing packed")

    with pytest.raises(CommandError, match="there is no file"):
        run("import_samples", "estonia", str(tmp_path / "none.csv"), organization="lab.test")
    with pytest.raises(CommandError, match=r"no column domain, lat, lon, parameter, place"):
        run("import_samples", "estonia", str(wrong), organization="lab.test")
    with pytest.raises(CommandError, match="cannot be read"):
        run("import_samples", "estonia", str(binary), organization="lab.test")
    with pytest.raises(CommandError, match=r"no organisation has the domain 'nowhere.test'; there are: lab.test"):
        run("import_samples", "estonia", str(EXTRACT), organization="nowhere.test")
    with pytest.raises(CommandError, match="invalid choice"):
        run("import_samples", "mars", str(EXTRACT), organization="lab.test")
    with pytest.raises(CommandError, match="at least 1"):
        run("import_samples", "estonia", str(EXTRACT), organization="lab.test", limit=0)
    with pytest.raises(CommandError, match="run import_samples first"):
        run("agreement", str(EXTRACT), organization="lab.test")
    assert versions(lab) == {}


@pytest.mark.covers("001-FR-025")
def test_agreement_counts_stored_verdicts(lab: Organization) -> None:
    run("import_samples", "estonia", str(EXTRACT), organization="lab.test", verbosity=0)

    output = run("agreement", str(EXTRACT), organization="lab.test")

    assert "18 samples: 88.89 % agree under EU" in output
    assert "   1 FE: ABOVE_LIMIT under EU, the authority says compliant" in output
    assert "   1 -: no stored result fails under EU, the authority says not compliant" in output


@pytest.mark.slow
@pytest.mark.covers("001-FR-017", "001-FR-025")
def test_agreement_with_the_whole_public_file(lab: Organization, capsys: pytest.CaptureFixture[str]) -> None:
    path = public_file("estonia_water.csv.gz")

    report = samples_import(source=ESTONIA, path=path, organization=lab.pk)
    found = agreement(path=path, organization=lab.pk, standard="EU")

    assert report.samples > 8000
    assert report.counts["created"] > 50_000
    assert (found.absent, found.samples) == (0, 4740)
    with capsys.disabled():
        print(f"\n{found.samples} samples through the engine: {found.percent:.2f} % agree")
    assert found.percent >= 98
