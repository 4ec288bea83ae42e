"""Which endpoints and requirements of the source specifications, and decisions between them, have a test.

A test names what it proves by `@pytest.mark.covers("001-FR-031", "E001-004")`, on a function, a class or, by
`pytestmark`, a file; "FR-031" stands for "001-FR-031". An id that no list holds is an error.
What no test can prove stands in tests/contract/declared.csv with the reason: "declared", or "measured" with words of
the row in docs/benchmarks.md that tells the figure. It is counted and printed apart, and never as covered.
Usage: python scripts/trace.py [--missing]
"""

import ast
import csv
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
CONTRACT = TESTS / "contract"
KINDS = ("endpoints", "requirements", "decisions")
STATES = ("declared", "measured")


def _marks(call: ast.expr) -> bool:
    """Whether it is `pytest.mark.covers`, not somebody's own method of that name."""
    return ast.unparse(call) == "pytest.mark.covers"


def known() -> dict[str, dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for name in KINDS:
        with (CONTRACT / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows |= {row["id"]: row | {"kind": name} for row in csv.DictReader(file)}
    return rows


def declared() -> dict[str, dict[str, str]]:
    """What no test proves, by id: `state`, `reason` and, for what is measured, `row`."""
    with (CONTRACT / "declared.csv").open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def declaration_faults(rows: dict[str, dict[str, str]], covered: Collection[str]) -> Iterator[str]:
    figures = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for key, said in declared().items():
        if key not in rows:
            yield f"declared.csv: {key} is in no list under tests/contract"
        if key in covered:
            yield f"declared.csv: {key} has a test"
        if said["state"] not in STATES or not said["reason"]:
            yield f"declared.csv: {key} needs one of {STATES} and a reason"
        if (said["state"] == "measured") != bool(said["row"]) or said["row"] not in figures:
            yield f"declared.csv: {key} names no row of docs/benchmarks.md"


def claims(tests: Path) -> Iterator[tuple[str, str]]:
    """Pairs of an id and the place that claims it."""
    for path in sorted(tests.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _marks(node.func):
                for argument in node.args:
                    place = f"{path.relative_to(tests.parent)}:{node.lineno}"
                    text = argument.value if isinstance(argument, ast.Constant) else None
                    yield str(text) if isinstance(text, str) else f"<{ast.unparse(argument)}>", place


def main(arguments: list[str]) -> int:
    rows = known()
    covered: dict[str, list[str]] = defaultdict(list)
    unknown = []
    for identifier, place in claims(TESTS):
        full = identifier if identifier in rows else f"001-{identifier}"
        if full in rows:
            covered[full].append(place)
        else:
            unknown.append(f"{place}: {identifier} is in no list under tests/contract")
    apart = {key: said for key, said in declared().items() if key not in covered}

    def line(keys: list[str]) -> str:
        tallies = [f"{sum(key in covered for key in keys):4} of {len(keys):4}"]
        for state in STATES:
            found = sum(key in apart and apart[key]["state"] == state for key in keys)
            tallies += [f"{state} {found}"] if found else []
        missing = sum(key not in covered and key not in apart for key in keys)
        return ", ".join([*tallies, *([f"missing {missing}"] if missing else [])])

    groups = defaultdict(list)
    for key, row in rows.items():
        groups[row["kind"], row["source"], row["module"]].append(key)
    for group, keys in sorted(groups.items()):
        print(f"{group[0]:13} {group[1]:4} {group[2]:14} {line(keys)}")
    for kind in KINDS:
        print(f"{kind:13} {'all':19} {line([key for key, row in rows.items() if row['kind'] == kind])}")
    for state in STATES:
        for key, said in apart.items():
            if said["state"] == state:
                print(f"{state:13} {key:12} {rows[key]['text']}: {said['reason']}")
    if "--missing" in arguments:
        for key, row in rows.items():
            if key not in covered and key not in apart:
                print(f"{key:12} {row['module']:14} {row['text']}")
    faults = [*unknown, *declaration_faults(rows, covered)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
