"""What stands on paper: an auditor's checklist (ISO/IEC 17025:2017, 7.8), and the same numbers in every language."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import transaction

from portal.lab.certificates.wording import CertificateWording
from portal.lab.reports.wording import verify_url
from tests.core.people import Cast
from tests.lab.certificates import paper
from tests.lab.certificates.paper import Issued, Paper

KINDS = ("certificate", "report")


@pytest.fixture(scope="module")
def issued(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Issued]:
    """Made once, since PDFs are slow; the database is left as it was."""
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        made = paper.issue(Cast())
        transaction.set_rollback(True)
    return made


def of(issued: Issued, kind: str, language: str) -> Paper:
    return issued.papers[f"{kind} {language}"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.covers("001-FR-053")
def test_three_languages_carry_the_same_numbers(issued: Issued, kind: str) -> None:
    numbers = {language: of(issued, kind, language).numbers for language in paper.LANGUAGES}

    assert numbers["ar"] == numbers["fr"] == numbers["en"]
    assert len(numbers["en"]) > 60
    assert not re.search("[\u0660-\u0669\u06f0-\u06f9]", of(issued, kind, "ar").text)


@pytest.mark.parametrize("language", paper.LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_paper_is_tagged_titled_and_numbered(issued: Issued, kind: str, language: str) -> None:
    document, held = getattr(issued, kind), of(issued, kind, language)

    assert held.root["/Lang"] == language
    assert held.root["/MarkInfo"]["/Marked"]
    assert held.root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert held.title.startswith(f"{document.number} – ")
    assert held.ua
    assert held.embedded
    for page, (*_body, foot) in enumerate(held.lines, 1):  # number, page x of y
        assert document.number in foot
        shown = re.findall(r"\d+", foot.replace(document.number, ""))
        assert sorted(shown) == sorted([str(page), str(len(held.lines))])
    end = "\n".join(held.lines[-1])
    assert end.count(document.number) >= 2  # end mark and foot
    assert document.snapshot_hash in re.sub(r"\s", "", "".join(held.lines[0]))


CERTIFICATE: dict[str, Callable[[str], bool]] = {
    "title": lambda text: "Certificate of analysis" in text,
    "laboratory": lambda text: text.startswith("A "),
    "place of activity": lambda text: "Place of the analyses" in text,
    "end mark": lambda text: "End of certificate CA-" in text,
    "customer": lambda text: "Commune d'Anfa" in text and "hygiene@anfa.example" in text,
    "item": lambda text: "S-2026-" in text and "Drinking water" in text,
    "condition": lambda text: "Sterile bottle, 4.2 °C, seal intact" in text,
    "coordinates": lambda text: "33.59000, -7.62000" in text,
    "date of sampling": lambda text: "2026-11-02 08:00" in text,
    "date of receipt": lambda text: "2026-11-02 10:30" in text,
    "dates of analysis": lambda text: "2026-11-02 – 2026-11-05" in text,
    "date of issue": lambda text: re.search(r"Issued \d{4}-\d\d-\d\d \d\d:\d\d UTC", text) is not None,
    "sampling method": lambda text: "ISO 5667-5:2006, plan P-03" in text,
    "methods with edition": lambda text: all(
        method in text for method in ("ISO 10304-1:2007", "ISO 17294-2:2023", "ISO 10523:2008", "ISO 9308-1:2014")
    ),
    "results with units": lambda text: all(
        value in text for value in ("57.31 mg/L NO3", "<1 µg/L", "7.20 pH unit", "absent CFU/100 mL", "41.70 mg/L")
    ),
    "uncertainty": lambda text: "3.4" in text and "coverage factor k = 2" in text,
    "limit of quantification": lambda text: "LOQ" in text and "0.5" in text,
    "conformity with edition": lambda text: "MA 2020" in text and "Does not conform: Nitrate (as NO3)." in text,
    "decision rule": lambda text: "Simple acceptance" in text,
    "provisional limits": lambda text: "provisional" in text,
    "deviations": lambda text: "Turbidity was read 40 min after arrival." in text,
    "external providers": lambda text: "Laboratoire Atlas" in text,
    "authoriser": lambda text: "Authorised by alice" in text,
    "only the items tested": lambda text: "relate only to the items tested" in text,
    "only in full": lambda text: "may be reproduced only in full" in text,
    "address of the verification page": lambda text: "/verify/CA-" in text.replace(" ", ""),
    "no result that was repeated": lambda text: paper.WITHDRAWN not in text,
}
REPORT: dict[str, Callable[[str], bool]] = {
    "title": lambda text: "Compliance report" in text,
    "laboratory": lambda text: text.startswith("A "),
    "end mark": lambda text: "End of report CR-" in text,
    "filters": lambda text: "Period 2026-11-01 – " in text,
    "issuer and date": lambda text: (
        re.search(r"Issued \d{4}-\d\d-\d\d \d\d:\d\d UTC Issued by alice", text) is not None
    ),
    "editions": lambda text: "MA 2020" in text and "WHO 2022" in text,
    "per site: taken, evaluated, censored, indeterminate": lambda text: (
        "No. Location Samples Evaluated Censored Indeterminate Exceedances Conforming share Worst value" in text
    ),
    "sites": lambda text: "Réservoir (B-3)" in text,
    "share that conforms": lambda text: "33.33 %" in text,
    "worst value with date": lambda text: "Nitrate (as NO3): 61.2 mg/L NO3 2026-11-09" in text,
    "exceedances with limit": lambda text: "57.31 mg/L NO3" in text and "MA 50" in text,
    "months": lambda text: "2026-11" in text,
    "map": lambda text: "Map of the sites" in text and "km long, north is up" in text,
    "trends": lambda text: "57.31 – 61.2 mg/L NO3" in text and "limit MA 50" in text,
    "excluded with reason": lambda text: f"{paper.WITHDRAWN} mg/L A repeated analysis replaced the result." in text,
    "decision rule": lambda text: "Simple acceptance" in text,
    "censored values": lambda text: "never counts as zero" in text,
    "only the items tested": lambda text: "relates only to the items tested" in text,
    "address of the verification page": lambda text: "/verify/CR-" in text.replace(" ", ""),
}


@pytest.mark.parametrize("point", CERTIFICATE)
def test_the_checklist_of_a_certificate(issued: Issued, point: str) -> None:
    assert CERTIFICATE[point](of(issued, "certificate", "en").text)


@pytest.mark.parametrize("point", REPORT)
def test_the_checklist_of_a_report(issued: Issued, point: str) -> None:
    assert REPORT[point](of(issued, "report", "en").text)


def test_an_amendment_names_the_old_one_the_reason_and_the_changes(issued: Issued) -> None:
    text = of(issued, "amendment", "en").text

    assert f"Amendment: replaces certificate {issued.certificate.number} of " in text
    assert "Reason: Nitrate was copied wrongly." in text
    assert "Nitrate (as NO3): result 57.31 mg/L NO3 47.31 mg/L NO3" in text
    assert issued.amendment.number != issued.certificate.number


def test_arabic_says_what_english_says_and_keeps_values_whole(issued: Issued) -> None:
    text = of(issued, "certificate", "ar").text
    words = CertificateWording(issued.certificate, "ar")

    assert words.parameter_name("PB") == "الرصاص"
    for whole in ("57.31", "<1", "ISO 5667-5:2006, plan P-03", "33.59000, -7.62000", "2026-11-02 – 2026-11-05"):
        assert whole in text


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm (poppler-utils) draws the page")
@pytest.mark.parametrize("kind", ["certificate", "report"])
def test_the_printed_code_leads_to_the_verification_page(issued: Issued, kind: str, tmp_path: Path) -> None:
    read = paper.read_code(of(issued, kind, "en").content, tmp_path)

    document = getattr(issued, kind)
    assert read == verify_url(document)
    assert read.endswith(f"/verify/{document.number}?h={document.snapshot_hash.removeprefix('sha256:')}")
