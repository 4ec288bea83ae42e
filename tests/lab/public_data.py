"""Public data sets for tests. They lie beside the repository and are not part of it."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("MARSAD_PUBLIC_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


def public_file(name: str) -> Path:
    """The file of a public data set; skips the test where it is not there."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not here: the public data sets are not shipped with the project")
    return path
