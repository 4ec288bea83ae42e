"""Contents, kept once per organisation by their hash. Whoever keeps one counts as a reference."""

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.common.ids import uuid7
from portal.core.files.models import Blob, ScanStatus
from portal.core.files.staging import Staged
from portal.core.files.storage import store
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

KEPT: Final = timedelta(hours=1)  # nothing refers to it any more: a retry may still come


def take(staged: Staged) -> Blob:
    """The organisation's blob of these bytes with one reference more, written to the store where it is new.

    The blob's row is locked until the transaction ends, so bytes that a job just removes are not believed to be there.
    Raises QUOTA_EXCEEDED (507). What was written is removed again when writing fails; when a later step of the
    transaction fails, within a day (`jobs.sweep`).
    """
    organization = scope.organization_id()
    id = uuid7()
    key = f"{organization}/{id.hex[-2:]}/{id}"
    pending = ScanStatus.PENDING if settings.CLAMD else ScanStatus.NOT_SCANNED
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO files_blob (id, organization_id, created_at, updated_at, sha256, size, key, "references",'
            " scan_status, scan_engine, threat) VALUES (%s, %s, now(), now(), %s, %s, %s, 1, %s, '', '')"
            " ON CONFLICT (organization_id, sha256) DO UPDATE"
            ' SET "references" = files_blob."references" + 1, updated_at = now() RETURNING id',
            [id, organization, staged.sha256, staged.size, key, pending],
        )
        (held,) = cursor.fetchone()
    blob = Blob.objects.get(pk=held)
    if held == id:
        _within_quota(organization)
        try:
            store().put(key, staged.path)
        except BaseException:
            store().remove(key)
            raise
    return blob


def again(blob: Blob) -> Blob:
    """One reference more to a blob that is there."""
    Blob.objects.filter(pk=blob.pk).update(references=F("references") + 1, updated_at=clock.now())
    return blob


def release(blob_id: UUID) -> None:
    """One reference less; a job removes what nobody refers to."""
    Blob.objects.filter(pk=blob_id).update(references=F("references") - 1, updated_at=clock.now())


def usage() -> int:
    """Bytes that the organisation in force keeps; equal contents once."""
    return int(Blob.objects.aggregate(total=Sum("size"))["total"] or 0)


def quota(organization: UUID) -> int | None:
    """The most bytes that an organisation may keep; None: no limit."""
    said = Organization.objects.values_list("settings", flat=True).get(pk=organization).get("fileQuotaBytes")
    return said or settings.FILE_QUOTA or None


def _within_quota(organization: UUID) -> None:
    limit = quota(organization)
    if limit is None:
        return
    with connection.cursor() as cursor:  # one upload after the other, so that two cannot both take the last place
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"files.quota {organization}"])
    if (used := usage()) > limit:
        raise DomainError(
            _("The organisation's storage is full."),
            status=507,
            code="QUOTA_EXCEEDED",
            meta={"quota": limit, "used": used},
        )


def sweep_unused(*, limit: int = 500) -> int:
    """Remove blobs of all organisations that nobody refers to; how many. Needs the platform scope."""
    old = Blob.objects.filter(references=0, updated_at__lt=clock.now() - KEPT)
    rows = list(old.select_for_update(skip_locked=True).order_by("updated_at")[:limit])
    Blob.objects.filter(pk__in=[blob.pk for blob in rows]).delete()
    for blob in rows:  # a blob without its bytes would be worse than bytes without a blob
        transaction.on_commit(partial(store().remove, blob.key), robust=True)
    return len(rows)
