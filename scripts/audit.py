"""`make audit`: known vulnerabilities of the pinned packages, Python's and the front end's.

Fails for a vulnerability that is known; says so and goes on where the advisory services cannot be asked, as they
cannot without the internet or behind a mirror that only has packages.
Usage: python scripts/audit.py
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
SECONDS = 300


def python_findings(report: dict[str, Any]) -> tuple[list[str], int]:
    """Lines of pip-audit's report, and how many packages the service knew something or nothing bad of."""
    packages = report.get("dependencies", [])
    lines = [
        f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no version'}"
        for one in packages
        for found in one.get("vulns", ())
    ]
    return lines, sum("vulns" in one for one in packages)


def front_end_findings(report: dict[str, Any]) -> tuple[list[str], int]:
    """The same of npm's report."""
    if "vulnerabilities" not in report:
        return [], 0
    lines = [f"{name}: {one['severity']}, {one.get('range', '')}" for name, one in report["vulnerabilities"].items()]
    return lines, report.get("metadata", {}).get("dependencies", {}).get("total", 1)


def said(command: Sequence[str]) -> dict[str, Any]:
    """What a program wrote as JSON; nothing where it wrote none or took too long."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
        report = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    return report if isinstance(report, dict) else {}


def main() -> int:
    audit = [
        str(ROOT / ".venv/bin/pip-audit"),
        "--disable-pip",
        "--require-hashes",
        "--format=json",
        "--progress-spinner=off",
    ]
    checks = [(lock, python_findings(said([*audit, "-r", lock]))) for lock in LOCKS]
    npm = shutil.which("npm")
    if npm:
        found = front_end_findings(said([npm, "audit", "--package-lock-only", "--json"]))
        checks.append(("package-lock.json", found))
    for name, (lines, asked) in checks:
        for line in lines:
            print(f"FAULT {name}: {line}")
        if asked == 0:
            print(f"warn  {name}: the advisory service cannot be asked, nothing is known of these packages")
        elif not lines:
            print(f"ok    {name}: no known vulnerability in {asked} packages")
    return 1 if any(lines for _name, (lines, _asked) in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
