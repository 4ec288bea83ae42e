"""`make fuzz`: schemathesis over both OpenAPI documents, as people of several roles, with every check but one.

Asks the program that answers on PORT (8000; start it with MARSAD_RATE_LIMITS=off and throw its data away), else one
that it starts with the demo. `positive_data_acceptance` is left out: the documents say what a body looks like, and
rules between records (a project that is none of ours, a limit above its maximum) refuse what looks right with 400.
Usage: python scripts/fuzz.py [--cases 2] [--roles admin viewer] [--mobile technician] [--only TEXT] [--out FOLDER]
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from program import ROOT, Program

sys.path.insert(0, str(ROOT))

from portal.config.supervise import answers
from portal.desk.cast import PASSWORD

V1, MOBILE = "/api/v1", "/api/mobile/v1"
# Sign-ins are tried last and by themselves: their examples are wrong passwords, and these lock people out.
ENTRY = r"/auth/(login|mfa|refresh|refresh-token|forgot-password|reset-password)|/invitations/accept"
NOBODY = "nobody"  # has no account
ROLES = ("admin", "superadmin", "technician", "viewer", NOBODY)
LEFT_OUT = ("positive_data_acceptance",)


@contextlib.contextmanager
def served() -> Iterator[str]:
    port = int(os.environ.get("PORT", "8000"))
    if answers("127.0.0.1", port):
        yield f"http://127.0.0.1:{port}"
        return
    program = Program(MARSAD_RATE_LIMITS="off")
    try:
        program.start()
        yield f"http://127.0.0.1:{program.port}"
    finally:
        program.discard()


def run(base: str, role: str, surface: str, options: argparse.Namespace, *narrow: str) -> dict[str, Any]:
    """One document as one person; schemathesis's report."""
    name = f"{role}{surface.replace('/', '-')}{'-entry' if '--include-path-regex' in narrow else ''}"
    document, report, text = (options.out / f"{name}{end}" for end in ("-openapi.json", ".json", ".txt"))
    with urllib.request.urlopen(f"{base}{surface}/openapi.json", timeout=120) as answer:
        document.write_bytes(answer.read())
    report.unlink(missing_ok=True)
    command = [str(ROOT / ".venv/bin/schemathesis"), "run", str(document), "--url", base, "--checks", "all"]
    command += [
        "--exclude-checks",
        ",".join(LEFT_OUT),
        "--max-examples",
        str(options.cases),
        "--phases",
        options.phases,
    ]
    command += ["--continue-on-failure", "--no-color", "--no-shrink", "--generation-database", "none"]
    command += ["--seed", str(options.seed), "--report-json-path", str(report), "--request-timeout", "60", *narrow]
    if options.only:
        command += ["--include-path-regex", options.only]
    environment = {
        "PYTHONPATH": str(ROOT / "scripts"),
        "SCHEMATHESIS_HOOKS": "fuzz_hooks",
        "MARSAD_FUZZ_BASE": base,
        "MARSAD_FUZZ_LOGIN": "" if role == NOBODY else f"{role}@demo.marsad.test",
        "MARSAD_FUZZ_PASSWORD": PASSWORD,
    } | ({"MARSAD_FUZZ_MOBILE": "1"} if surface == MOBILE else {})
    with text.open("w") as out:
        subprocess.run(command, env=os.environ | environment, cwd=options.out, stdout=out, stderr=out, check=False)
    if not report.exists():
        raise SystemExit(f"schemathesis did not run: {text.read_text()[-2000:]}")
    return json.loads(report.read_text())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=2)
    parser.add_argument("--phases", default="fuzzing")
    parser.add_argument("--roles", nargs="*", default=ROLES)
    parser.add_argument("--mobile", nargs="*", default=("technician", NOBODY), help="the same for the mobile API")
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "fuzz")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found: Counter[str] = Counter()
    with served() as base:
        runs = [(role, V1, ("--exclude-path-regex", ENTRY)) for role in options.roles]
        runs += [(role, MOBILE, ("--exclude-path-regex", ENTRY)) for role in options.mobile]
        if not options.only:
            runs += [("agent", surface, ("--include-path-regex", ENTRY)) for surface in (V1, MOBILE)]
        for role, surface, narrow in runs:
            began = time.monotonic()
            report = run(base, role, surface, options, *narrow)
            failures = {failure["title"]: failure["count"] for failure in report["failures"]}
            found.update(failures)
            cases, operations = report["test_cases"], report["operations"]
            counts = f"{operations['tested']} operations, {cases['generated']} cases, {time.monotonic() - began:.0f} s"
            print(f"{role} {surface}: {counts}, findings: {failures or 'none'}", flush=True)
    print(f"findings: {sum(found.values())}; the requests that show them stand in {options.out}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
