"""A client nobody here wrote: RxDB replicates with our endpoints through some forty lines of adapter."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from portal.core.audit.models import Action, AuditEntry
from portal.core.sync.models import Conflict
from portal.core.tenancy.scope import tenant
from portal.lab.models import Sample
from tests.api.conftest import Cast
from tests.live import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
HERE = Path(__file__).parent / "rxdb"


@pytest.fixture(scope="module")
def node() -> str:
    """Node with the packages of the lock file; they are fetched once."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    installed, wanted = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        done = subprocess.run(["npm", "ci"], cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode and not installed.exists():
            pytest.skip(f"the packages of {wanted.name} cannot be fetched: {done.stderr[-300:]}")
        assert done.returncode == 0, done.stderr
    return found


@pytest.mark.covers("001-FR-030", "001-FR-031", "001-SC-003", "004-SYNC-09")
def test_rxdb_replicates(cast: Cast, node: str) -> None:
    token = cast.alice.headers["Authorization"].removeprefix("Bearer ")

    with serving() as address:
        done = subprocess.run(
            [node, "client.js", address, token], cwd=HERE, capture_output=True, text=True, timeout=120, check=False
        )

    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    with tenant(cast.a.pk):
        rows = Sample.objects.filter(deleted_at=None).order_by("id")
        stored = [{"id": str(r.pk), "version": r.version, "notes": r.notes, "location": r.location} for r in rows]
        conflicts = {(str(c.record_id)[-1], c.resolution, (c.lost_data or {})["notes"]) for c in Conflict.objects.all()}
        audited = [AuditEntry.objects.filter(entity="sample", action=action).count() for action in Action]
    assert said["tablet"] == said["phone"] == stored
    assert [row["notes"] for row in stored] == [
        "of the phone",
        "later, of the tablet",
        "later, of the phone",
        "sent three times",
    ]
    assert conflicts == {("1", "server", "earlier, of the phone"), ("2", "client", "earlier, of the tablet")}
    assert audited[Action.CREATE] == 5
    assert audited[Action.DELETE] == 1
    assert audited[Action.UPDATE] == 5, "a repeated push changes nothing"
    assert audited[Action.CONFLICT_LOST] == 2
