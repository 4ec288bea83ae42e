"""A client nobody here wrote: RxDB replicates with our endpoints through some forty lines of adapter."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.core.audit.models import Action, AuditEntry
from portal.core.sync.models import Conflict
from portal.core.tenancy.scope import tenant
from portal.lab.models import Sample
from tests.api.conftest import PASSWORD, Cast
from tests.live import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
HERE = Path(__file__).parent / "rxdb"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


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
def test_rxdb_and_the_clients_of_the_documentation_replicate(cast: Cast, node: str, tmp_path: Path) -> None:
    token = cast.alice.headers["Authorization"].removeprefix("Bearer ")

    with serving() as address:
        done = subprocess.run(
            [node, "client.js", address, token], cwd=HERE, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        check_rxdb(json.loads(done.stdout), cast)
        check_examples(address, node, tmp_path, cast)


def check_rxdb(said: dict[str, Any], cast: Cast) -> None:
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


def check_examples(address: str, node: str, folder: Path, cast: Cast) -> None:
    """The clients of docs/examples do what the guide says: keep, push, pull, follow."""

    def run(*command: str) -> str:
        environment = os.environ | {"MARSAD_FIELD": str(folder)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    device = [sys.executable, str(EXAMPLES / "field_client.py")]
    follow = [
        node,
        str(EXAMPLES / "follow.mjs"),
        address,
        "carol@example.test",
        PASSWORD,
        str(folder / "cursor"),
        "--once",
    ]
    run(*device, "sign-in", address, "bob@example.test", PASSWORD)
    sample = run(*device, "sample", "Anfa, tap 4", "NO3", "12.00", "mg/L N").strip()
    waiting = run(*device, "list")
    synced = run(*device, "sync")
    seen = [json.loads(line) for line in run(*follow).splitlines()]

    assert f"{sample} v0 not sent yet Anfa, tap 4" in waiting
    assert synced.startswith("pushed {'created': 2} pulled ")
    assert f"{sample} v" in run(*device, "list")
    assert run(*device, "sync") == "pushed {} pulled 0\n"
    assert [(one["id"], one["verdict"]) for one in seen if one.get("location") == "Anfa, tap 4"] == [(sample, "fail")]
    assert run(*follow) == "", "the cursor was kept"
    with tenant(cast.a.pk):
        assert Sample.objects.get(pk=sample).results.get().value_text == "12.00"
