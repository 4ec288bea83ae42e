"""Files from upload to the trash and out of it; versions; links to records; categories."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import IO, Any, Final
from uuid import UUID

import orjson
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, DomainError, Errors, IllegalTransition, Invalid, NotFound
from portal.core.common.text import normalise
from portal.core.files import blobs, kinds, links, scanning, selectors
from portal.core.files.kinds import FileKind, clean_name, kind_of
from portal.core.files.models import Blob, FileCategory, FileLink, FileVersion, ShareLink, StoredFile
from portal.core.files.staging import Staged, staged
from portal.core.notifications import events
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization

TAGS: Final = 30
TAG_LENGTH: Final = 50
TEXT_LENGTH: Final = 4000
METADATA_LENGTH: Final = 16_384
PURGED_AT_ONCE: Final = 500
BULK: Final = 500


# --- create -----------------------------------------------------------------------------------------
def file_create(
    *,
    stream: IO[bytes] | Iterable[bytes] | Staged,
    filename: str,
    by: User,
    content_type: str = "",
    category: str = "",
    description: str = "",
    tags: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    links_to: Sequence[tuple[str, UUID]] = (),
    size: int | None = None,
    sha256: str = "",
    only: str = "",
    right: str = "files.upload",
    limit: int | None = None,
) -> StoredFile:
    """Take a file in: bytes go to disk in pieces, counted and hashed on the way, never whole into memory.

    Name, declared type and content have to agree; the kind's limit (C97) and the category's bind, unless `limit` says
    another one, for what the product itself made. `size` and `sha256` are what the client says; `only` (image, video,
    document) narrows the kinds; `links_to` names records that the person may edit. Equal contents of an organisation
    are kept once. Whatever fails leaves nothing behind.
    Raises Denied, Invalid, TooLarge (413), UNSUPPORTED_MEDIA_TYPE (415), CHECKSUM_MISMATCH (400), QUOTA_EXCEEDED (507).
    """
    may(by, right)
    name = clean_name(filename)
    kind = check_kind(name=name, content_type=content_type, category=category or "other", only=only)
    with staged(stream, limit=limit or limit_of(kind, category or "other")) as file, transaction.atomic():
        check_content(kind, file, size=size, sha256=sha256)
        blob = blobs.take(file)
        stored = StoredFile(
            organization_id=scope.organization_id(),
            filename=name,
            content_type=kind.mime,
            kind=kind.kind,
            size=file.size,
            category=category or "other",
            uploaded_by=by,
        )
        _describe(stored, {"description": description, "tags": tags, "metadata": metadata or {}})
        version = _append(stored, number=1, blob=blob, by=by)
        stored.save()
        version.save()  # the row that `current` names: its constraint looks when the transaction ends
        for named, record in links_to:
            _link(stored, named, record, by)
    scanning.begin(version)
    _tell("file.uploaded", stored)
    return stored


def check_kind(*, name: str, content_type: str, category: str, only: str = "") -> FileKind:
    """The kind of a file that is about to come, from its name, declared type and category; see `file_create`."""
    kind = kind_of(name)
    kinds.declared(kind, content_type)
    allowed = selectors.category_named(category)
    if (only and kind.kind != only) or (allowed.extensions and kind.extension not in allowed.extensions):
        listed = allowed.extensions or sorted(key for key, known in kinds.KINDS.items() if known.kind == only)
        raise kinds.UnsupportedType(
            _("Only files of these kinds are taken here: %(allowed)s.") % {"allowed": ", ".join(listed)},
            meta={"allowed": list(listed)},
        )
    return kind


def limit_of(kind: FileKind, category: str) -> int:
    """The most bytes that a file of this kind may have in this category."""
    return min(kinds.limit_of(kind), selectors.category_named(category).max_bytes or 1 << 62)


def check_content(kind: FileKind, file: Staged, *, size: int | None = None, sha256: str = "") -> None:
    """Refuse what arrived unless it is what was announced; see `file_create`."""
    if file.size == 0:
        raise Invalid.field("file", _("The file is empty."))
    if size is not None and size != file.size:
        raise Invalid.field(
            "size", _("%(said)s bytes were announced and %(came)s came.") % {"said": size, "came": file.size}
        )
    if sha256 and sha256.lower() != file.sha256:
        raise DomainError(
            _("The bytes that came are not those that were announced."),
            code="CHECKSUM_MISMATCH",
            meta={"sha256": file.sha256},
        )
    kinds.check(kind, file.head)


def _append(
    file: StoredFile,
    *,
    number: int,
    blob: Blob,
    by: User | None,
    comment: str = "",
    restored_from: int | None = None,
) -> FileVersion:
    """The next version of a file, unsaved; the file, unsaved too, is now what the version is."""
    version = FileVersion(
        organization_id=file.organization_id,
        file=file,
        number=number,
        blob=blob,
        filename=file.filename,
        content_type=file.content_type,
        size=blob.size,
        comment=comment,
        restored_from=restored_from,
        uploaded_by=by,
    )
    file.current, file.size = version, blob.size
    return version


# --- change -----------------------------------------------------------------------------------------
@transaction.atomic
def file_update(*, file: StoredFile, changes: Mapping[str, Any], by: User, version: int | None = None) -> StoredFile:
    """Change `filename`, `category`, `description`, `tags`, `metadata` (merged, null removes a key) of a file.

    The extension of the name stays. Raises Denied, Invalid, VERSION_CONFLICT.
    """
    may_act(file, by, "files.edit")
    file = _locked(file, version)
    if name := changes.get("filename"):
        file.filename = clean_name(str(name))
        if kind_of(file.filename).mime != file.content_type:
            raise Invalid.field("filename", _("A file keeps the ending of its name."))
    if "category" in changes:
        file.category = selectors.category_named(changes["category"] or "other").key
    _describe(file, changes)
    _save(file)
    return file


def _describe(file: StoredFile, values: Mapping[str, Any]) -> None:
    errors = Errors()
    if "description" in values:
        file.description = str(values["description"] or "").strip()
        if len(file.description) > TEXT_LENGTH:
            errors.add("description", _("Enter at most %(max_length)s characters.") % {"max_length": TEXT_LENGTH})
    if "tags" in values:
        file.tags = list(dict.fromkeys(" ".join(str(tag).split()) for tag in values["tags"] or () if str(tag).strip()))
        if len(file.tags) > TAGS or any(len(tag) > TAG_LENGTH for tag in file.tags):
            limits = {"count": TAGS, "length": TAG_LENGTH}
            errors.add("tags", _("Give at most %(count)s tags of %(length)s characters.") % limits)
    if "metadata" in values:
        said = values["metadata"]
        if said is not None and not isinstance(said, Mapping):
            errors.add("metadata", _("Enter an object."))
        else:
            merged = {**file.metadata, **said} if said is not None else {}
            file.metadata = {key: value for key, value in merged.items() if value is not None}
            if len(orjson.dumps(file.metadata, default=float)) > METADATA_LENGTH:
                errors.add("metadata", _("These details are too long."))
    errors.raise_any()
    file.search_text = normalise(" ".join([file.filename, file.description, *file.tags]))


def _locked(file: StoredFile, version: int | None = None) -> StoredFile:
    row = StoredFile.objects.select_for_update(no_key=True).filter(pk=file.pk, purged_at=None).first()
    if row is None:
        raise NotFound(_("There is no such file."))
    if version is not None and version != row.version:
        raise Conflict(
            _("This record has been changed in the meantime."),
            meta={"currentVersion": row.version, "current": selectors.file_card(row)},
        )
    return row


def _save(file: StoredFile) -> None:
    file.version += 1
    file.save()
    _tell("file.changed", file)


def may(by: User, right: str) -> None:
    if not by.has_permission(right):
        raise Denied(_("You do not have the right to do this."), meta={"permission": right})


def may_act(file: StoredFile, by: User, right: str) -> None:
    if not selectors.may(file=file, user=by, right=right):
        raise Denied(_("You do not have the right to do this."))


def _tell(kind: str, file: StoredFile) -> None:
    """Tell the person who uploaded the file and the one who acts."""
    people = {person for person in (file.uploaded_by_id, scope.actor().user) if person}
    if people:
        events.publish(kind, entity="file", id=file.pk, data={"filename": file.filename}, users=people)


# --- versions ---------------------------------------------------------------------------------------
def version_add(
    *,
    file: StoredFile,
    stream: IO[bytes] | Iterable[bytes] | Staged,
    filename: str,
    by: User,
    content_type: str = "",
    comment: str = "",
    size: int | None = None,
    sha256: str = "",
) -> FileVersion:
    """A new newest version, of the same kind of file. Raises what `file_create` does."""
    may_act(file, by, "files.edit")
    kind = check_kind(name=clean_name(filename), content_type=content_type, category=file.category)
    if kind.mime != file.content_type:
        raise other_kind(file)
    with staged(stream, limit=limit_of(kind, file.category)) as arrived, transaction.atomic():
        check_content(kind, arrived, size=size, sha256=sha256)
        file = _locked(file)
        version = _append(file, number=_next(file), blob=blobs.take(arrived), by=by, comment=_comment(comment))
        version.save()
        _save(file)
        versions_forget(file=file)
    scanning.begin(version)
    return version


def other_kind(file: StoredFile) -> kinds.UnsupportedType:
    return kinds.UnsupportedType(
        _("A new version is of the same kind: %(type)s.") % {"type": file.content_type},
        meta={"expected": file.content_type},
    )


@transaction.atomic
def version_restore(*, file: StoredFile, version: FileVersion, by: User) -> FileVersion:
    """A new newest version with the contents of an old one. Raises Denied, and ILLEGAL_TRANSITION for the newest."""
    may_act(file, by, "files.edit")
    file = _locked(file)
    if file.current_id == version.pk:
        raise IllegalTransition(_("This is the newest version already."))
    blob = blobs.again(version.blob)
    made = _append(file, number=_next(file), blob=blob, by=by, restored_from=version.number)
    made.save()
    _save(file)
    versions_forget(file=file)
    return made


def versions_forget(*, file: StoredFile) -> int:
    """Drop what the organisation's settings do not keep: `fileVersionsKept` newest ones, `fileVersionsDays` days.

    The newest version and those that a share link is pinned to always stay. Needs the file's row locked.
    """
    settings = Organization.objects.values_list("settings", flat=True).get(pk=file.organization_id)
    keep, days = settings.get("fileVersionsKept"), settings.get("fileVersionsDays")
    newest = file.current.pk if file.current else UUID(int=0)
    old = FileVersion.objects.filter(file=file, shares=None).exclude(pk=newest).order_by("-number")
    dropped = {version.pk: version for version in old[keep - 1 :]} if keep else {}
    if days:
        limit = clock.now() - timedelta(days=days)
        dropped |= {version.pk: version for version in old.filter(created_at__lt=limit)}
    for version in dropped.values():
        version.delete()
        blobs.release(version.blob_id)
    return len(dropped)


def _next(file: StoredFile) -> int:
    return 1 + (FileVersion.objects.filter(file=file).aggregate(last=Max("number"))["last"] or 0)


def _comment(text: str) -> str:
    if len(text) > 500:
        raise Invalid.field("comment", _("Enter at most %(max_length)s characters.") % {"max_length": 500})
    return text.strip()


# --- links ------------------------------------------------------------------------------------------
@transaction.atomic
def file_link(*, file: StoredFile, kind: str, record: UUID, by: User) -> FileLink:
    """Say that a file belongs to a record that the person may edit; said twice changes nothing. Raises Invalid."""
    may_act(file, by, "files.edit")
    return _link(file, kind, record, by)


def _link(file: StoredFile, kind: str, record: UUID, by: User) -> FileLink:
    links.record(kind, record, by, to_edit=True)
    made, _new = FileLink.objects.get_or_create(
        file=file, kind=kind, record_id=record, defaults={"organization_id": file.organization_id}
    )
    return made


@transaction.atomic
def file_unlink(*, file: StoredFile, kind: str, record: UUID, by: User) -> None:
    """Take a file from a record. Raises Denied, Invalid, NotFound."""
    may_act(file, by, "files.edit")
    links.record(kind, record, by, to_edit=True)
    if not FileLink.objects.filter(file=file, kind=kind, record_id=record).delete()[0]:
        raise NotFound(_("The file does not belong to this record."))


# --- trash ------------------------------------------------------------------------------------------
@transaction.atomic
def file_delete(*, file: StoredFile, by: User, version: int | None = None) -> None:
    """Put a file into the trash, where it stays 30 days; its share links end. Raises Denied, VERSION_CONFLICT, and
    IN_USE (409) where a record still needs it."""
    may_act(file, by, "files.delete")
    file = _locked(file, version)
    if file.deleted_at:
        raise NotFound(_("There is no such file."))
    _not_held(file)
    now = clock.now()
    ShareLink.objects.filter(file=file, revoked_at=None).update(revoked_at=now, updated_at=now)
    file.deleted_at, file.deleted_by = now, by
    _save(file)


def _not_held(file: StoredFile) -> None:
    of_kind: dict[str, list[UUID]] = {}
    for link in FileLink.objects.filter(file=file):
        of_kind.setdefault(link.kind, []).append(link.record_id)
    for kind, ids in of_kind.items():
        known = links.kinds().get(kind)
        if known and (reason := known.held(ids)):
            raise Conflict(reason, code="IN_USE", meta={"kind": kind})


@transaction.atomic
def file_restore(*, file: StoredFile, by: User) -> StoredFile:
    """Take a file out of the trash. Its share links stay revoked. Raises Denied, NotFound."""
    may_act(file, by, "files.delete")
    file = _locked(file)
    if file.deleted_at is None:
        raise IllegalTransition(_("This file is not in the trash."))
    file.deleted_at, file.deleted_by = None, None
    _save(file)
    return file


@transaction.atomic
def file_purge(*, file: StoredFile, by: User | None) -> None:
    """Remove a file of the trash for good: its row stays, without versions. `by` None: the clock. Raises Denied."""
    if by is not None:
        may(by, "files.manage")
    file = _locked(file)
    if file.deleted_at is None:
        raise IllegalTransition(_("This file is not in the trash."))
    _purge(file)


def _purge(file: StoredFile) -> None:
    ShareLink.objects.filter(file=file).delete()
    FileLink.objects.filter(file=file).delete()
    file.current, file.purged_at = None, clock.now()
    file.save(update_fields=["current", "purged_at", "updated_at"])
    for version in FileVersion.objects.filter(file=file):
        version.delete()
        blobs.release(version.blob_id)


def trash_purge() -> int:
    """Purge what has been in the trash for 30 days, of the organisation in force; how many files."""
    old = StoredFile.objects.filter(deleted_at__lt=clock.now() - selectors.TRASH, purged_at=None)
    rows = list(old.select_for_update(no_key=True, skip_locked=True).order_by("deleted_at")[:PURGED_AT_ONCE])
    for file in rows:
        _purge(file)
    return len(rows)


def files_delete(*, ids: Sequence[UUID], by: User) -> list[tuple[UUID, DomainError | None]]:
    """Put several files into the trash, each for itself; what became of each. Those one may not see are NotFound."""
    may(by, "files.delete")
    if len(ids) > BULK:
        raise Invalid.field("ids", _("Enter at most %(max_length)s entries.") % {"max_length": BULK})
    done: list[tuple[UUID, DomainError | None]] = []
    for id in dict.fromkeys(ids):
        try:
            with transaction.atomic():
                file_delete(file=selectors.file_get(id=id, user=by), by=by)
            done.append((id, None))
        except DomainError as refusal:
            done.append((id, refusal))
    return done


# --- categories -------------------------------------------------------------------------------------
@transaction.atomic
def category_save(*, key: str, values: Mapping[str, Any], by: User) -> FileCategory:
    """Define a category of the organisation, or change one: `name`, `max_bytes`, `extensions`, `is_active`.

    Raises Denied, Invalid.
    """
    may(by, "files.manage")
    row = FileCategory.objects.select_for_update().filter(key=key).first() or FileCategory(
        organization_id=scope.organization_id(), key=key, name=str(selectors.DEFAULTS.get(key, ""))
    )
    for name in ("name", "max_bytes", "extensions", "is_active"):
        if name in values:
            setattr(row, name, values[name])
    row.name = " ".join((row.name or "").split())
    errors = Errors()
    try:
        row.clean_fields()
    except ValidationError as refused:
        for name, texts in refused.message_dict.items():
            errors.add(name, " ".join(texts))
    if unknown := [name for name in row.extensions if name not in kinds.KINDS]:
        errors.add("extensions", _("Unknown: %(names)s.") % {"names": ", ".join(map(str, unknown))})
    if row.max_bytes is not None and row.max_bytes <= 0:
        errors.add("max_bytes", _("Enter at least %(ge)s.") % {"ge": 1})
    if key == "other" and not row.is_active:
        errors.add("is_active", _("Files without another category need this one."))
    errors.raise_any()
    row.save()
    return row
