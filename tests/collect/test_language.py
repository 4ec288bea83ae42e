"""The expression language: one list of vectors for Python and JavaScript, and what must never happen."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.collect.language import ExpressionError, compile_expression
from portal.collect.language.values import Context, settled, string

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
VECTORS = json.loads((HERE / "vectors.json").read_text())
NOW = datetime(2026, 2, 14, 22, 30, tzinfo=UTC)


def answer(one: dict[str, Any]) -> dict[str, Any]:
    try:
        made = compile_expression(one["expression"], columns={*one.get("row", {}), "name", "country", "gap"})
    except ExpressionError as error:
        return {"error": error.position}
    context = Context(NOW, ZoneInfo(VECTORS["zone"]), one.get("this"), one.get("row"))
    value = made.run(one["answers"], context)
    return {"result": string(value) if one.get("text") else settled(value)}


def wanted(one: dict[str, Any]) -> dict[str, Any]:
    return {key: one[key] for key in ("result", "error") if key in one}


@pytest.mark.covers("003-SCH-03")
def test_python_answers_as_the_vectors_say() -> None:
    got = [(one["expression"], one.get("answers"), answer(one)) for one in VECTORS["vectors"]]

    assert got == [(one["expression"], one.get("answers"), wanted(one)) for one in VECTORS["vectors"]]


def test_javascript_answers_as_python_does() -> None:
    command = ["node", HERE / "run_vectors.js", ROOT / "static/js/form-language.js", HERE / "vectors.json"]

    out = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout

    got = [(one["expression"], found) for one, found in zip(VECTORS["vectors"], json.loads(out), strict=True)]
    assert got == [(one["expression"], wanted(one)) for one in VECTORS["vectors"]]


_PIECES = st.sampled_from(
    [
        *"()+-*,.=<>'\"${} ",
        "${a}",
        "1",
        "2.5",
        "'x'",
        "and",
        "or",
        "div",
        "mod",
        "not(",
        "if(",
        "regex(",
        "round(",
        "!=",
    ]
)
_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.sampled_from(["lat", "lng"]), st.floats(), max_size=2),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(_PIECES, max_size=25).map(" ".join)), _VALUES)
def test_no_text_breaks_the_parser_and_no_answer_the_evaluator(source: str, value: Any) -> None:
    try:
        made = compile_expression(source)
    except ExpressionError as error:
        assert 1 <= error.position <= len(source) + 1  # noqa: PT017
    else:
        settled(made.run({"a": value}, Context(NOW, UTC, value)))


@pytest.mark.parametrize(
    "source",
    ["(" * 3000, "-" * 3999, "not(" * 900, "1+" * 1999 + "1", "'" * 3999, "${a}=" * 700 + "1", "1<" * 1900 + "1"],
)
def test_hostile_texts_are_refused_and_not_followed(source: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(source)


def test_long_chains_of_conditions_are_fine() -> None:
    made = compile_expression(" or ".join(["${a} = 1"] * 300))

    assert made.true({"a": 1}, Context(NOW, UTC)) is True
    assert made.references == {"a"}
