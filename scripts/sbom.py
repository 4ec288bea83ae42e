"""`make sbom`: every package that the program is made of, with version and hashes, as CycloneDX 1.5 (JSON).

Read from the lock files alone: what `scripts/env.sh` installs, and what `scripts/vendor.py` takes from the front end's.
Usage: python scripts/sbom.py [FILE]  (standard output without one)
"""

import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_PINNED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.!+-]+)(.*?)(?=^[\w])", re.MULTILINE | re.DOTALL)


def component(kind: str, name: str, version: str, hashes: list[dict[str, str]]) -> dict[str, Any]:
    address = f"pkg:{kind}/{name}@{version}"
    return {"type": "library", "name": name, "version": version, "purl": address, "bom-ref": address, "hashes": hashes}


def python_packages(lock: str) -> list[dict[str, Any]]:
    """Several hashes of one package are those of its builds for several machines."""
    return [
        component(
            "pypi", name, version, [{"alg": "SHA-256", "content": one} for one in re.findall(r"sha256:(\w+)", rest)]
        )
        for name, version, rest in _PINNED.findall(lock + "\nend")
    ]


def front_end_packages(lock: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for path, package in sorted(lock["packages"].items()):
        if path:
            kind, _dash, digest = package.get("integrity", "").partition("-")
            hashes = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}] if kind == "sha512" else []
            found.append(component("npm", path.rpartition("node_modules/")[2], package["version"], hashes))
    return found


def bill(root: Path = ROOT) -> dict[str, Any]:
    front_end = json.loads((root / "package-lock.json").read_text())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "marsad", "bom-ref": "marsad"}},
        "components": [
            *python_packages((root / "requirements.lock").read_text()),
            *front_end_packages(front_end),
        ],
    }


if __name__ == "__main__":
    text = json.dumps(bill(), indent=1)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(f"{text}\n")
    else:
        print(text)
