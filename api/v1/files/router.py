"""Files (002, 15 endpoints; C95 to C97; `contract-platform.md` section 4), and what they need beside: uploads in
parts, signed addresses, trash, links to records."""

from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja import Query

from api.kit import Listing, Page, Reply, Router, envelope, expected_version, paginate, uploads
from api.kit.faults import refusal
from api.kit.periods import period
from api.kit.schemas import uuid_in
from api.v1.files import schemas
from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import DomainError, Invalid
from portal.core.files import scanning, selectors, services, serving, shares
from portal.core.files import uploads as pieces
from portal.core.files.models import FileVersion, StoredFile

router = Router(tags=["files"])
_MEDIA: Final = (uploads.MULTIPART,)
_LIMIT: Final = max(settings.FILE_LIMITS.values()) + uploads.SLACK
_BYTES: Final[dict[str, Any]] = {
    "responses": {
        200: {"content": {"*/*": {}}},
        206: {"content": {"*/*": {}}},
        304: {"description": "Not changed"},
        416: {"description": "No such range"},
    }
}
_BROKEN: Final = ("CHECKSUM_MISMATCH", "UNSUPPORTED_MEDIA_TYPE")


def _me(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined,no-any-return]


def _detail(request: HttpRequest, file: StoredFile, *, token: str = "") -> dict[str, Any]:
    links = selectors.link_list(file=file, user=_me(request))
    card = selectors.file_cards([file])[0]
    card["links"] = [
        {"entityType": link.kind, "entityId": link.record_id, "label": label} for link, label, _url in links
    ]
    if token:
        card["share"] = {"token": token, "url": shares.url_of(token)}
    return card


def _file(request: HttpRequest, id: UUID, right: str = "", *, trash: bool = False) -> StoredFile:
    return selectors.file_get(id=UUID(str(id)), user=_me(request), right=right, trash=trash)


def _again(request: HttpRequest, file: StoredFile, *, token: str = "") -> dict[str, Any]:
    return _detail(request, _file(request, file.pk), token=token)


# --- upload -----------------------------------------------------------------------------------------
@router.post(
    "/files/upload",
    policy="files.upload",
    response=schemas.FileDetail,
    status=201,
    media=_MEDIA,
    limit=_LIMIT,
    upload=True,
    summary="Upload a file",
    openapi_extra=uploads.FORM,
)
def file_upload(request: HttpRequest) -> dict[str, Any]:
    """One file as `file`. `X-File-Category`, `X-File-Description` (UTF-8 or percent-encoded) and `X-File-Public` may
    be sent as headers or as fields of the form. 413 over the kind's limit, 415 where name, type and content do not
    agree, 507 where the organisation's storage is full."""
    got = uploads.received(request)
    said = {name: _said(request, header, name) for header, name in _HEADERS.items()}
    linked = []
    if got.fields.get("entityType"):
        linked.append((got.fields["entityType"], uuid_in(got.fields.get("entityId"), "entityId")))
    file = services.file_create(
        stream=got.file,
        filename=got.filename,
        content_type=got.content_type,
        category=said["category"],
        description=said["description"],
        tags=[tag for tag in got.fields.get("tags", "").split(",") if tag.strip()],
        links_to=linked,
        sha256=got.fields.get("sha256", ""),
        by=_me(request),
    )
    public = said["isPublic"].strip().lower()
    if public not in ("", "true", "false", "1", "0"):
        raise Invalid.field("X-File-Public", _("Enter true or false."))
    token = shares.public_set(file=file, public=True, by=_me(request)) if public in ("true", "1") else ""
    return _again(request, file, token=token)


_HEADERS: Final = {
    "X-File-Category": "category",
    "X-File-Description": "description",
    "X-File-Public": "isPublic",
}


def _said(request: HttpRequest, header: str, name: str) -> str:
    value = request.headers.get(header)
    if value is None:
        return uploads.received(request).fields.get(name, "")
    try:
        return unquote(value.encode("latin-1").decode("utf-8"))
    except (UnicodeDecodeError, UnicodeEncodeError):
        return unquote(value)


@router.post(
    "/files/uploads",
    policy="files.upload",
    response=schemas.UploadOut,
    status=201,
    summary="Begin an upload in parts, or by a signed address",
)
def upload_begin(request: HttpRequest, data: schemas.UploadIn) -> dict[str, Any]:
    """In parts of `partSize` bytes that may come in any order and again after a break: `PUT …/parts/{number}`, then
    `POST …/complete`. With `direct` the answer's `upload` says where one PUT has to bring the bytes within 15 minutes;
    then `POST …/confirm`. What can be refused is refused here."""
    me = _me(request)
    details: dict[str, Any] = {"comment": data.comment} if data.file_id else {
        "description": data.description, "tags": data.tags, "metadata": data.metadata,
    }  # fmt: skip
    if data.entity_type and data.entity_id:
        details["links_to"] = [[data.entity_type, str(data.entity_id)]]
    upload = pieces.upload_begin(
        filename=data.filename,
        size=data.size,
        content_type=data.content_type,
        sha256=data.sha256,
        direct=data.direct,
        target=_file(request, data.file_id) if data.file_id else None,
        category=data.category,
        details=details,
        by=me,
    )
    return _upload(upload)


def _upload(upload: Any) -> dict[str, Any]:
    card = pieces.upload_card(upload)
    if upload.mode == "direct" and upload.status == "open":
        where = pieces.address(upload)
        url = f"{settings.PUBLIC_URL}{where.url}" if where.url.startswith("/") else where.url
        card["upload"] = {
            "method": where.method,
            "url": url,
            "headers": dict(where.headers),
            "expiresIn": pieces.SIGNED_SECONDS,
        }
    return card


@router.get(
    "/files/uploads/{id:upload_id}", policy="files.upload", response=schemas.UploadOut, summary="Where an upload stands"
)
def upload_state(request: HttpRequest, upload_id: UUID) -> dict[str, Any]:
    """Which parts are here, so that a client goes on after a break. Of a direct one a new signed address."""
    return _upload(pieces.upload_get(id=upload_id, by=_me(request)))


@router.delete("/files/uploads/{id:upload_id}", policy="files.upload", response=None, summary="Give an upload up")
def upload_cancel(request: HttpRequest, upload_id: UUID) -> Reply:
    """What has arrived of it is removed."""
    pieces.upload_fail(upload=pieces.upload_get(id=upload_id, by=_me(request)), reason="cancelled")
    return Reply(message=_("The upload was given up."))


@router.operation(
    ["PUT"],
    "/files/uploads/{id:upload_id}/parts/{int:number}",
    policy="files.upload",
    response=schemas.PartOut,
    media=("application/octet-stream",),
    limit=pieces.PART,
    summary="Send one part",
    openapi_extra={
        "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
def upload_part(request: HttpRequest, upload_id: UUID, number: int) -> dict[str, Any]:
    """Parts count from 1; each but the last has `partSize` bytes. Sent again a part takes the place of the first. One
    that breaks off leaves nothing. `X-Part-SHA256` (hexadecimal) is compared where it is sent."""
    uploads.need_length(request)
    upload = pieces.upload_get(id=upload_id, by=_me(request))
    digest = request.headers.get("X-Part-SHA256", "")
    part = pieces.part_put(upload=upload, number=number, stream=request, sha256=digest)
    return {"number": part.number, "size": part.size, "sha256": part.sha256}


@router.post(
    "/files/uploads/{id:upload_id}/complete", policy="files.upload", response=schemas.FileDetail, status=201,
    summary="Make the file of an upload in parts",
)  # fmt: skip
@router.post(
    "/files/uploads/{id:upload_id}/confirm", policy="files.upload", response=schemas.FileDetail, status=201,
    summary="Make the file of a direct upload",
)  # fmt: skip
def upload_finish(request: HttpRequest, upload_id: UUID, data: schemas.FinishIn) -> Any:
    """Size and SHA-256 are counted anew from what has arrived. Bytes that are not what was announced end the upload
    (`CHECKSUM_MISMATCH`, 415) and are removed. Asked twice, it answers the same file."""
    upload = pieces.upload_get(id=upload_id, by=_me(request))
    try:
        file, _row = pieces.upload_finish(upload=upload, by=_me(request), size=data.size, sha256=data.sha256)
    except DomainError as error:
        if error.code not in _BROKEN:
            raise
        pieces.upload_fail(upload=upload, reason=str(error.message))  # kept, though the request is refused
        return envelope.failure(request, refusal(request, error))
    return _again(request, file)


# --- list, metadata -----------------------------------------------------------------------------------
@router.get("/files/metadata", policy="files.view", response=list[schemas.FileOut], summary="Files")
def file_list(request: HttpRequest, query: Query[schemas.FileQuery]) -> Page:
    """What the caller may see: own uploads, files of records that they may see, and by their right the others."""
    return _page(request, query, trash=False)


@router.get("/files/trash", policy="files.delete", response=list[schemas.FileOut], summary="Files in the trash")
def trash_list(request: HttpRequest, query: Query[schemas.FileQuery]) -> Page:
    """They are removed for good 30 days after their deletion."""
    return _page(request, query, trash=True)


def _page(request: HttpRequest, query: schemas.FileQuery, *, trash: bool) -> Page:
    since, until = period(request, query.date_from or query.from_, query.date_to or query.to)
    found = selectors.file_list(
        user=_me(request),
        trash=trash,
        search=query.search or query.q,
        category=query.category,
        kind=query.kind,
        content_type=query.content_type or query.file_type,
        scan_status=query.scan_status,
        tags=query.tags,
        uploaded_by=query.uploaded_by,
        linked_kind=query.entity_type,
        linked_id=query.entity_id,
        public=query.is_public,
        since=since,
        until=until,
        smallest=query.min_size,
        largest=query.max_size,
    )
    page = paginate(found, query, lambda row: row)
    page.items = selectors.file_cards(list(page.items))
    return page


@router.get(
    "/files/metadata/categories", policy="files.view", response=list[schemas.CategoryOut], summary="File categories"
)
def category_list(request: HttpRequest) -> Reply:
    """Built-in ones and the organisation's own."""
    cards = [selectors.category_card(category) for category in selectors.category_list()]
    return Reply(cards, meta={"page": 1, "limit": max(1, len(cards)), "total": len(cards), "totalPages": 1})


@router.update(
    "/files/metadata/categories/{slug:key}",
    policy="files.manage",
    response=schemas.CategoryOut,
    summary="Define or change a category",
)
def category_save(request: HttpRequest, key: str, data: schemas.CategoryIn) -> dict[str, Any]:
    """One with a built-in key takes its place. `maxBytes` narrows the limit of the kind, `extensions` the kinds."""
    values = {name: value for name, value in data.changes.items() if value is not None or name == "max_bytes"}
    services.category_save(key=key.lower(), values=values, by=_me(request))
    return next(selectors.category_card(c) for c in selectors.category_list(all=True) if c.key == key.lower())


@router.get(
    "/files/metadata/stats", policy="files.view", response=schemas.StatsOut, summary="Figures of files and storage"
)
def file_stats(request: HttpRequest) -> dict[str, Any]:
    """Over the files that the caller sees; `storage` is the organisation's."""
    return selectors.stats(user=_me(request))


@router.get("/files/metadata/{id:file_id}", policy="files.view", response=schemas.FileDetail, summary="One file")
def file_detail(request: HttpRequest, file_id: UUID) -> dict[str, Any]:
    """With the records that it belongs to, as far as the caller sees them."""
    return _detail(request, _file(request, file_id))


@router.update(
    "/files/metadata/{id:file_id}", policy="files.edit", response=schemas.FileDetail, summary="Change a file"
)
def file_update(request: HttpRequest, file_id: UUID, data: schemas.FileIn) -> dict[str, Any]:
    """`isPublic` makes a share link without password, or ends it; the answer's `share` tells a new one once."""
    file, me = _file(request, file_id), _me(request)
    changes = {name: value for name, value in data.changes.items() if name not in ("version", "is_public")}
    file = services.file_update(file=file, changes=changes, by=me, version=expected_version(request, data.version))
    token = "" if data.is_public is None else shares.public_set(file=file, public=data.is_public, by=me)
    return _again(request, file, token=token)


@router.post(
    "/files/metadata/{id:file_id}/links", policy="files.edit", response=schemas.FileDetail, status=201,
    summary="Say that a file belongs to a record",
)  # fmt: skip
def link_add(request: HttpRequest, file_id: UUID, data: schemas.LinkIn) -> dict[str, Any]:
    """Who may see the record may then see the file."""
    file = _file(request, file_id)
    services.file_link(file=file, kind=data.entity_type, record=data.entity_id, by=_me(request))
    return _again(request, file)


@router.delete(
    "/files/metadata/{id:file_id}/links/{slug:entity_type}/{id:entity_id}",
    policy="files.edit",
    response=schemas.FileDetail,
    summary="Take a file from a record",
)
def link_remove(request: HttpRequest, file_id: UUID, entity_type: str, entity_id: UUID) -> dict[str, Any]:
    """The file stays."""
    file = _file(request, file_id)
    services.file_unlink(file=file, kind=entity_type, record=UUID(str(entity_id)), by=_me(request))
    return _again(request, file)


# --- download ---------------------------------------------------------------------------------------
@router.get(
    "/files/download/{id:file_id}",
    policy="files.view",
    response=None,
    summary="Download a file",
    openapi_extra=_BYTES,
)
def file_download(request: HttpRequest, file_id: UUID, version: int = 0) -> HttpResponseBase:
    """The newest version, or the one with the number `version`, always as an attachment. `Range`, `If-Range`, `ETag`
    and `If-None-Match` work. 403 `FILE_BLOCKED` while the virus scan holds it back."""
    chosen = _version(request, file_id, version)
    if serving.from_the_start(request):
        _note(chosen)
    return serving.respond(request, blob=chosen.blob, filename=chosen.filename, content_type=chosen.content_type)


@router.get(
    "/files/metadata/{id:file_id}/download-url",
    policy="files.view",
    response=schemas.UrlOut,
    summary="A signed address of a file",
)
def file_url(request: HttpRequest, file_id: UUID, version: int = 0) -> dict[str, Any]:
    """For 900 seconds, for whoever has it."""
    chosen = _version(request, file_id, version)
    _note(chosen)
    link = serving.signed_url(blob=chosen.blob, filename=chosen.filename, content_type=chosen.content_type)
    return {"url": link.url, "expiresAt": link.expires_at}


def _version(request: HttpRequest, file_id: UUID, number: int) -> FileVersion:
    file = _file(request, file_id)
    chosen = selectors.version_get(file=file, number=number) if number else file.current
    assert chosen is not None
    if reason := selectors.why_not(version=chosen, user=_me(request)):
        raise shares.blocked(reason)
    return chosen


def _note(version: FileVersion) -> None:
    said = {"versionNumber": version.number, "scanStatus": version.blob.scan_status}
    record(Event(Action.DOWNLOAD, "file", str(version.file_id), said, label=version.filename))


# --- delete -----------------------------------------------------------------------------------------
@router.delete("/files/delete/{id:file_id}", policy="files.delete", response=None, summary="Delete a file")
def file_delete(request: HttpRequest, file_id: UUID) -> Reply:
    """Into the trash, for 30 days; its share links end. 409 `IN_USE` where a record still needs it."""
    services.file_delete(file=_file(request, file_id), by=_me(request), version=expected_version(request))
    return Reply(message=_("The file is in the trash."))


@router.post("/files/delete/bulk", policy="files.delete", response=schemas.BulkOut, summary="Delete several files")
def file_delete_bulk(request: HttpRequest, data: schemas.BulkIn) -> dict[str, Any]:
    """Each for itself; `results` says what became of each."""
    done = services.files_delete(ids=data.ids, by=_me(request))
    results = [
        {
            "id": id,
            "success": error is None,
            "error": None if error is None else {"code": error.code, "message": error.message},
        }
        for id, error in done
    ]
    failed = sum(not row["success"] for row in results)
    return {"succeeded": len(results) - failed, "failed": failed, "results": results}


@router.post(
    "/files/trash/{id:file_id}/restore",
    policy="files.delete",
    response=schemas.FileDetail,
    summary="Take a file out of the trash",
)
def file_restore(request: HttpRequest, file_id: UUID) -> dict[str, Any]:
    """Its share links stay revoked."""
    file = services.file_restore(file=_file(request, file_id, trash=True), by=_me(request))
    return _again(request, file)


@router.delete(
    "/files/trash/{id:file_id}", policy="files.manage", response=None, summary="Remove a file of the trash for good"
)
def file_purge(request: HttpRequest, file_id: UUID) -> Reply:
    """Cannot be undone."""
    services.file_purge(file=_file(request, file_id, trash=True), by=_me(request))
    return Reply(message=_("The file was removed for good."))


# --- versions, scan ---------------------------------------------------------------------------------
@router.get(
    "/files/metadata/{id:file_id}/versions",
    policy="files.view",
    response=list[schemas.VersionOut],
    summary="Versions of a file",
)
def version_list(request: HttpRequest, file_id: UUID, query: Query[Listing]) -> Page:
    """The newest first."""
    return paginate(selectors.version_list(file=_file(request, file_id)), query, selectors.version_card)


@router.post(
    "/files/metadata/{id:file_id}/versions",
    policy="files.edit",
    response=schemas.VersionOut,
    status=201,
    media=_MEDIA,
    limit=_LIMIT,
    upload=True,
    summary="Upload a new version",
    openapi_extra=uploads.FORM,
)
def version_add(request: HttpRequest, file_id: UUID) -> dict[str, Any]:
    """Of the same kind as the file."""
    got = uploads.received(request)
    version = services.version_add(
        file=_file(request, file_id),
        stream=got.file,
        filename=got.filename,
        content_type=got.content_type,
        comment=got.fields.get("comment", ""),
        sha256=got.fields.get("sha256", ""),
        by=_me(request),
    )
    return selectors.version_card(version)


@router.post(
    "/files/metadata/{id:file_id}/versions/{id:version_id}/restore",
    policy="files.edit",
    response=schemas.VersionOut,
    summary="Restore a version",
)
def version_restore(request: HttpRequest, file_id: UUID, version_id: UUID) -> dict[str, Any]:
    """Makes a new newest version with the old contents."""
    file = _file(request, file_id)
    version = selectors.version_get(file=file, id=UUID(str(version_id)))
    return selectors.version_card(services.version_restore(file=file, version=version, by=_me(request)))


@router.post(
    "/files/metadata/{id:file_id}/scan",
    also=(200,),
    policy="files.view",
    response=schemas.ScanOut,
    status=202,
    summary="Scan a file for viruses",
)
def file_scan(request: HttpRequest, file_id: UUID) -> Reply:
    """A job does it; `file.scanned` tells the end. Without a scanner 200 with `not_scanned`."""
    file = _file(request, file_id)
    assert file.current is not None
    if not settings.CLAMD:
        return Reply(selectors.scan_card(file.current.blob), status=200, message=_("No virus scanner is configured."))
    scanning.scan_request(file=file, by=_me(request))
    return Reply({**selectors.scan_card(file.current.blob), "status": "pending"})


@router.get(
    "/files/metadata/{id:file_id}/scan", policy="files.view", response=schemas.ScanOut, summary="What the scan said"
)
def file_scanned(request: HttpRequest, file_id: UUID) -> dict[str, Any]:
    """Of the newest version."""
    file = _file(request, file_id)
    assert file.current is not None
    return selectors.scan_card(file.current.blob)


# --- share links ------------------------------------------------------------------------------------
@router.post(
    "/files/metadata/{id:file_id}/share",
    policy="files.share",
    response=schemas.ShareMade,
    status=201,
    summary="Share a file by link",
)
def share_create(request: HttpRequest, file_id: UUID, data: schemas.ShareIn) -> dict[str, Any]:
    """For 7 days, or as said, at most 90. The token is told here and nowhere else."""
    moment = data.expires_at
    if moment is not None and moment.tzinfo is None:
        raise Invalid.field("expiresAt", _("Enter a date and time with offset or Z, like 2026-11-20T09:15:00Z."))
    link, token = shares.share_create(
        file=_file(request, file_id),
        by=_me(request),
        expires_at=moment,
        expires_in_hours=data.expires_in_hours,
        password=data.password or "",
        max_downloads=data.max_downloads,
        pinned=data.pinned_version,
        note=data.note,
    )
    return {**selectors.share_card(link), "token": token, "url": shares.url_of(token)}


@router.get(
    "/files/metadata/{id:file_id}/share",
    policy="files.share",
    response=list[schemas.ShareOut],
    summary="Share links of a file",
)
def share_list(request: HttpRequest, file_id: UUID, query: Query[Listing]) -> Page:
    """The newest first, those that ended too."""
    file = _file(request, file_id, "files.share")
    return paginate(selectors.share_list(file=file), query, selectors.share_card)


@router.delete(
    "/files/metadata/{id:file_id}/share",
    policy="files.share",
    response=schemas.Revoked,
    summary="Withdraw share links",
)
def share_revoke(request: HttpRequest, file_id: UUID, query: Query[schemas.RevokeQuery]) -> dict[str, Any]:
    """All of the file, or the one named by `shareId`. At once."""
    id = uuid_in(query.share_id, "shareId") if query.share_id else None
    return {"revoked": shares.share_revoke(file=_file(request, file_id), by=_me(request), id=id)}


@router.get(
    "/files/metadata/{id:file_id}/share/accesses",
    policy="files.share",
    response=list[schemas.AccessOut],
    summary="Who used the share links",
)
def share_accesses(request: HttpRequest, file_id: UUID, query: Query[Listing]) -> Page:
    """Every look, download and refusal, the newest first."""
    file = _file(request, file_id, "files.share")
    return paginate(
        selectors.access_list(file=file),
        query,
        lambda row: {
            "id": row.pk,
            "shareId": row.link_id,
            "outcome": row.outcome,
            "versionNumber": row.version_number,
            "ipAddress": row.ip or None,
            "userAgent": row.agent or None,
            "at": clock.wire(row.created_at),
        },
    )
