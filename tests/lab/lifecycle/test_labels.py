"""Labels: the bars are those of ISO/IEC 15417, the sheet has its places, Arabic runs from right to left."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pypdf import PdfReader

from portal.core.common.errors import Invalid
from portal.core.tenancy.scope import tenant
from portal.lab import services as lab
from portal.lab.lifecycle import barcode, labels, papers
from portal.lab.models import Sample
from tests.core.people import Cast

TAP = {"type": "drinking_water", "location": "بئر الحي 7", "collectionDate": "2026-03-20T09:15:00Z",
       "collectorName": "Amina"}  # fmt: skip


def read(values: list[int]) -> str:
    """Symbol values back to text, as a scanner does it."""
    text, packed = "", values[0] == 105
    for value in values[1:-2]:
        if value == (100 if packed else 99):  # to the other code; 99 among pairs of digits is one of them
            packed = not packed
        else:
            text += f"{value:02d}" if packed else chr(value + 32)
    return text


def test_known_symbols() -> None:
    # PJJ123C is the worked example of the encyclopaedias: 54 with start A, so 55 with start B
    assert barcode.symbols("PJJ123C") == [104, 48, 42, 42, 17, 18, 19, 35, 55, 106]
    assert barcode.symbols("1234") == [105, 12, 34, (105 + 12 + 2 * 34) % 103, 106]
    assert barcode.symbols("S-2026-000123")[:9] == [104, 51, 13, 18, 16, 18, 22, 13, 99]
    assert barcode.modules("A").startswith("11010010000" + "10100011000")
    assert barcode.modules("A").endswith("1100011101011")
    with pytest.raises(ValueError, match="ASCII"):
        barcode.symbols("عينة")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
@example("0099")
def test_every_text_is_read_back(text: str) -> None:
    values = barcode.symbols(text)
    row = barcode.modules(text)

    assert read(values) == text
    assert len(row) == 11 * (len(values) - 1) + 13
    assert row.startswith("11010")
    assert row.endswith("1100011101011")


def test_every_symbol_has_eleven_modules_and_its_own_pattern() -> None:
    widths = barcode._WIDTHS

    assert len(widths) == len(set(widths)) == 107
    assert {sum(map(int, width)) for width in widths[:-1]} == {11}


@pytest.mark.django_db
def test_sheets_have_their_places_and_their_language() -> None:
    cast = Cast()
    with tenant(cast.a.pk, by=cast.alice.actor()):
        for _n in range(3):
            lab.sample_create(data=TAP, by=cast.alice)
        samples = list(Sample.objects.order_by("code"))

        sheet = PdfReader(io.BytesIO(labels.labels_pdf(samples, sheet="a4-24", start=23, copies=2, language="ar")))
        roll = PdfReader(io.BytesIO(labels.labels_pdf(samples, sheet="roll-62", symbol="code128", language="fr")))
        paper = PdfReader(io.BytesIO(papers.custody_pdf(sample=samples[0])))

        codes = [[sample.code for sample in samples for _c in range(page.extract_text().count(sample.code))]
                 for page in sheet.pages]  # fmt: skip
        assert codes == [[samples[0].code] * 2, [samples[1].code] * 2 + [samples[2].code] * 2]
        assert len(roll.pages) == 3
        assert [round(float(side) / 72 * 25.4) for side in roll.pages[0].mediabox[2:]] == [62, 29]
        assert samples[0].code in paper.pages[0].extract_text()
        for wrong in ({"sheet": "a0"}, {"symbol": "ean"}, {"start": 25}, {"copies": 0}, {"copies": 21}):
            with pytest.raises(Invalid):
                labels.labels_pdf(samples, **{"sheet": "a4-24", **wrong})  # type: ignore[arg-type]
