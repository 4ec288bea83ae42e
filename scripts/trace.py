"""Which endpoints and requirements of the source specifications, and decisions between them, have a test.

A test names what it proves by `@pytest.mark.covers("001-FR-031", "E001-004")`, on a function, a class or, by
`pytestmark`, a file; "FR-031" stands for "001-FR-031". An id that no list holds is an error.
Usage: python scripts/trace.py [--missing]
"""

import ast
import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
KINDS = ("endpoints", "requirements", "decisions")


def _marks(call: ast.expr) -> bool:
    """Whether it is `pytest.mark.covers`, not somebody's own method of that name."""
    return ast.unparse(call) == "pytest.mark.covers"


def known() -> dict[str, dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for name in KINDS:
        with (TESTS / "contract" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows |= {row["id"]: row | {"kind": name} for row in csv.DictReader(file)}
    return rows


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
    total = Counter((row["kind"], row["source"], row["module"]) for row in rows.values())
    proven = Counter((rows[key]["kind"], rows[key]["source"], rows[key]["module"]) for key in covered)
    for group, count in sorted(total.items()):
        print(f"{group[0]:13} {group[1]:4} {group[2]:14} {proven[group]:4} of {count:4}")
    for kind in KINDS:
        count = sum(row["kind"] == kind for row in rows.values())
        print(f"{kind:13} {'all':19} {sum(rows[key]['kind'] == kind for key in covered):4} of {count:4}")
    if "--missing" in arguments:
        for key, row in rows.items():
            if key not in covered:
                print(f"{key:12} {row['module']:14} {row['text']}")
    for line in unknown:
        print(line, file=sys.stderr)
    return int(bool(unknown))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
