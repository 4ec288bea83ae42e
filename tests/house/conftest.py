import tempfile
from pathlib import Path

import pytest
from django.conf import settings


def open_folder() -> Path:
    """A new folder that other accounts may pass through: as root, PostgreSQL runs under one of them."""
    folder = Path(tempfile.mkdtemp(dir=settings.DATA_DIR))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def data() -> Path:
    return open_folder() / "data"


@pytest.fixture(scope="module")
def lasting_data() -> Path:
    return open_folder() / "data"
