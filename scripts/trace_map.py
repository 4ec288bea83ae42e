"""From specification to code: a line for each endpoint, requirement and decision with its tests, and for each file of
tests the modules that it calls. `make trace-map` writes docs/trace.md, which is not kept: it would be old at once.
"""

import ast
import importlib.util
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "trace.md"
HEAD = """# From specification to code

Made by `make trace-map`. The first list leads from an endpoint, a requirement or a decision to the tests that prove it,
the second from a file of tests to the modules that it calls; tests over HTTP alone reach a router under `api`.

| id | module | what | tests |
|---|---|---|---|
"""


def modules(test: str) -> list[str]:
    """Files and folders of the project that a test file imports; none for tests over HTTP alone."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / test).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("portal.", "api.")):
            path = str(node.module).replace(".", "/")
            found.add(f"{path}.py" if (ROOT / f"{path}.py").exists() else path)
    return sorted(found)


def main() -> None:
    spec = importlib.util.spec_from_file_location("marsad_trace", ROOT / "scripts" / "trace.py")
    assert spec is not None
    assert spec.loader is not None
    trace = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(trace)
    rows, covered = trace.known(), defaultdict(set)
    for identifier, place in trace.claims(ROOT / "tests"):
        covered[identifier if identifier in rows else f"001-{identifier}"].add(place.partition(":")[0])
    lines = [
        f"| {key} | {row['module']} | {' '.join(row['text'].replace('|', '/').split())[:110]} |"
        f" {', '.join(sorted(one.removeprefix('tests/') for one in covered[key])) or 'no test'} |"
        for key, row in sorted(rows.items())
    ]
    lines += ["", "| tests | code |", "|---|---|"]
    for test in sorted(set().union(*covered.values())):
        lines.append(f"| {test.removeprefix('tests/')} | {', '.join(modules(test)) or 'over HTTP'} |")
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} ids, {len(lines) - len(rows) - 3} files of tests")


if __name__ == "__main__":
    main()
