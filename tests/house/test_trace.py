"""The list of what is covered counts every claim once and refuses ids that nobody wrote."""

import ast
import importlib.util
import io
import tokenize
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def trace(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("trace_script", repository / "scripts" / "trace.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(folder: Path, text: str) -> None:
    (folder / "test_x.py").write_text("import pytest\n" + text)


def test_the_lists_hold_every_endpoint_requirement_and_decision(trace: ModuleType) -> None:
    kinds = [row["kind"] for row in trace.known().values()]

    assert [kinds.count(kind) for kind in trace.KINDS] == [255, 370, 106]


def test_claims_are_read_from_functions_classes_and_files(trace: ModuleType, tmp_path: Path) -> None:
    write(
        tmp_path,
        "pytestmark = pytest.mark.covers('FR-031')\n"
        "@pytest.mark.covers('E001-004', '001-FR-031')\nclass TestX:\n    pass\n",
    )

    assert [identifier for identifier, _ in trace.claims(tmp_path)] == ["FR-031", "E001-004", "001-FR-031"]


@pytest.mark.parametrize(("claim", "code"), [("'FR-031'", 0), ("'001-FR-031'", 0), ("'FR-999'", 1), ("name", 1)])
def test_an_unknown_id_is_an_error(
    trace: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claim: str, code: int
) -> None:
    rows = trace.known()
    monkeypatch.setattr(trace, "known", lambda: rows)
    monkeypatch.setattr(trace, "TESTS", tmp_path)
    write(tmp_path, f"@pytest.mark.covers({claim})\ndef test_y(): ...\n")

    assert trace.main([]) == code


@pytest.mark.covers("001-SC-020")
def test_nothing_of_the_specifications_is_left_without_a_test_or_a_reason(
    trace: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace.main([]) == 0
    assert "missing" not in capsys.readouterr().out
    assert not [key for key in trace.declared() if "-FR-" in key]  # every functional requirement of 001 has a test


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("001-FR-999,declared,why,", "is in no list"),
        ("001-FR-001,declared,why,", "has a test"),
        ("001-SC-008,maybe,why,", "needs one of"),
        ("001-SC-008,declared,,", "needs one of"),
        ("001-SC-008,measured,why,", "names no row"),
        ("001-SC-008,measured,why,no such words", "names no row"),
        ("001-SC-008,declared,why,| id | work", "names no row"),
    ],
)
def test_what_no_test_proves_says_why(
    trace: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, fault: str
) -> None:
    rows = trace.known()
    (tmp_path / "declared.csv").write_text(f"id,state,reason,row\n{said}\n")
    monkeypatch.setattr(trace, "CONTRACT", tmp_path)

    assert [fault in one for one in trace.declaration_faults(rows, {"001-FR-001"})] == [True]


BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.BoolOp, ast.IfExp, ast.comprehension, ast.match_case)


@pytest.mark.covers("001-SC-021")
def test_complex_modules_say_why(repository: Path) -> None:
    """Where a module branches forty times or more, a comment or docstring stands for every twenty-five branches."""
    silent = []
    for path in [*(repository / "portal").rglob("*.py"), *(repository / "api").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        if len(text) < 3000:
            continue
        tree = ast.parse(text)
        branches = sum(isinstance(node, BRANCHES) for node in ast.walk(tree))
        if branches < 40 or "migrations" in path.parts:
            continue
        said = sum(
            token.type == tokenize.COMMENT and not token.string.startswith(("# noqa", "# type", "# fmt"))
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
        ) + sum(
            bool(ast.get_docstring(node))
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        )
        if not ast.get_docstring(tree) or said < branches / 25:
            silent.append((str(path.relative_to(repository)), branches, said))
    assert silent == []
