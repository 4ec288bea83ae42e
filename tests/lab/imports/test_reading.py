"""How files and cells are read: encodings, delimiters, heading rows, workbooks, bad files, values and dates."""

import io
import zipfile
from datetime import datetime
from typing import Any

import pytest

from portal.core.common import spreadsheets as files
from portal.core.common.errors import Invalid
from portal.core.common.spreadsheets import Format, inspect, table_rows
from portal.core.tenancy.scope import tenant
from portal.lab.imports.fields import aliases
from portal.lab.imports.mapping import Columns, guess, split_unit
from portal.lab.imports.models import Layout
from portal.lab.imports.reading import Fault, Reader, SampleDraft
from portal.lab.rulebook import rulebook
from portal.lab.science.names import normalise_name
from tests.core.people import Cast
from tests.lab.imports.work import workbook

KNOWN = frozenset(aliases())


def look(content: bytes | str, **more: Any) -> files.Table:
    data = content.encode() if isinstance(content, str) else content
    return inspect(io.BytesIO(data), known=KNOWN, spell=normalise_name, **more)


@pytest.mark.parametrize(
    ("text", "encoding", "found", "delimiter"),
    [
        ("code;lieu;valeur\nA;Forêt;7,2\n", "utf-8", "utf-8", ";"),
        ("code;lieu;valeur\nA;Forêt;7,2\n", "utf-8-sig", "utf-8", ";"),
        ("code\tlieu\tvaleur\nA\tForêt\t7,2\n", "utf-16", "utf-16", "\t"),
        ("code,lieu,valeur\nA,Foret,7.2\n", "utf-16-le", "utf-16-le", ","),
        ("code;lieu;valeur\nA;Forêt à l'été;7,2\n", "windows-1252", "windows-1252", ";"),
        ("الرمز;الموقع;القيمة\nA;بئر أحمد;7,2\n", "windows-1256", "windows-1256", ";"),
        ("code|place|value\nA|x|7.2\nB|y|8\n", "utf-8", "utf-8", "|"),
    ],
)
def test_encoding_and_delimiter_are_found(text: str, encoding: str, found: str, delimiter: str) -> None:
    table = look(text.encode(encoding))

    assert (table.format.encoding, table.format.delimiter) == (found, delimiter)
    assert table.headings == text.splitlines()[0].split(delimiter)
    assert table.rows[0][1] == text.splitlines()[1].split(delimiter)


def test_the_heading_row_is_found_below_a_preamble() -> None:
    text = "ICP-MS run 14,,\nOperator,Amina,\n\nSample ID,Analyte,Conc,Unit\nA,Lead,1.2,µg/L\n"

    table = look(text)

    assert table.format.header == 4
    assert table.headings == ["Sample ID", "Analyte", "Conc", "Unit"]
    assert table.rows == [(5, ["A", "Lead", "1.2", "µg/L"])]


def test_headings_that_stand_twice_are_numbered_and_named() -> None:
    table = look("code,value,value,\nA,1,2,3\n")

    assert table.headings == ["code", "value", "value (2)"]
    assert "value" in table.warnings[0]


def test_a_workbook_shows_what_its_cells_show() -> None:
    day = datetime(2026, 11, 20, 9, 15)  # noqa: DTZ001  (a cell has no zone)
    data = workbook(
        [["Code", "Date", "Value", "Note"], ["A", day, 7.2, True], ["B", None, 0.1, None]],
        formats={"C2": "0.00"},
        cover=True,
    )

    table = look(data)

    assert (table.format.sheet, table.sheets) == ("Data", ["Sheet", "Data"])
    assert [cells for _line, cells in table.rows] == [
        ["A", "2026-11-20 09:15", "7.20", "1"],
        ["B", "", "0.1"],
    ]


def test_merged_cells_keep_their_first_value() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (["Code", "Parameter", "Value"], ["A", "pH", 7], [None, "Lead", 1]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    file = io.BytesIO()
    book.save(file)

    assert [cells for _line, cells in look(file.getvalue()).rows] == [["A", "pH", "7"], ["", "Lead", "1"]]


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        with package.open("xl/worksheets/sheet1.xml", "w") as part:
            for _megabyte in range(401):
                part.write(b" " * 1024 * 1024)
    return file.getvalue()


def formulas() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["Code", "Value"])
    sheet.append(["A", "=1+1"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"   \n\n ", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, r"\.xls"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\2", "no table"),
        (b"%PDF-1.7 ...", "no table"),
        (b"<html><body>Sign in</body></html>", "no table"),
        (b"\x1f\x8b\x08\0", "packed"),
        (b"PK\x03\x04 not really a package", "damaged"),
        (b"code,value\n", "no row below"),
        (b'a,b\n"' + b"x" * 200_000 + b"\n", "cannot be read"),
        (bomb(), "too large"),
        (formulas(), "formulas without their values"),
        (",".join(f"c{n}" for n in range(500)).encode() + b"\n1\n", "more than 400 columns"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_file_is_refused_with_a_reason(content: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        list(table_rows(io.BytesIO(content), look(content).format))


def test_a_wrong_encoding_is_said() -> None:
    with pytest.raises(Invalid, match="choose another encoding"):
        look("code;lieu\nA;Forêt\n".encode("windows-1252"), chosen=Format("utf-8", ";"))


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ROWS", 10)

    with pytest.raises(Invalid, match="more than 10 rows"):
        list(table_rows(io.BytesIO(b"a,b\n" + b"1,2\n" * 20), Format()))


@pytest.mark.parametrize(
    ("heading", "split"),
    [
        ("Nitrate (mg/L)", ("Nitrate", "mg/L")),
        ("NO3 [mg/l NO3]", ("NO3", "mg/l NO3")),
        ("Fer_µg/L", ("Fer", "µg/L")),
        ("Hardness (total)", ("Hardness (total)", "")),
        ("النترات (ملغ/ل)", ("النترات", "ملغ/ل")),
    ],
)
def test_a_unit_in_the_heading_is_taken_off(heading: str, split: tuple[str, str]) -> None:
    assert split_unit(heading) == split


# --- cells -------------------------------------------------------------------------------
@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


def reader(cast: Cast, headings: list[str], **changes: Any) -> Reader:
    with tenant(cast.a.pk):
        rules = rulebook()
        _layout, mapping = guess(headings=headings, rows=[], format=Format(), rules=rules)
    for name, value in changes.items():
        setattr(mapping, name, value)
    return Reader(mapping, headings, rules)


def read(cast: Cast, headings: str, row: str, **changes: Any) -> SampleDraft:
    made = reader(cast, headings.split("|"), **changes)
    cells = row.split("|")
    (draft,) = made.samples([(1, made.sample_key(cells), 2, cells)])
    return draft


@pytest.mark.parametrize(
    ("headings", "layout"),
    [
        ("Code|Location|Date|Parameter|Value|Unit", Layout.LONG),
        ("Code|Lieu de prélèvement|Date de prélèvement|Paramètre|Résultat|Unité", Layout.LONG),
        ("رمز العينة|الموقع|تاريخ أخذ العينة|المعيار|النتيجة|الوحدة", Layout.LONG),
        ("Code|Location|Date|pH|Nitrate (mg/L)|Lead [µg/L]", Layout.WIDE),
        ("رمز العينة|الموقع|التاريخ|النترات (ملغ/ل)|الرصاص", Layout.WIDE),
        ("Sample Name|Analyte|Conc|Units|Acq. Date-Time", Layout.INSTRUMENT),
        (
            "ActivityIdentifier|ActivityStartDate|MonitoringLocationIdentifier|CharacteristicName|ResultMeasureValue",
            Layout.WQX,
        ),
    ],
)  # fmt: skip
def test_the_layout_is_guessed_in_three_languages(cast: Cast, headings: str, layout: Layout) -> None:
    with tenant(cast.a.pk):
        found, mapping = guess(headings=headings.split("|"), rows=[], format=Format(), rules=rulebook())

    assert found == layout
    assert set(mapping.columns) == set(headings.split("|"))


VALUES = "Code|Parameter|Value|Unit|Qualifier|LOD|LOQ"


@pytest.mark.covers("001-FR-024")
@pytest.mark.parametrize(
    ("row", "value", "qualifier"),
    [
        ("A|Lead|7.20|µg/L|||", "7.20", None),
        ("A|Lead|٧٫٢٠|µg/L|||", "٧٫٢٠", None),
        ("A|Lead|٠|µg/L|U||", "ND", None),
        ("A|Lead|> 900|µg/L|||", "> 900", None),
        ("A|Lead|0,05|µg/L|||", "0,05", None),
        ("A|Lead|<0.5|µg/L|||", "<0.5", None),
        ("A|Lead|ND|µg/L|||", "ND", None),
        ("A|Lead|non détecté|µg/L|||", "non détecté", None),
        ("A|Lead|غير مكتشف|µg/L|||", "غير مكتشف", None),
        ("A|Lead|0|µg/L|U|0.5|", "<0.5", None),
        ("A|Lead|0|µg/L|ND||", "ND", None),
        ("A|Lead|0.5|µg/L|U||", "<0.5", None),
        ("A|Lead||µg/L|U|0.5|", "<0.5", None),
        ("A|Lead|ND|µg/L|U|0.5|", "ND", None),
        ("A|Lead|n.n.|µg/L|||", "ND", None),
        ("A|Lead|<LOQ|µg/L|||1.5", "<1.5", None),
        ("A|Lead|3|µg/L|<||", "<3", None),
        ("A|Lead|3|µg/L|J||", "~3", None),
        ("A|Lead|1 234,5|µg/L|||", "1234,5", None),
    ],
)
def test_a_value_keeps_its_meaning(cast: Cast, row: str, value: str, qualifier: str | None) -> None:
    codes = {"U": "not_detected", "ND": "not_detected", "J": "~"}

    draft = read(cast, VALUES, row, qualifiers=codes, non_detect=["n.n."], create_samples=False)

    (found,) = draft.rows[0].results
    assert (found.data["value"], found.data.get("qualifier")) == (value, qualifier)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("A|Lead|<LOQ|µg/L|||", "needs the limit of quantification"),
        ("A|Lead||µg/L|||", "no value"),
        ("A||3|µg/L|||", "names no parameter"),
        ("A|Kryptonite|3|µg/L|||", "Kryptonite"),
        ("A|Lead|3|µg/L||x|", "is not a number"),
    ],
)
def test_what_cannot_be_read_is_said(cast: Cast, row: str, says: str) -> None:
    (fault,) = read(cast, VALUES, row, create_samples=False).rows[0].faults

    assert says in fault.message


def test_a_cell_without_measurement_is_left_out(cast: Cast) -> None:
    row = read(cast, VALUES, "A|Lead|n/a|µg/L|||", create_samples=False).rows[0]

    assert (row.results, row.faults, len(row.skipped)) == ([], [], 1)


@pytest.mark.parametrize(
    ("style", "typed", "read_as"),
    [
        ("point", "1,234.5", "1234.5"),
        ("comma", "1.234,5", "1234,5"),
        ("comma", "1.234", "1234"),
        ("point", "12.5", "12.5"),
    ],
)
def test_thousands_separators_are_taken_off_where_the_mapping_says_so(
    cast: Cast, style: str, typed: str, read_as: str
) -> None:
    assert reader(cast, ["Code"], decimal=style).number(typed, strict=False) == read_as


def test_the_wrong_decimal_sign_is_an_error(cast: Cast) -> None:
    with pytest.raises(Fault, match="decimal sign"):
        reader(cast, ["Code"], decimal="point").number("0,5")


@pytest.mark.parametrize(
    ("order", "day", "clock", "zone", "moment"),
    [
        ("dmy", "20/11/2026", "", "", "2026-11-20T00:00:00+01:00"),
        ("dmy", "20.11.26 9:05", "", "", "2026-11-20T09:05:00+01:00"),
        ("mdy", "11/20/2026", "2:30 PM", "", "2026-11-20T14:30:00+01:00"),
        ("dmy", "2026-11-20", "11:00:00", "EDT", "2026-11-20T11:00:00-04:00"),
        ("dmy", "٢٠/١١/٢٠٢٦", "٠٩:١٥", "", "2026-11-20T09:15:00+01:00"),
        ("ymd", "2026-11-20T09:15:30.250Z", "", "", "2026-11-20T09:15:30.250000+00:00"),
        ("dmy", "20261120", "9h15", "", "2026-11-20T09:15:00+01:00"),
    ],
)
def test_dates_are_read_in_the_order_and_zone_of_the_source(
    cast: Cast, order: str, day: str, clock: str, zone: str, moment: str
) -> None:
    assert reader(cast, ["Code"], dates=order, time_zone="Africa/Casablanca").moment(day, clock, zone) == moment


@pytest.mark.parametrize("day", ["", "31/02/2026", "yesterday", "13/13/2026", "99999999"])
def test_no_date_is_made_up(cast: Cast, day: str) -> None:
    with pytest.raises(Fault):
        reader(cast, ["Code"]).moment(day)


def test_a_mapping_survives_json() -> None:
    mapping = Columns(format=Format("utf-16", "\t", "", 3), columns={"a": "code"}, dates="mdy")

    assert Columns.from_json(mapping.as_json()) == mapping
