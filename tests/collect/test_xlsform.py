# ruff: noqa: E501, ISC004
"""Workbooks of the XLSForm standard: what its own examples use imports, checks answers as it says and exports again."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from pyxform.xls2xform import convert

from portal.collect.language import read_schema
from portal.collect.language.xlsform import Imported, read_workbook, write_workbook
from portal.core.common.errors import Invalid

NOW = datetime(2026, 2, 14, 12, tzinfo=UTC)


def book(**sheets: list[list[Any]]) -> io.BytesIO:
    made = Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out


STANDARD = {
    "survey": [
        ["type", "name", "label::English (en)", "label::Arabic (ar)", "hint::Arabic (ar)", "required", "relevant",
         "constraint", "constraint_message", "calculation", "choice_filter", "appearance", "repeat_count", "default"],
        ["start", "start"],
        ["select_one state", "state", "State", "ولاية", None, "yes"],
        ["select_one county", "county", "County", "مقاطعة", None, None, None, None, None, None, "state=${state}", "minimal"],
        ["begin group", "person", "Person", "شخص"],
        ["text", "name", "Name", "الاسم", "كما في البطاقة"],
        ["integer", "age", "Age", "العمر", None, "true()", None, ". >= 0 and . < 150", "Enter a valid age"],
        ["select_multiple pizza", "toppings", "Toppings", "إضافات", None, None, "${age} >= 18", "count-selected(.) <= 2"],
        ["end group"],
        ["begin_repeat", "child", "Child", "طفل"],
        ["text", "child_name", "Name of the child", "اسم الطفل", None, True],
        ["decimal", "weight", "Weight", "الوزن", None, None, "${child_name} != ''", ". > 0"],
        ["calculate", "pounds", None, None, None, None, None, None, None, "round(${weight} * 2.20462, 1)"],
        ["end_repeat"],
        ["note", "thanks", "Thanks, ${name}", "شكرا"],
        ["date", "when", "When", "متى", None, None, None, ". <= today()", None, None, None, "month-year", None, "today()"],
        ["geopoint", "place", "Place", "المكان"],
        ["image", "picture", "Picture", "صورة"],
        ["image", "sign", "Signature", "توقيع", None, None, None, None, None, None, None, "signature"],
        ["audio", "voice", "Voice", "صوت"],
        ["acknowledge", "agree", "Agree", "موافق"],
        ["barcode", "code", "Code", "رمز"],
    ],
    "choices": [
        ["list_name", "name", "label::English (en)", "label::Arabic (ar)", "state"],
        ["state", "texas", "Texas", "تكساس"],
        ["state", "washington", "Washington", "واشنطن"],
        ["county", "king", "King", "كينغ", "washington"],
        ["county", "cameron", "Cameron", "كاميرون", "texas"],
        ["pizza", 1, "Cheese", "جبن"],
        ["pizza", 2, "Olives", "زيتون"],
        ["pizza", 3, "Mushrooms", "فطر"],
    ],
    "settings": [["form_title", "form_id", "default_language", "version"], ["Household", "hh_1", "Arabic (ar)", 2026]],
}  # fmt: skip


@pytest.mark.covers("003-SCH-03")
def test_groups_repeats_filters_calculations_constraints_and_translations() -> None:
    made = read_workbook(book(**STANDARD))
    schema = read_schema(made.schema)

    assert made.title == "Household"
    assert made.schema["defaultLanguage"] == "ar"
    assert made.schema["settings"] == {"form_id": "hh_1", "version": "2026"}
    assert [str(one) for one in made.left_out] == [
        "Sheet survey, row 2, column type: “start” needs no question: every submission carries it."
    ]
    assert schema.languages == ["en", "ar"]
    assert [field.type for field in schema.fields()] == [
        "select", "select", "group", "text", "integer", "selectMultiple", "repeat", "text", "number", "calculate", "note",
        "date", "geopoint", "photo", "signature", "file", "boolean", "barcode",
    ]  # fmt: skip
    good = {
        "state": "texas", "county": "cameron", "age": 30, "toppings": ["1", "3"], "when": "2026-02-14",
        "child": [{"child_name": "Sami", "weight": 10}],
    }  # fmt: skip
    done = schema.evaluate(good, now=NOW)
    assert (done.faults, done.answers["child"][0]["pounds"]) == ([], 22)
    bad = {
        "county": "king", "age": 150, "toppings": ["1", "2", "3"], "when": "2026-02-15",
        "child": [{"weight": 10}, {"child_name": "Amal", "weight": 0}],
    }  # fmt: skip
    assert [(one.field, one.rule) for one in schema.check(bad, now=NOW)] == [
        ("state", "REQUIRED"), ("county", "OPTION"), ("age", "CONSTRAINT"), ("toppings", "CONSTRAINT"),
        ("child[0].child_name", "REQUIRED"), ("child[0].weight", "NOT_RELEVANT"), ("child[1].weight", "CONSTRAINT"),
        ("when", "CONSTRAINT"),
    ]  # fmt: skip
    assert schema.check({**good, "age": 3}, now=NOW)[0].rule == "NOT_RELEVANT"
    assert again(made.schema, made.title) == Imported(made.title, made.schema, [])


def again(schema: dict[str, Any], title: str = "T") -> Imported:
    data = write_workbook(read_schema(schema), title=title)
    path = io.BytesIO(data)
    assert convert(path, form_name="data").xform.startswith("<?xml")  # the standard's own reader takes it
    return read_workbook(io.BytesIO(data))


OURS: dict[str, Any] = {
    "allowUnknown": True,
    "fields": [
        {"id": "gov", "type": "select", "label": {"ar": "المحافظة", "fr": "Gouvernorat"}, "options": ["Taiz", "Aden"]},
        {"id": "city", "type": "select", "label": "City", "choices": [
            {"value": "c", "label": "C", "filter": {"gov": "Taiz"}}, {"value": "d", "label": "D", "filter": "${gov} = 'Aden'"}]},
        {"id": "ok", "type": "boolean", "label": "OK?", "default": True, "required": "${gov} = 'Aden'"},
        {"id": "age", "type": "integer", "label": "Age", "min": 0, "max": 120, "constraint": ". != 13", "placeholder": "x",
         "constraintMessage": {"ar": "لا", "fr": "Non"}},
        {"id": "code", "type": "text", "label": "=Code", "pattern": "[A-Z]{2}\\d+", "min": 3, "hint": "h", "readOnly": True},
        {"id": "many", "type": "selectMultiple", "label": "M", "options": ["x", "y"], "default": ["x"], "max": 1},
        {"id": "g1", "type": "group", "label": "G", "relevant": "${ok} = true()", "fields": [
            {"id": "r1", "type": "repeat", "label": "R", "min": 1, "max": 3, "fields": [
                {"id": "d", "type": "number", "label": "D"}, {"id": "c2", "type": "calculate", "calculation": "${d} * 2"}]}]},
        {"id": "sig", "type": "signature"},
        {"id": "at", "type": "geopoint", "label": "P", "default": {"lat": 1.5, "lng": 2}},
        {"id": "when", "type": "datetime", "default": "now()", "min": "2026-01-01T00:00:00Z", "appearance": "no-calendar"},
    ],
}  # fmt: skip


def test_what_xlsform_has_no_word_for_survives_too() -> None:
    assert again(OURS).schema == OURS


def test_a_constraint_edited_in_the_workbook_wins() -> None:
    data = write_workbook(read_schema(OURS), title="T")
    edited = load_workbook(io.BytesIO(data))
    sheet = edited["survey"]
    column = next(cell.column for cell in sheet[1] if cell.value == "constraint")
    row = next(cell.row for cell in sheet["B"] if cell.value == "age")
    assert sheet.cell(row, column).value == ". >= 0 and . <= 120 and (. != 13)"
    sheet.cell(row, column).value = ". < 99"
    out = io.BytesIO()
    edited.save(out)

    field = next(item for item in read_workbook(out).schema["fields"] if item["id"] == "age")

    assert (field["constraint"], field["placeholder"]) == (". < 99", "x")


def test_faults_name_sheet_row_and_column() -> None:
    broken = book(
        survey=[
            ["type", "name", "label", "relevant", "calculation"],
            ["text", "a", "A", "concat(${b}, 'x') = 1"],
            ["select_one nothing", "b", "B"],
            ["rank list", "c", "C"],
            ["text", "a", "Twice"],
            ["begin group", "g", "G"],
            ["calculate", "k", None, None, "${zz} + 1"],
            ["text", "bad-name", "N"],
        ],
        choices=[["list_name", "name", "label"], ["list", None, "X"]],
    )

    with pytest.raises(Invalid) as caught:
        read_workbook(broken)

    assert [error.message for error in caught.value.errors] == [
        "Sheet choices, row 2, column name: A choice needs list_name and name.",
        "Sheet survey, row 3, column type: The choices sheet has no list “nothing”.",
        "Sheet survey, row 4, column type: The type “rank list” is not supported.",
        "Sheet survey, row 6, column type: The end_group of this row is missing.",
    ]
    fixed = book(
        survey=[
            ["type", "name", "label", "relevant", "calculation"],
            ["text", "a", "A", "concat(${b}, 'x') = 1"],
            ["text", "a", "Twice"],
            ["text", "bad-name", "N"],
        ]
    )
    with pytest.raises(Invalid) as caught:
        read_workbook(fixed)
    assert [(error.field, error.message) for error in caught.value.errors] == [
        ("survey.2.relevant",
         "Sheet survey, row 2, column relevant: The function concat() at position 1 is not supported."),
        ("survey.3.name", "Sheet survey, row 3, column name: The id “a” is taken by fields[0]."),
        ("survey.4.name", "Sheet survey, row 4, column name: A field's id begins with a letter or _ and has only "
         "letters, digits and _ (at most 100)."),
    ]  # fmt: skip


def test_nothing_is_left_out_in_silence() -> None:
    made = read_workbook(
        book(
            survey=[
                ["type", "name", "label", "trigger", "media::image", "default", "repeat_count", "comment"],
                ["text", "a", "A", "${b}", "a.png", "concat('a', 'b')"],
                ["text", "b", "B"],
                ["begin_repeat", "r", "R", None, None, None, "${b}", "said"],
                ["text", "c", "C"],
                ["end_repeat"],
            ],
            entities=[["dataset"], ["trees"]],
        )
    )

    assert [(one.sheet, one.row, one.column) for one in made.left_out] == [
        ("entities", 0, ""), ("survey", 2, "default"), ("survey", 2, "trigger"), ("survey", 2, "media::image"),
        ("survey", 4, "repeat_count"), ("survey", 4, "comment"),
    ]  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"PK", b"type,name\ntext,a", b"\x00" * 2000])
def test_what_is_no_workbook_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_workbook(io.BytesIO(data))
    with pytest.raises(Invalid, match="no sheet"):
        read_workbook(book(other=[["type"]]))
