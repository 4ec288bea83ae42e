"""The list of what is covered counts every claim once and refuses ids that nobody wrote."""

import importlib.util
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
