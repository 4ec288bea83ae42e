# ruff: noqa: E501
"""Schemas and answers: the example of specification 003, and what has grown on it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.collect.language import Schema, read_schema
from portal.core.common.errors import Invalid

NOW = datetime(2026, 2, 14, 22, 30, tzinfo=UTC)
ELEPHANTS: dict[str, Any] = {
    "fields": [
        {"id": "location", "type": "text", "label": "GPS Location", "required": True},
        {"id": "herd_size", "type": "number", "label": "Herd Size", "required": True},
        {"id": "behavior", "type": "select", "label": "Behavior", "options": ["Feeding", "Traveling", "Resting"]},
        {"id": "timestamp", "type": "datetime", "label": "Observation Time"},
        {"id": "healthy", "type": "boolean", "label": "All animals healthy?"},
    ]
}
SEEN = {
    "location": "-2.6522, 37.2606 (Amboseli North)", "herd_size": 12, "behavior": "Feeding",
    "timestamp": "2026-02-14T12:30:00Z", "healthy": True,
}  # fmt: skip


def faults(schema: Schema, answers: Any) -> list[tuple[str, str]]:
    return [(one.field, one.rule) for one in schema.check(answers, now=NOW, time_zone="Asia/Aden")]


def form(*fields: dict[str, Any], **rest: Any) -> Schema:
    return read_schema({"fields": list(fields), **rest})


def refused(*fields: Any, **rest: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        read_schema({"fields": list(fields), **rest})
    return [(error.field, error.rule) for error in caught.value.errors]


@pytest.mark.covers("003-SCH-02", "003-SCH-03", "003-SCH-04", "003-SCH-05", "003-SCH-06", "003-SCH-08")
def test_the_example_of_the_specification() -> None:
    schema = read_schema(json.dumps(ELEPHANTS))

    assert faults(schema, SEEN) == []
    assert faults(schema, {**SEEN, "behavior": "", "timestamp": None, "healthy": False}) == []
    assert faults(schema, {}) == [("location", "REQUIRED"), ("herd_size", "REQUIRED")]
    wrong = {
        "location": 5,
        "herd_size": "12",
        "behavior": "Flying",
        "timestamp": "2026-02-14",
        "healthy": "yes",
        "x": 1,
    }
    assert faults(schema, wrong) == [
        ("location", "TYPE"), ("herd_size", "TYPE"), ("behavior", "OPTION"), ("timestamp", "TYPE"), ("healthy", "TYPE"),
        ("x", "UNKNOWN_FIELD"),
    ]  # fmt: skip
    assert faults(schema, [1]) == [("answers", "TYPE")]
    assert [field.type for field in schema.fields()] == ["text", "number", "select", "datetime", "boolean"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("number", [0, -1.5, 10**30], [True, "1", float("nan"), float("inf"), 10**400, [1]]),
        ("integer", [3, -3.0], [3.5, "3", False]),
        ("boolean", [True, False], [1, "true"]),
        ("date", ["2024-02-29"], ["2026-02-30", "2026-2-3", 20260203, "2026-02-03T00:00:00Z"]),
        ("time", ["09:15", "23:59:59.5", "09:15:00+03:00"], ["24:00", "9:15", "09:60"]),
        ("datetime", ["2026-02-14T12:00:00Z", "2026-02-14T12:00+03:00"], ["2026-02-14T12:00:00", "yesterday"]),
        ("geopoint", [{"lat": 15.3, "lng": 44.2, "accuracy": 4, "altitude": 2200.5}, {"lat": -90, "lng": 180}],
         [{"lat": 91, "lng": 0}, {"lat": "1", "lng": 2}, {"lat": 1}, {"lat": 1, "lng": 2, "x": 3}, "1 2"]),
        ("geotrace", [{"type": "LineString", "coordinates": [[44, 15], [44.1, 15.2, 900]]}],
         [{"type": "LineString", "coordinates": [[44, 15]]}, {"type": "Point", "coordinates": [44, 15]}]),
        ("geoshape", [{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}],
         [{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, {"type": "Polygon"}]),
        ("photo", ["0199b6a0-0000-7000-8000-000000000001"], [{"id": 1}, 5]),
        ("signature", ["0199b6a0-0000-7000-8000-000000000001"], [True]),
        ("barcode", ["6111245591063"], [6111245591063]),
        ("note", [], ["an answer"]),
    ],
)  # fmt: skip
def test_answers_have_the_shape_of_their_type(kind: str, good: list[Any], bad: list[Any]) -> None:
    schema = form({"id": "a", "type": kind, "label": "A"})

    assert [value for value in good if faults(schema, {"a": value})] == []
    assert [value for value in bad if not faults(schema, {"a": value})] == []


def test_bounds_patterns_and_options() -> None:
    schema = form(
        {"id": "n", "type": "number", "min": 0, "max": 14},
        {"id": "t", "type": "text", "min": 2, "max": 4, "pattern": "[A-Z]+"},
        {"id": "d", "type": "date", "min": "2026-01-01"},
        {"id": "m", "type": "selectMultiple", "options": ["a", "b", "c"], "max": 2},
        {
            "id": "c",
            "type": "number",
            "constraint": ". > ${n}",
            "constraintMessage": {"fr": "Trop petit", "en": "Small"},
        },
    )

    assert faults(schema, {"n": 14, "t": "ABC", "d": "2026-01-01", "m": ["a", "c"], "c": 15}) == []
    bad = {"n": 15, "t": "A", "d": "2025-12-31", "m": ["a", "b", "c"], "c": 15}
    assert faults(schema, bad) == [("n", "MAX"), ("t", "MIN"), ("d", "MIN"), ("m", "MAX"), ("c", "CONSTRAINT")]
    assert faults(schema, {"t": "ABx", "m": ["a", "z"], "n": 3, "c": 3}) == [
        ("t", "PATTERN"), ("m", "OPTION"), ("c", "CONSTRAINT")
    ]  # fmt: skip
    assert schema.check({"n": 3, "c": 3}, now=NOW)[0].message == "Small"


def test_relevance_reaches_into_groups_and_calculations_come_in_their_order() -> None:
    schema = form(
        {"id": "total", "type": "calculate", "calculation": "coalesce(${treated}, 0) + 1"},
        {"id": "kind", "type": "select", "options": ["well", "spring"], "required": True},
        {"id": "well", "type": "group", "relevant": "${kind} = 'well'", "fields": [
            {"id": "depth", "type": "number", "required": True},
            {"id": "pump", "type": "group", "relevant": "${depth} > 50", "fields": [
                {"id": "power", "type": "number", "required": True}]}]},
        {"id": "treated", "type": "calculate", "calculation": "${depth} * 2"},
        {"id": "why", "type": "text", "required": "${treated} > 10"},
    )  # fmt: skip

    assert faults(schema, {"kind": "spring"}) == []
    assert faults(schema, {"kind": "spring", "depth": 3}) == [("depth", "NOT_RELEVANT")]
    assert faults(schema, {"kind": "well"}) == [("depth", "REQUIRED")]
    assert faults(schema, {"kind": "well", "depth": 60}) == [("power", "REQUIRED"), ("why", "REQUIRED")]
    done = schema.evaluate({"kind": "well", "depth": 4, "total": 999}, now=NOW)
    assert (done.faults, done.answers) == ([], {"kind": "well", "depth": 4, "treated": 8, "total": 9})
    # a hidden answer counts for nothing further down
    assert schema.evaluate({"kind": "spring", "depth": 60}, now=NOW).answers == {"kind": "spring", "total": 1}


def test_repeats_have_faults_of_their_own_and_see_what_is_around_them() -> None:
    schema = form(
        {"id": "limit", "type": "number"},
        {"id": "wells", "type": "repeat", "min": 1, "max": 3, "fields": [
            {"id": "depth", "type": "number", "required": True, "constraint": ". <= ${limit}"},
            {"id": "tests", "type": "repeat", "fields": [
                {"id": "ph", "type": "number", "max": 14}, {"id": "odd", "type": "calculate", "calculation": "${ph} > ${depth}"},
            ]}]},
    )  # fmt: skip
    answers = {
        "limit": 10,
        "wells": [{"depth": 3, "tests": [{"ph": 7}]}, {"depth": 11, "tests": [{}, {"ph": 15}]}, {"x": 1}],
    }

    assert faults(schema, answers) == [
        ("wells[1].depth", "CONSTRAINT"), ("wells[1].tests[1].ph", "MAX"), ("wells[2].depth", "REQUIRED"),
        ("wells[2].x", "UNKNOWN_FIELD"),
    ]  # fmt: skip
    assert schema.evaluate(answers, now=NOW).answers["wells"][0] == {"depth": 3, "tests": [{"ph": 7, "odd": True}]}
    assert faults(schema, {"wells": [{}] * 4}) == [("wells", "MAX")]
    assert faults(schema, {"wells": {"depth": 3}, "depth": 4}) == [("wells", "TYPE"), ("depth", "UNKNOWN_FIELD")]
    assert [field.path for field in schema.fields()] == [
        "limit", "wells", "wells.depth", "wells.tests", "wells.tests.ph", "wells.tests.odd"
    ]  # fmt: skip


def test_cascading_choices_by_columns_by_answers_and_by_condition() -> None:
    schema = form(
        {"id": "gov", "type": "select", "options": ["Taiz", "Aden"]},
        {"id": "by_filter", "type": "select", "choiceFilter": "g = ${gov}", "choices": [
            {"value": "a", "filter": {"g": "Taiz"}}, {"value": "b", "filter": {"g": "Aden"}}]},
        {"id": "by_answer", "type": "selectMultiple", "choices": [
            {"value": "c", "filter": {"gov": "Taiz"}}, {"value": "d", "filter": {"gov": ["Aden", "Taiz"]}}]},
        {"id": "by_condition", "type": "select", "choices": [{"value": "e", "filter": "${gov} = 'Aden'"}]},
    )  # fmt: skip

    assert faults(schema, {"gov": "Taiz", "by_filter": "a", "by_answer": ["c", "d"]}) == []
    assert faults(schema, {"gov": "Aden", "by_filter": "a", "by_answer": ["c"], "by_condition": "e"}) == [
        ("by_filter", "OPTION"), ("by_answer", "OPTION")
    ]  # fmt: skip
    assert faults(schema, {"by_filter": "a", "by_condition": "e"}) == [
        ("by_filter", "OPTION"), ("by_condition", "OPTION")
    ]  # fmt: skip


def test_unknown_answers_where_the_form_allows_them() -> None:
    schema = form({"id": "a", "type": "text"}, allowUnknown=True)

    assert schema.evaluate({"a": "x", "more": [1]}, now=NOW).answers == {"a": "x", "more": [1]}


def test_a_schema_is_refused_with_every_fault_at_its_place() -> None:
    text = {"type": "text", "label": "T"}
    assert refused({**text, "id": "a"}, {**text, "id": "a"}) == [("schema.fields[1].id", "UNIQUE")]
    assert refused({**text, "id": "1a"}, {**text, "id": "b c"}, {**text}, 5) == [
        ("schema.fields[0].id", "ID"), ("schema.fields[1].id", "ID"), ("schema.fields[2].id", "ID"),
        ("schema.fields[3]", "TYPE"),
    ]  # fmt: skip
    assert refused({"id": "a", "type": "matrix"}, {"id": "b", "type": "select"}, {"id": "c", "type": "repeat"}) == [
        ("schema.fields[0].type", "TYPE"), ("schema.fields[1].options", "REQUIRED"),
        ("schema.fields[2].fields", "REQUIRED"),
    ]  # fmt: skip
    assert refused(
        {**text, "id": "a", "relevant": "${nowhere} = 1", "pattern": "(", "label": {"ar": 1}},
        {"id": "n", "type": "number", "min": 5, "max": 1, "default": "x", "constraint": "bad("},
        {"id": "r", "type": "repeat", "fields": [{"id": "in", "type": "number"}]},
    ) == [
        ("schema.fields[0].label", "TYPE"), ("schema.fields[0].pattern", "PATTERN"), ("schema.fields[1].max", "RANGE"),
        ("schema.fields[1].default", "TYPE"), ("schema.fields[1].constraint", "EXPRESSION"),
    ]  # fmt: skip
    repeat = {"id": "r", "type": "repeat", "fields": [{"id": "in", "type": "number"}]}
    assert refused({**text, "id": "a", "relevant": "${nowhere} = ${in}", "required": ". = 1"}, repeat) == [
        ("schema.fields[0].required", "REFERENCE"), ("schema.fields[0].relevant", "REFERENCE"),
        ("schema.fields[0].relevant", "REFERENCE"),
    ]  # fmt: skip
    a, b = {**text, "id": "a", "relevant": "${b} = 1"}, {**text, "id": "b", "relevant": "${a} = 1"}
    assert refused(a, b) == [("schema.fields[0].relevant", "CYCLE")]
    assert refused({"id": "a", "type": "calculate", "calculation": "${a} + 1"}) == [
        ("schema.fields[0].calculation", "CYCLE")
    ]
    deep: dict[str, Any] = {**text, "id": "leaf"}
    for level in range(7):
        deep = {"id": f"g{level}", "type": "group", "fields": [deep]}
    assert refused(deep)[0][1] == "LIMIT"
    assert refused(*({**text, "id": f"f{n}"} for n in range(1001)))[0][1] == "LIMIT"
    for raw in ("{", "[]", "null", 5, {"fields": {}}, {}, {"fields": [{**text, "id": "a", "hint": "\0"}]}):
        with pytest.raises(Invalid):
            read_schema(raw)  # type: ignore[arg-type]


@pytest.mark.covers("003-SCH-07")
def test_what_a_newer_schema_changes() -> None:
    old = form(
        {"id": "a", "type": "text", "label": "A"}, {"id": "b", "type": "number"}, {"id": "c", "type": "text"},
        {"id": "n", "type": "note"},
    )  # fmt: skip
    new = form(
        {"id": "b", "type": "text"},
        {"id": "a", "type": "text", "label": "Ä", "required": True},
        {"id": "d", "type": "date"},
    )

    diff = old.diff(new)

    assert [item.id for item in diff.added] == ["d"]
    assert [item.id for item in diff.removed] == ["c", "n"]
    assert [(before.type, after.type) for before, after in diff.retyped] == [("number", "text")]
    assert diff.changed == {"a": {"label": ("A", "Ä"), "required": (None, True)}}
    assert (diff.moved, diff.breaking, bool(old.diff(old))) == (True, ["c", "b"], False)


def test_a_pattern_takes_time_in_proportion_to_its_text() -> None:
    schema = form({"id": "a", "type": "text", "pattern": "(a+)+b", "constraint": "regex(., '(a|a)*c')"})

    assert faults(schema, {"a": "a" * 50_000}) == [("a", "PATTERN")]  # a matcher that goes back would never end
