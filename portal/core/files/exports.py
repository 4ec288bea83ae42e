"""Files that a worker made for one person, of more rows than an answer should hold: kept a day, theirs alone."""

from datetime import timedelta
from typing import IO, Any, Final

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.files.links import LinkKind
from portal.core.files.models import FileLink
from portal.core.files.services import file_create, file_purge
from portal.core.notifications.services import notify
from portal.core.tenancy.scope import tenant

AT_ONCE: Final = 5000  # rows up to which the answer holds the file itself
KEPT: Final = timedelta(hours=24)
LIMIT: Final = 2 * 1024**3
# What such a file is linked to: nobody but its maker sees it, whatever files they may see.
LINK: Final = LinkKind(kind="export", label_plural=_("Exports"), visible=lambda user: User.objects.none())


def export_keep(*, file: IO[bytes], filename: str, by: User, right: str, rows: int) -> dict[str, Any]:
    """Put an open file, at its beginning, among the person's files. What the job that made it answers: `fileId`,
    `filename`, `downloadUrl`, `rows`, `size`."""
    stored = file_create(stream=file, filename=filename, by=by, right=right, limit=LIMIT)
    FileLink.objects.create(organization_id=stored.organization_id, file=stored, kind=LINK.kind, record_id=stored.pk)
    notify("export.ready", recipients=[by.pk], data={"file": stored.filename}, subject=("file", stored.pk))
    return {
        "fileId": str(stored.pk),
        "filename": stored.filename,
        "downloadUrl": f"/api/v1/files/download/{stored.pk}",
        "rows": rows,
        "size": stored.size,
    }


def exports_forget() -> None:
    """Remove the files that are older than a day. In a platform scope."""
    old = FileLink.objects.filter(kind=LINK.kind, created_at__lt=clock.now() - KEPT).select_related("file")
    for link in list(old.order_by("created_at")[:500]):
        with tenant(link.organization_id):
            link.file.deleted_at = clock.now()
            link.file.save(update_fields=["deleted_at", "updated_at"])
            file_purge(file=link.file, by=None)
