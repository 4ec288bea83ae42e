"""Virus scans: asked of clamd in a job, believed only when it answers.

A scan belongs to the contents, not to the file: what is infected is so in every version and file that has it.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.security import raise_event
from portal.core.common import clock
from portal.core.common.errors import Denied, DomainError
from portal.core.files import clamd
from portal.core.files.models import Blob, FileScan, FileVersion, ScanStatus, ShareLink, StoredFile
from portal.core.files.storage import Missing, store
from portal.core.jobs.tasks import defer
from portal.core.notifications import events
from portal.core.tenancy import scope

ATTEMPTS: Final = 200  # a scanner that is down for a day and more
AGAIN: Final = timedelta(minutes=5)
AT_ONCE: Final = 200


def begin(version: FileVersion) -> FileScan | None:
    """Have a version's contents scanned if a scanner is configured and has not said anything of them yet."""
    blob = Blob.objects.get(pk=version.blob_id)
    if not settings.CLAMD or blob.scan_status not in (ScanStatus.PENDING, ScanStatus.NOT_SCANNED):
        return None
    return _queue(blob, by=None)


@transaction.atomic
def scan_request(*, file: StoredFile, by: User) -> FileScan:
    """Scan a file's newest version, again where it was scanned before. Until then a clean one stays downloadable.

    Raises Denied, and SERVICE_UNAVAILABLE (503) where no scanner is configured.
    """
    if not by.has_permission("files.view"):
        raise Denied(_("You do not have the right to do this."))
    if not settings.CLAMD:
        raise DomainError(_("No virus scanner is configured."), status=503, code="SCANNER_NOT_CONFIGURED")
    assert file.current is not None
    waiting = FileScan.objects.filter(blob=file.current.blob_id, status=ScanStatus.PENDING).first()
    return waiting or _queue(file.current.blob, by=by)


def _queue(blob: Blob, *, by: User | None) -> FileScan:
    from portal.core.files.jobs import scan_blob

    if blob.scan_status == ScanStatus.NOT_SCANNED:
        Blob.objects.filter(pk=blob.pk).update(scan_status=ScanStatus.PENDING, updated_at=clock.now())
    scan = FileScan.objects.create(organization_id=blob.organization_id, blob=blob, requested_by=by)
    defer(scan_blob, scan=str(scan.pk))
    return scan


def scan_run(*, scan_id: UUID) -> FileScan | None:
    """Do a scan that waits. While the scanner is down it stays `pending`, and so do the contents: nothing is opened
    up, a later run tries again. None where it is done or its contents are gone."""
    scan = (
        FileScan.objects.select_for_update(skip_locked=True)
        .select_related("blob")
        .filter(pk=scan_id, status=ScanStatus.PENDING)
        .first()
    )
    if scan is None:
        return None
    scan.attempts += 1
    try:
        scan.engine = clamd.version()
        scan.threat = clamd.scan(store().chunks(scan.blob.key))
        scan.status = ScanStatus.INFECTED if scan.threat else ScanStatus.CLEAN
    except clamd.Refused as refusal:
        scan.status, scan.threat = ScanStatus.UNSCANNABLE, str(refusal)[:200]
    except clamd.Unavailable as error:
        if scan.attempts < ATTEMPTS:
            scan.save(update_fields=["attempts", "updated_at"])
            return scan
        scan.status, scan.threat = ScanStatus.FAILED, str(error)[:200]
    except Missing:
        scan.status, scan.threat = ScanStatus.FAILED, "the store has no such object"
    scan.finished_at = clock.now()
    scan.save()
    Blob.objects.filter(pk=scan.blob_id).update(
        scan_status=scan.status,
        scan_engine=scan.engine,
        threat=scan.threat,
        scanned_at=scan.finished_at,
        updated_at=scan.finished_at,
    )
    _announce(scan)
    return scan


def _announce(scan: FileScan) -> None:
    """Tell who uploaded or asked; end the share links and alert the guardians where something was found."""
    having = StoredFile.objects.filter(versions__blob=scan.blob_id, deleted_at=None).distinct()
    for file in having.order_by("id")[:AT_ONCE]:
        people = {person for person in (file.uploaded_by_id, scan.requested_by_id) if person}
        if people:
            data = {"scanStatus": scan.status, "filename": file.filename}
            events.publish("file.scanned", entity="file", id=file.pk, data=data, users=people)
        if scan.status == ScanStatus.INFECTED:
            raise_event(
                "infected_upload",
                severity="high",
                subject=file.filename,
                details={"fileId": str(file.pk), "threat": scan.threat, "engine": scan.engine},
                actor=file.uploaded_by_id,
            )
    if scan.status == ScanStatus.INFECTED:
        now = clock.now()
        hit = Q(pinned__blob=scan.blob_id) | Q(pinned=None, file__current__blob=scan.blob_id)
        ids = list(ShareLink.objects.filter(hit, revoked_at=None).values_list("pk", flat=True))
        ShareLink.objects.filter(pk__in=ids).update(revoked_at=now, updated_at=now)


def scans_due() -> list[tuple[UUID, UUID]]:
    """Organisation and id of scans that wait for another try. In the platform scope."""
    late = FileScan.objects.filter(status=ScanStatus.PENDING, updated_at__lt=clock.now() - AGAIN)
    return list(late.order_by("updated_at").values_list("organization_id", "pk")[:AT_ONCE])


def rescan_due(*, engine: str) -> int:
    """Queue what an older edition of the signatures scanned, and what was never scanned, of the organisation in force;
    how many contents. Their state stays what it is until the new scan has spoken."""
    scope.organization_id()
    older = ~Q(scan_engine=engine) | Q(scan_status=ScanStatus.NOT_SCANNED)
    waiting = FileScan.objects.filter(status=ScanStatus.PENDING).values("blob")
    rows = Blob.objects.filter(older, references__gt=0).exclude(pk__in=waiting)
    found = list(rows.order_by(F("scanned_at").asc(nulls_first=True), "id")[:AT_ONCE])
    for blob in found:
        _queue(blob, by=None)
    return len(found)
