"""Notes on customers: Markdown that is kept as written and shown sanitised; private ones are their author's alone."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock, markdown
from portal.core.common.errors import Denied, Invalid, NotFound
from portal.core.common.text import normalise
from portal.core.notifications.services import notify
from portal.core.sync.records import to_restore
from portal.core.tenancy import scope
from portal.crm import activity
from portal.crm.access import seen
from portal.crm.customers.access import customer_get
from portal.crm.customers.fields import members
from portal.crm.customers.models import CustomerNote, NoteRevision

QUARTER: Final = timedelta(minutes=15)  # in which an author changes a note without a trace beside the audit log
LENGTH: Final = 20_000
_MENTION: Final = re.compile(r"(?<![\w@])@([\w.+-]+(?:@[\w.-]+\w)?|\"[^\"\n]{1,150}\")")


def notes_seen(user: User) -> QuerySet[CustomerNote]:
    """Living notes that the person may read, of any customer."""
    rows: QuerySet[CustomerNote] = CustomerNote.objects.filter(deleted_at=None)
    return rows.filter(Q(is_private=False) | Q(author=user))


def note_list(*, user: User, customer: UUID) -> QuerySet[CustomerNote]:
    """Pinned ones first, then the newest. Raises NotFound for a customer out of sight."""
    customer_get(user=user, id=customer)
    return (
        notes_seen(user).filter(customer=customer).select_related("author").order_by("-is_pinned", "-created_at", "-id")
    )


@transaction.atomic
def note_add(*, customer: UUID, data: Mapping[str, Any], by: User) -> CustomerNote:
    """Raises Denied, Invalid, NotFound. Whom it mentions (`@user.name`, `@e-mail`, `@"Full Name"`) is told, unless it
    is private."""
    row = customer_get(user=by, id=customer)
    _may(by)
    content = _content(data.get("content"))
    private = bool(data.get("isPrivate"))
    note = CustomerNote.objects.create(
        organization_id=scope.organization_id(),
        customer=row,
        author=by,
        content=content,
        is_pinned=bool(data.get("isPinned")),
        is_private=private,
        mentions=[] if private else _mentioned(content, by),
    )
    activity.record(
        customer_id=row.pk, type="note.added", subject_id=note.pk, actor=by, data={"excerpt": excerpt(content)}
    )
    _tell(note, set())
    return note


@transaction.atomic
def note_update(*, customer: UUID, id: UUID, data: Mapping[str, Any], by: User) -> CustomerNote:
    """An author changes the text; after a quarter of an hour what it said is kept as a revision. Whoever edits
    customers pins. Raises Denied, Invalid, NotFound."""
    note = _note(customer, id, by)
    _may(by)
    told = set(note.mentions)
    if ("content" in data or "isPrivate" in data) and note.author_id != by.pk:
        raise Denied(_("Only its author changes a note."))
    if "content" in data and (content := _content(data["content"])) != note.content:
        now = clock.now()
        if now - note.created_at > QUARTER:
            NoteRevision.objects.create(
                organization_id=note.organization_id, note=note, content=note.content, replaced_by=by
            )
        note.content, note.edited_at = content, now
        activity.record(
            customer_id=customer, type="note.updated", subject_id=note.pk, actor=by, data={"excerpt": excerpt(content)}
        )
    if "isPinned" in data:
        note.is_pinned = bool(data["isPinned"])
    if "isPrivate" in data:
        note.is_private = bool(data["isPrivate"])
    note.mentions = [] if note.is_private else _mentioned(note.content, by)
    note.save()
    _tell(note, told)
    return note


@transaction.atomic
def note_delete(*, customer: UUID, id: UUID, by: User) -> None:
    """Its author, or who may delete customers. Raises Denied, NotFound."""
    note = _note(customer, id, by)
    if note.author_id != by.pk and not by.has_permission("customers.delete"):
        raise Denied(_("Only its author deletes a note."))
    note.deleted_at, note.deleted_by = clock.now(), by
    note.save()
    activity.record(customer_id=customer, type="note.deleted", actor=by)


@transaction.atomic
def note_restore(*, customer: UUID, id: UUID, by: User) -> CustomerNote:
    """By whoever may delete it. Raises Denied, NotFound."""
    customer_get(user=by, id=customer)
    rows = CustomerNote.objects.filter(Q(is_private=False) | Q(author=by), customer=customer)
    note = to_restore(rows, id=id, by=by, right="customers.view")
    if note.author_id != by.pk and not by.has_permission("customers.delete"):
        raise Denied(_("Only its author deletes a note."))
    if note.deleted_at is not None:
        note.deleted_at = note.deleted_by = None
        note.save()
        activity.record(customer_id=customer, type="note.restored", subject_id=note.pk, actor=by)
    return note


def excerpt(content: str) -> str:
    text = " ".join(content.split())
    return text if len(text) <= 120 else f"{text[:119]}…"


def card(note: CustomerNote) -> dict[str, Any]:
    """As JSON (contract of the rooms, section 3)."""
    return {
        "id": note.pk,
        "content": note.content,
        "html": markdown.html(note.content),
        "isPinned": note.is_pinned,
        "isPrivate": note.is_private,
        "mentions": note.mentions,
        "createdBy": note.author_id,
        "authorName": note.author.name if note.author else "",
        "createdAt": note.created_at,
        "editedAt": note.edited_at,
    }


def _note(customer: UUID, id: UUID, by: User) -> CustomerNote:
    found = note_list(user=by, customer=customer).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such note."))
    return found


def _content(said: Any) -> str:
    text = said.strip().replace("\x00", "") if isinstance(said, str) else ""
    if not text:
        raise Invalid.field("content", _("Write something."), "required")
    if len(text) > LENGTH:
        raise Invalid.field("content", _("At most %(limit)d characters.") % {"limit": LENGTH})
    return text


def _mentioned(content: str, by: User) -> list[str]:
    said = {normalise(word.strip('"')) for word in _MENTION.findall(content)}
    if not said:
        return []
    people = members().exclude(pk=by.pk).values_list("pk", "email", "username", "name")
    return [
        str(id)
        for id, email, username, name in people
        if said & {normalise(one) for one in (email, username or "", name, email.partition("@")[0]) if one}
    ]


def _tell(note: CustomerNote, told: set[str]) -> None:
    fresh = [UUID(id) for id in note.mentions if id not in told]
    sees = [user.pk for user in members().filter(pk__in=fresh) if _sees(user, note)]
    if sees:
        said = {"person": note.author.name if note.author else "", "name": note.customer.name}
        said["note"] = note.content[:500]
        notify("customer.mentioned", recipients=sees, data=said, subject=("customer", note.customer_id))


def _sees(user: User, note: CustomerNote) -> bool:
    return seen(user, "customers.view", type(note.customer).objects.filter(pk=note.customer_id)).exists()


def _may(by: User) -> None:
    if not by.has_permission("customers.edit"):
        raise Denied(_("You do not have the right to do this."))
