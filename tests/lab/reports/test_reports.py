"""Issue, freeze, render and export reports."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import openpyxl
import pypdf
import pytest
from django.utils import translation
from procrastinate.contrib.django.models import ProcrastinateJob

from portal.core.audit.models import Action, AuditEntry
from portal.core.common.errors import Conflict, Denied, Invalid, NotFound
from portal.core.common.frozen import snapshot_hash
from portal.core.jobs.tasks import Running
from portal.core.tenancy.scope import Actor, tenant
from portal.lab.jobs import report_pdf, report_xlsx
from portal.lab.models import ComplianceReport, ReportFile
from portal.lab.reports import exports, selectors, services
from portal.lab.reports.wording import Wording, report_json
from tests.core.people import Cast
from tests.lab.reports import data

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Iterator[Cast]:
    cast = Cast()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        yield cast


def issue(cast: Cast, **more: object) -> ComplianceReport:
    return services.report_issue(**{"filters": {}, "language": "en", "title": "", "by": cast.alice} | more)  # type: ignore[arg-type]


def test_numbers_follow_each_other_and_the_content_is_frozen(cast: Cast) -> None:
    data.fill(cast.alice, samples=5)
    first = issue(cast, filters={"type": "drinking_water", "unknown": 1})
    before = report_json(first)

    data.fill(cast.alice, samples=0)
    data.sample(cast.alice, 900, at=datetime(2026, 5, 1, tzinfo=UTC))
    second = issue(cast, filters={"type": "drinking_water"})

    year = first.generated_at.year
    assert [first.number, second.number] == [f"CR-{year}-000001", f"CR-{year}-000002"]
    kept = selectors.report_get(id=first.pk)
    assert report_json(kept) == before
    assert snapshot_hash(kept.content) == kept.snapshot_hash
    assert services.report_check(kept)
    assert second.snapshot_hash != first.snapshot_hash
    assert second.content["figures"]["summary"]["samples"] == before["summary"]["samples"] + 1


def test_the_same_data_gives_the_same_figures_and_one_report_one_hash(cast: Cast) -> None:
    data.fill(cast.alice, samples=5)

    made = [issue(cast, language=language) for language in ("ar", "fr", "en")]

    assert len({snapshot_hash(report.content["figures"]) for report in made}) == 1
    assert len({report.snapshot_hash for report in made}) == 3  # a number and a moment of its own each
    assert len({report_json(made[0], language=language)["snapshotHash"] for language in ("ar", "fr", "en")}) == 1


@pytest.mark.covers("C85")
def test_an_amendment_is_a_new_number_that_says_what_changed(cast: Cast) -> None:
    one = data.sample(cast.alice, 1, at=datetime(2026, 5, 1, tzinfo=UTC), compliance_status="pass")
    old = issue(cast, title="May", filters={"dateFrom": "2026-05-01"})
    nitrate = data.catalogue()["NO3"]
    data.result(one, nitrate, text="57.31", verdicts=[data.verdict("MA", "FAIL", compared=57.31)])

    new = services.report_amend(report=old, reason=" A late result. ", by=cast.alice)

    assert (new.amends, new.reason, new.title, new.filters) == (old, "A late result.", "May", old.filters)
    assert new.number != old.number
    found = report_json(new)["amendment"]
    assert (found["number"], found["reason"], found["more"]) == (old.number, "A late result.", 0)
    assert {(row["what"], row["about"], row["from"], row["to"]) for row in found["lines"]} == {
        ("summary.results", "", "0", "1"),
        ("standard.evaluated", "MA 2020", "0", "1"),
        ("standard.fail", "MA 2020", "0", "1"),
        ("exceedance", "S-2026-000001 · NO3 · MA", "", "57.31 mg/L"),
    }
    kept = selectors.report_get(id=old.pk)
    assert (kept.content, kept.snapshot_hash) == (old.content, old.snapshot_hash)
    assert report_json(kept)["amendedBy"] == new.number
    with pytest.raises(Conflict) as refusal:
        services.report_amend(report=kept, reason="again", by=cast.alice)
    assert refusal.value.code == "ALREADY_AMENDED"
    with pytest.raises(Invalid):
        services.report_amend(report=new, reason=" ", by=cast.alice)
    assert ComplianceReport.objects.count() == 2


def test_trends_and_coordinates_are_those_of_the_samples(cast: Cast) -> None:
    nitrate = data.catalogue()["NO3"]
    for number, value in enumerate((57.31, 40, 61.2)):
        at = datetime(2026, 5, 1 + number, tzinfo=UTC)
        one = data.sample(cast.alice, number, at=at, latitude=33.5 + number, longitude=-7.5, compliance_status="fail")
        word = "FAIL" if value > 50 else "PASS"
        data.result(one, nitrate, text=str(value), verdicts=[data.verdict("MA", word, compared=value)])

    figures = issue(cast).content["figures"]

    [site] = figures["sites"]
    assert (site["latitude"], site["longitude"], site["fail"]) == (34.5, -7.5, 3)
    [trend] = figures["trends"]
    assert (trend["parameterCode"], trend["standard"], trend["lower"], trend["upper"]) == ("NO3", "MA", None, 50)
    assert [(point["at"], point["value"], point["verdict"]) for point in trend["points"]] == [
        ("2026-05-01T00:00:00Z", 57.31, "FAIL"),
        ("2026-05-02T00:00:00Z", 40, "PASS"),
        ("2026-05-03T00:00:00Z", 61.2, "FAIL"),
    ]


def test_the_wire_form_has_the_fields_of_the_contract(cast: Cast) -> None:
    one = data.sample(cast.alice, 1, at=datetime(2026, 5, 1, tzinfo=UTC), compliance_status="fail")
    row = data.result(one, data.catalogue()["NO3"], text="57.31", verdicts=[data.verdict("MA", "FAIL", compared=57.31)])

    report = issue(cast, language="fr", title="  Eau d'avril ")
    wire = report_json(report)

    assert wire["title"] == "Eau d'avril"
    assert selectors.report_search(selectors.report_list(), "D'ÀVRIL eau").get() == report
    assert not selectors.report_search(selectors.report_list(), "eau mai").exists()
    assert wire["language"] == "fr"
    assert wire["generatedBy"] == str(cast.alice.pk)
    assert wire["snapshotHash"] == report.snapshot_hash
    assert wire["verifyUrl"].endswith(f"/verify/{report.number}?h={report.snapshot_hash[7:]}")
    assert wire["summary"]["percentConforming"] == 0.0
    [exceedance] = wire["exceedances"]
    assert exceedance | {
        "sampleId": str(one.pk), "sampleCode": "S-2026-000001", "location": "Anfa, tap 4", "parameterCode": "NO3",
        "collectionDate": "2026-05-01T00:00:00Z", "parameterName": "Nitrates", "valueText": "57.31", "unit": "mg/L",
        "standard": "MA", "limit": 50, "verdict": "FAIL", "resultId": str(row.pk),
    } == exceedance  # fmt: skip
    assert report_json(report, language="ar")["exceedances"][0]["parameterName"] == "النترات"


@pytest.mark.parametrize(
    ("more", "field"), [({"language": "de"}, "language"), ({"title": "x" * 201}, "title"), ({"title": 7}, "title")]
)
def test_a_bad_language_or_title_leaves_nothing(cast: Cast, more: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        issue(cast, **more)

    assert refusal.value.errors[0].field == field
    assert not ComplianceReport.objects.exists()


def test_a_viewer_issues_nothing(cast: Cast) -> None:
    with pytest.raises(Denied):
        issue(cast, by=cast.carol)

    assert not ComplianceReport.objects.exists()


def test_another_organisation_finds_nothing(cast: Cast) -> None:
    report = issue(cast)

    with tenant(cast.b.pk, by=cast.mallory.actor()), pytest.raises(NotFound):
        selectors.report_get(id=report.pk)


def test_three_pdfs_carry_the_same_numbers(cast: Cast) -> None:
    data.fill(cast.alice, samples=40)
    report = issue(cast, title="Eau")

    words, numbers = {}, {}
    for language in ("ar", "fr", "en"):
        file = services.report_file(report=report, language=language)
        assert file is not None
        reader = pypdf.PdfReader(io.BytesIO(file.content))
        root = reader.trailer["/Root"]
        assert root["/Lang"] == language
        assert root["/MarkInfo"]["/Marked"]
        assert root["/ViewerPreferences"]["/DisplayDocTitle"]
        assert reader.metadata is not None
        assert reader.metadata.title == f"{report.number} – Eau"
        assert b"pdfuaid:part" in reader.xmp_metadata.stream.get_data()  # type: ignore[union-attr]
        fonts = {font for page in reader.pages for font in page["/Resources"]["/Font"].values()}
        assert all("/FontFile" in str(f.get_object()["/DescendantFonts"][0]["/FontDescriptor"]) for f in fonts)
        words[language] = " ".join(page.extract_text() for page in reader.pages)
        pages = [page.extract_text(extraction_mode="layout").rstrip().splitlines() for page in reader.pages]
        assert all(report.number in page[-1] for page in pages)  # the foot: number, page x of y
        text = "\n".join(line for page in pages for line in page[:-1])
        numbers[language] = sorted(re.findall(r"-?\d+(?:\.\d+)?", text))

    assert numbers["ar"] == numbers["fr"] == numbers["en"]
    assert len(numbers["en"]) > 300
    assert not re.search("[\u0660-\u0669\u06f0-\u06f9]", words["ar"])
    summary = report.content["figures"]["summary"]
    assert f"{summary['percentConforming']:.2f}" in numbers["ar"]
    assert "النترات" in words["ar"]
    assert "Nitrates" in words["fr"]


def test_a_pdf_is_made_once(cast: Cast) -> None:
    report = issue(cast)

    first = services.report_file(report=report, language="ar")
    second = services.report_file(report=report, language="ar")

    assert first == second
    assert ReportFile.objects.count() == 1
    with pytest.raises(Invalid):
        services.report_file(report=report, language="xx")


def test_a_long_report_is_left_to_a_worker_and_queued_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ROWS_AT_ONCE", 2)
    data.fill(cast.alice, samples=10)
    report = issue(cast)

    assert services.report_file(report=report, language="fr") is None
    assert services.report_file(report=report, language="fr") is None

    assert ProcrastinateJob.objects.filter(task_name="lab.report_pdf").count() == 1
    running = Running(report.pk, cast.a.pk, Actor())
    assert report_pdf(running, report=str(report.pk), language="fr") == {"reportId": str(report.pk), "language": "fr"}
    file = services.report_file(report=report, language="fr")
    assert file is not None
    assert bytes(file.content).startswith(b"%PDF")

    assert services.report_file(report=report, language="fr", kind=ReportFile.Kind.XLSX) is not None  # short enough
    monkeypatch.setattr(services, "LINES_AT_ONCE", 2)
    monkeypatch.setattr(exports, "STEP", 1)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(Running, "progress", lambda self, done, total: told.append((done, total)))
    assert services.report_file(report=report, language="ar", kind=ReportFile.Kind.XLSX) is None
    assert ProcrastinateJob.objects.filter(task_name="lab.report_xlsx").count() == 1
    report_xlsx(running, report=str(report.pk), language="ar")
    book = services.report_file(report=report, language="ar", kind=ReportFile.Kind.XLSX)
    assert book is not None
    assert len(openpyxl.load_workbook(io.BytesIO(bytes(book.content))).sheetnames) == 5
    rows = sum(len(report.content["figures"][name]) for name in ("exceedances", "sites", "excluded"))
    assert (told[0], told[-1]) == ((1, rows), (rows, rows))


def test_page_and_pdf_mirror_in_arabic(cast: Cast) -> None:
    data.fill(cast.alice, samples=5)
    report = issue(cast)

    with translation.override("ar"):
        words = Wording(report, "ar")
        assert words.rtl
        assert words.months[0]["bar"] != Wording(report, "en").months[0]["bar"]


def test_csv_guards_formulas_and_keeps_negative_numbers(cast: Cast) -> None:
    report_rows = data.catalogue()
    one = data.sample(cast.alice, 1, at=datetime(2026, 5, 1, tzinfo=UTC), location="=HYPERLINK(1)")
    data.result(one, report_rows["NO3"], text="-3.5", verdicts=[data.verdict("MA", "FAIL", compared=-3.5)])
    data.result(one, report_rows["PB"], text="1", verdicts=[data.verdict("MA", "NOT_EVALUATED", reason="REJECTED")])

    lines = exports.report_csv(issue(cast)).decode("utf-8-sig").split("\r\n")

    assert lines[0].startswith("reportNumber,sampleCode,collectionDate,location,")
    assert "'=HYPERLINK(1),NO3,Nitrate,-3.5,mg/L,-3.5,50,mg/L,MA,2020,legal,FAIL,ABOVE_LIMIT,False" in lines[1]
    assert "EXCLUDED,REJECTED" in lines[2]
    assert exports.report_csv(issue(cast)).startswith(b"\xef\xbb\xbf")


def test_xlsx_holds_no_formula(cast: Cast) -> None:
    data.fill(cast.alice, samples=40)
    report = issue(cast)

    book = openpyxl.load_workbook(io.BytesIO(exports.report_xlsx(report, "ar")))

    assert len(book.sheetnames) == 5
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any(cell.value == "=HYPERLINK(1)" for cell in cells)
    assert all(cell.data_type != "f" for cell in cells)
    assert all(sheet.sheet_view.rightToLeft for sheet in book)
    exceedances = book.worksheets[3]
    assert exceedances.max_row == 1 + len(report.content["figures"]["exceedances"])


def test_taking_a_report_away_is_audited(cast: Cast) -> None:
    report = issue(cast)

    services.export_noted(report=report, format="pdf-ar")

    entry = AuditEntry.objects.get(action=Action.EXPORT)
    assert (entry.entity, entry.object_pk, entry.object_repr) == ("report", str(report.pk), report.number)
    assert entry.actor_id == cast.alice.pk
