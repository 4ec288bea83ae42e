"""Background work of files: scans, the trash, leftovers."""

import logging
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy

from portal.core.common import clock
from portal.core.files import blobs, clamd, exports, scanning, services, uploads
from portal.core.files.models import Blob, StoredFile
from portal.core.files.selectors import TRASH
from portal.core.files.storage import store
from portal.core.jobs.tasks import Running, job, periodic
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import Actor, tenant

LEFT: Final = timedelta(hours=24)  # what no row knows of by then was left behind by a break
_CLOCK: Final = Actor(via="job")
logger = logging.getLogger(__name__)


@periodic(cron="25 * * * *", name="files.forget_exports")
def forget_exports() -> None:
    """Exports live for a day."""
    exports.exports_forget()


@job(name="files.scan", title=gettext_lazy("Virus scan of a file"), queue="files")
def scan_blob(running: Running, *, scan: str) -> dict[str, str] | None:
    done = scanning.scan_run(scan_id=UUID(scan))
    return {"scanStatus": done.status} if done else None


@periodic(cron="*/5 * * * *", name="files.scan_again")
def scan_again() -> None:
    """Try scans again that found nobody at the scanner."""
    if settings.CLAMD:
        for organization, scan in scanning.scans_due():
            with tenant(organization, by=_CLOCK):
                scanning.scan_run(scan_id=scan)


@periodic(cron="20 * * * *", name="files.rescan")
def rescan() -> None:
    """Have contents scanned that newer signatures have not seen."""
    if not settings.CLAMD:
        return
    try:
        engine = clamd.version()
    except clamd.Unavailable:
        logger.warning("the virus scanner does not answer; nothing is scanned again")
        return
    for organization in _organizations():
        with tenant(organization, by=_CLOCK):
            scanning.rescan_due(engine=engine)


@periodic(cron="40 * * * *", name="files.sweep")
def sweep() -> None:
    """Empty the trash of what is due, end old uploads, remove what nobody refers to and what breaks left behind."""
    due = StoredFile.objects.filter(deleted_at__lt=clock.now() - TRASH, purged_at=None)
    for organization in due.order_by().values_list("organization_id", flat=True).distinct():
        with tenant(organization, by=_CLOCK):
            services.trash_purge()
    uploads.sweep()
    blobs.sweep_unused()
    leftovers()


def leftovers() -> int:
    """Remove objects that no row knows of, and temporary files, that are older than a day; how many."""
    old, removed = clock.now() - LEFT, 0
    here = store()
    for organization in _organizations():
        known = set(Blob.objects.filter(organization_id=organization).values_list("key", flat=True))
        for key, written in here.keys(str(organization)):
            if written < old and key not in known:
                here.remove(key)
                removed += 1
    limit = time.time() - LEFT.total_seconds()
    for path in Path(settings.FILE_STAGING).glob("*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < limit:
                path.unlink()
                removed += 1
    return removed


def _organizations() -> list[UUID]:
    return list(Organization.objects.order_by("id").values_list("pk", flat=True))
