"""Comments that are changed or taken back, and the files of a ticket."""

from datetime import timedelta
from typing import IO, Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Denied, Invalid, NotFound
from portal.core.files import services as files
from portal.core.files.models import FileLink
from portal.core.files.staging import Staged
from portal.core.notifications.events import publish
from portal.core.sync.records import to_restore
from portal.crm.tickets import access
from portal.crm.tickets.choices import EDIT_MINUTES
from portal.crm.tickets.models import CommentRevision, Ticket, TicketAttachment, TicketComment

LENGTH: Final = 20_000
LINKS: Final = {False: "ticket", True: "ticket_internal"}  # by whether it is internal


def clean(content: Any) -> str:
    """Plain text; pages escape it. Raises Invalid."""
    text = content.strip() if isinstance(content, str) else ""
    if not text or "\x00" in text:
        raise Invalid.field("content", _("This field is required."))
    if len(text) > LENGTH:
        raise Invalid.field("content", _("Must have at most %(limit)d characters.") % {"limit": LENGTH})
    return text


def comment_list(*, ticket: Ticket, user: User) -> QuerySet[TicketComment]:
    """Oldest first; internal ones only for whoever may read them."""
    rows: QuerySet[TicketComment] = TicketComment.objects.filter(ticket=ticket, deleted_at=None)
    if not user.has_permission("tickets.internal"):
        rows = rows.filter(is_internal=False)
    return rows.select_related("author").order_by("created_at", "id")


def attachment_list(*, ticket: Ticket, user: User) -> QuerySet[TicketAttachment]:
    """Oldest first, deleted ones as tombstones."""
    rows: QuerySet[TicketAttachment] = TicketAttachment.objects.filter(ticket=ticket)
    if not user.has_permission("tickets.internal"):
        rows = rows.filter(is_internal=False)
    return rows.select_related("file__current__blob", "uploaded_by").order_by("created_at", "id")


@transaction.atomic
def comment_change(*, ticket: UUID, id: UUID, content: Any, by: User) -> TicketComment:
    """One's own. What it said before stays as a revision, unless that was said less than ten minutes ago. Raises
    Denied, Invalid, NotFound."""
    comment = _comment(ticket, id, by)
    if comment.author_id != by.pk:
        raise Denied(_("Only its author can change a comment."))
    text = clean(content)
    if text == comment.content:
        return comment
    if comment.created_at < clock.now() - timedelta(minutes=EDIT_MINUTES):
        CommentRevision.objects.create(
            organization_id=comment.organization_id, comment=comment, content=comment.content, replaced_by=by
        )
        comment.edited_at = clock.now()
    comment.content = text
    comment.save(update_fields=["content", "edited_at", "updated_at"])
    _tell(ticket, comment)
    return comment


@transaction.atomic
def comment_delete(*, ticket: UUID, id: UUID, by: User) -> None:
    """One's own, and any for whoever manages tickets. Raises Denied, NotFound."""
    comment = _comment(ticket, id, by)
    if comment.author_id != by.pk and not by.has_permission("tickets.manage"):
        raise Denied(_("Only its author can change a comment."))
    comment.deleted_at, comment.deleted_by = clock.now(), by
    comment.save(update_fields=["deleted_at", "deleted_by", "updated_at"])
    _tell(ticket, comment)


@transaction.atomic
def comment_restore(*, ticket: UUID, id: UUID, by: User) -> TicketComment:
    """By whoever may delete it. Raises Denied, NotFound."""
    row = access.ticket_to_work_on(by, ticket)
    rows = TicketComment.objects.filter(ticket=row)
    if not by.has_permission("tickets.internal"):
        rows = rows.filter(is_internal=False)
    comment = to_restore(rows, id=id, by=by, right="tickets.work")
    if comment.author_id != by.pk and not by.has_permission("tickets.manage"):
        raise Denied(_("Only its author can change a comment."))
    comment.deleted_at = comment.deleted_by = None
    comment.save(update_fields=["deleted_at", "deleted_by", "updated_at"])
    _tell(ticket, comment)
    return comment


def _comment(ticket: UUID, id: UUID, by: User) -> TicketComment:
    row = access.ticket_to_work_on(by, ticket)
    comment = comment_list(ticket=row, user=by).filter(pk=id).first()
    if comment is None:
        raise NotFound(_("There is no such comment."))
    return comment


def _tell(ticket: UUID, comment: TicketComment) -> None:
    publish("ticket.comment", entity="ticket", id=ticket, data={"comment": str(comment.pk)})


def attachment_add(
    *,
    ticket: UUID,
    stream: IO[bytes] | Staged,
    filename: str,
    by: User,
    content_type: str = "",
    is_internal: bool = False,
) -> TicketAttachment:
    """A file for the ticket; it is given out once its scan allows. Raises what `file_create` does, and NotFound."""
    with transaction.atomic():
        row = access.ticket_to_work_on(by, ticket)
        stored = files.file_create(
            stream=stream,
            filename=filename,
            by=by,
            content_type=content_type,
            links_to=[(LINKS[is_internal], row.pk)],
            right="tickets.work",
        )
        made = TicketAttachment.objects.create(
            organization_id=row.organization_id,
            ticket=row,
            file=stored,
            filename=stored.filename,
            is_internal=is_internal,
            uploaded_by=by,
        )
        publish("ticket.updated", entity="ticket", id=row.pk, data={"number": row.number, "attachment": str(made.pk)})
    return made


@transaction.atomic
def attachment_delete(*, ticket: UUID, id: UUID, by: User) -> None:
    """One's own, and any for whoever manages tickets: the name stays, the file is no longer the ticket's and goes to
    the trash where it belongs to nothing else. Raises Denied, NotFound."""
    row = access.ticket_to_work_on(by, ticket)
    found = attachment_list(ticket=row, user=by).filter(pk=id, deleted_at=None).first()
    if found is None:
        raise NotFound(_("There is no such attachment."))
    if found.uploaded_by_id != by.pk and not by.has_permission("tickets.manage"):
        raise Denied(_("Only whoever attached a file can take it away."))
    found.deleted_at, found.deleted_by = clock.now(), by
    found.save(update_fields=["deleted_at", "deleted_by", "updated_at"])
    FileLink.objects.filter(file=found.file, kind__in=LINKS.values(), record_id=row.pk).delete()
    free = found.file.deleted_at is None and not FileLink.objects.filter(file=found.file).exists()
    if free and by.has_permission("files.delete"):
        files.file_delete(file=found.file, by=by)
    publish("ticket.updated", entity="ticket", id=row.pk, data={"number": row.number, "attachment": str(found.pk)})
