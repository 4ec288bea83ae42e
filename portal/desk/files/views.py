"""Pages of files (`pages.md`: /files): list, upload, file, trash, figures."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from portal.core.accounts.policy import policy
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.errors import DomainError, Invalid
from portal.core.common.ids import parse_uuid
from portal.core.files import kinds, scanning, selectors, services, serving, shares, uploads
from portal.core.files.models import ScanStatus, StoredFile
from portal.desk.files.forms import FileForm, ShareForm
from portal.desk.files.lists import (
    KIND_ICONS,
    FileFilter,
    FileTable,
    TrashTable,
    category_names,
    outcome_badge,
    scan_badge,
    tags_html,
)
from portal.desk.files.public import drain
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person
from portal.ui.undo import undoable

LOGGED = 50  # uses of share links on the page


@require_GET
@policy("files.view")
def file_list(request: HttpRequest) -> HttpResponse:
    uploading, deleting = may(request, "files.upload"), may(request, "files.delete")
    return list_page(
        request,
        queryset=selectors.file_list(user=person(request)),
        table=FileTable,
        filterset=FileFilter,
        template="desk/files/list.html",
        list_id="files",
        caption=gettext_lazy("Files"),
        empty=Empty(
            title=gettext_lazy("No file yet"),
            text=gettext_lazy("Reports, photos, contracts: drop them here. Every version is kept, and who saw it."),
            icon="files",
        ),
        live=["file.uploaded", "file.changed", "file.scanned"],
        table_kwargs={"bulk": deleting},
        context={
            "tab": "files",
            "may_upload": uploading,
            "may_delete": deleting,
            "categories": selectors.category_list() if uploading else [],
            "accept": ",".join(f".{extension}" for extension in kinds.KINDS),
            "limits": {kind: limit // 1024 // 1024 for kind, limit in settings.FILE_LIMITS.items()},
        },
    )


@require_GET
@policy("files.delete")
def trash_list(request: HttpRequest) -> HttpResponse:
    return list_page(
        request,
        queryset=selectors.file_list(user=person(request), trash=True),
        table=TrashTable,
        filterset=FileFilter,
        template="desk/files/trash.html",
        list_id="trash",
        caption=gettext_lazy("Trash"),
        empty=Empty(
            title=gettext_lazy("The trash is empty"),
            text=gettext_lazy("What somebody deletes stays here for 30 days."),
            icon="trash",
        ),
        table_kwargs={"bulk": True},
        context={"tab": "trash", "may_purge": may(request, "files.manage")},
    )


@require_GET
@policy("files.view")
def stats(request: HttpRequest) -> HttpResponse:
    figures, names = selectors.stats(user=person(request)), category_names()
    scans = dict(ScanStatus.choices)
    groups = [
        (_("By category"), [(names.get(row["key"], row["key"]), row) for row in figures["byCategory"]]),
        (_("By type"), [(row["key"], row) for row in figures["byType"]]),
        (_("By person"), [(row["name"] or "—", row) for row in figures["byUser"]]),
        (_("By virus scan"), [(scans.get(row["key"], row["key"]), row) for row in figures["byScanStatus"]]),
    ]
    return render(
        request,
        "desk/files/stats.html",
        {"tab": "stats", "figures": figures, "groups": groups, "may_delete": may(request, "files.delete")},
    )


# --- one file -----------------------------------------------------------------------------------------
def _file(request: HttpRequest, file_id: UUID, right: str = "", *, trash: bool = False) -> StoredFile:
    return selectors.file_get(id=file_id, user=person(request), right=right, trash=trash)


def _page(request: HttpRequest, file: StoredFile, *, status: int = 200, **more: Any) -> HttpResponse:
    user = person(request)
    assert file.current is not None
    sharing = selectors.may(file=file, user=user, right="files.share")
    editing = selectors.may(file=file, user=user, right="files.edit")
    versions = [
        (version, scan_badge(version.blob.scan_status), selectors.why_not(version=version, user=user))
        for version in selectors.version_list(file=file)
    ]
    context: dict[str, Any] = {
        "file": file,
        "card": selectors.file_cards([file])[0],
        "category": category_names().get(file.category, file.category),
        "kind_icon": KIND_ICONS.get(file.kind, "file-text"),
        "tags": tags_html(file.tags),
        "scan": scan_badge(file.current.blob.scan_status),
        "blob": file.current.blob,
        "blocked": selectors.why_not(version=file.current, user=user),
        "scanner": bool(settings.CLAMD),
        "versions": versions,
        "links": selectors.link_list(file=file, user=user),
        "may_edit": editing,
        "may_delete": selectors.may(file=file, user=user, right="files.delete"),
        "may_share": sharing,
        "form": FileForm(file=file) if editing else None,
        "share_form": ShareForm() if sharing else None,
        "shares": [(row, selectors.share_card(row)["isActive"]) for row in selectors.share_list(file=file)]
        if sharing
        else [],
        "accesses": [
            (row, outcome_badge(row.outcome)) for row in selectors.access_list(file=file)[:LOGGED]
        ] if sharing else [],
        "accept": f".{file.filename.rpartition('.')[2]}",
    }  # fmt: skip
    return render(request, "desk/files/detail.html", context | more, status=status)


@require_GET
@policy("files.view")
def file_detail(request: HttpRequest, file_id: UUID) -> HttpResponse:
    return _page(request, _file(request, file_id))


@require_POST
@policy("files.edit")
def file_edit(request: HttpRequest, file_id: UUID) -> HttpResponse:
    file = _file(request, file_id)
    form = FileForm(request.POST, file=file)
    if form.is_valid():
        try:
            services.file_update(
                file=file, changes=form.changes(), by=person(request), version=form.cleaned_data["version"]
            )
            messages.success(request, _("Saved."))
            return redirect("files:file_detail", file_id)
        except DomainError as refusal:
            form.refuse(refusal)
    return _page(request, _file(request, file_id), status=422, form=form, editing=True)


@require_safe
@policy("files.view")
def file_download(request: HttpRequest, file_id: UUID, number: int = 0) -> HttpResponseBase:
    file = _file(request, file_id)
    version = selectors.version_get(file=file, number=number) if number else file.current
    assert version is not None
    if reason := selectors.why_not(version=version, user=person(request)):
        messages.error(request, reason)
        return redirect("files:file_detail", file_id)
    if serving.from_the_start(request):
        said = {"versionNumber": version.number, "scanStatus": version.blob.scan_status}
        record(Event(Action.DOWNLOAD, "file", str(file.pk), said, label=version.filename))
    return serving.respond(request, blob=version.blob, filename=version.filename, content_type=version.content_type)


def _act(request: HttpRequest, file_id: UUID, act: Any, done: str) -> HttpResponse:
    """Do it and say so on the file's page, or say why not."""
    file = _file(request, file_id)
    try:
        with transaction.atomic():
            act(file)
        messages.success(request, done)
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    return redirect("files:file_detail", file_id)


@require_POST
@policy("files.edit")
def version_restore(request: HttpRequest, file_id: UUID, version_id: UUID) -> HttpResponse:
    def act(file: StoredFile) -> None:
        version = selectors.version_get(file=file, id=version_id)
        services.version_restore(file=file, version=version, by=person(request))

    return _act(request, file_id, act, _("The old version is the newest again."))


@require_POST
@policy("files.view")
def file_scan(request: HttpRequest, file_id: UUID) -> HttpResponse:
    return _act(
        request, file_id, lambda file: scanning.scan_request(file=file, by=person(request)), _("The scan is under way.")
    )


@require_POST
@policy("files.share")
def share_create(request: HttpRequest, file_id: UUID) -> HttpResponse:
    file, form = _file(request, file_id, "files.share"), ShareForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        assert file.current is not None
        try:
            link, token = shares.share_create(
                file=file,
                by=person(request),
                expires_in_hours=24 * said["days"],
                password=said["password"],
                max_downloads=said["max_downloads"],
                pinned=file.current.number if said["pinned"] else None,
                note=said["note"],
            )
            return _page(request, _file(request, file_id), made=link, made_url=shares.url_of(token))
        except DomainError as refusal:
            form.refuse(refusal)
    return _page(request, file, status=422, share_form=form, sharing=True)


@require_POST
@policy("files.share")
def share_revoke(request: HttpRequest, file_id: UUID) -> HttpResponse:
    one = parse_uuid(request.POST.get("share", ""))
    return _act(
        request,
        file_id,
        lambda file: shares.share_revoke(file=file, by=person(request), id=one),
        _("The link was withdrawn.") if one else _("All links were withdrawn."),
    )


@require_POST
@policy("files.delete")
def files_delete(request: HttpRequest) -> HttpResponse:
    """One file or all that are ticked; what could not be deleted is named with its reason."""
    ids = [id for id in map(parse_uuid, request.POST.getlist("ids")) if id]
    try:
        done = services.files_delete(ids=ids, by=person(request))
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
        return redirect("files:file_list")
    gone = sum(reason is None for _id, reason in done)
    if gone:
        text = ngettext("%(count)s file is in the trash.", "%(count)s files are in the trash.", gone)
        back = [("act", "restore"), *(("ids", str(id)) for id, reason in done if reason is None)]
        undoable(request, text % {"count": gone}, url=reverse("files:trash_act"), fields=back)
    names = dict(
        StoredFile.objects.filter(selectors.visible(person(request)), pk__in=ids).values_list("pk", "filename")
    )
    for id, reason in done:
        if reason is not None:
            messages.error(request, format_html("<bdi>{}</bdi> {}", names.get(id, ""), reason.message))
    if not done:
        messages.info(request, _("Nothing was ticked."))
    return redirect("files:file_list")


@require_POST
@policy("files.delete")
def trash_act(request: HttpRequest) -> HttpResponse:
    """Restore, or remove for good, all that are ticked."""
    purge, done = request.POST.get("act") == "purge", 0
    for id in [id for id in map(parse_uuid, request.POST.getlist("ids")) if id][: services.BULK]:
        try:
            with transaction.atomic():
                file = _file(request, id, trash=True)
                if purge:
                    services.file_purge(file=file, by=person(request))
                else:
                    services.file_restore(file=file, by=person(request))
            done += 1
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
    if done and purge:
        text = ngettext("%(count)s file was removed for good.", "%(count)s files were removed for good.", done)
        messages.success(request, text % {"count": done})
    elif done:
        text = ngettext("%(count)s file was restored.", "%(count)s files were restored.", done)
        messages.success(request, text % {"count": done})
    else:
        messages.info(request, _("Nothing was ticked."))
    return redirect("files:trash_list")


# --- upload -------------------------------------------------------------------------------------------
@require_POST
@policy("files.upload")
def upload_form(request: HttpRequest, file_id: UUID | None = None) -> HttpResponse:
    """Upload without JavaScript: one form, one file or several."""
    user, done, last = person(request), 0, None
    if file_id:
        _file(request, file_id)  # 404 before anything else
    for sent in request.FILES.getlist("file"):
        try:
            with transaction.atomic():
                arrived: dict[str, Any] = {
                    "stream": sent, "filename": sent.name or "", "content_type": sent.content_type or "", "by": user,
                }  # fmt: skip
                if file_id:
                    comment = request.POST.get("comment", "")
                    last = services.version_add(file=_file(request, file_id), comment=comment, **arrived).file
                else:
                    last = services.file_create(category=request.POST.get("category", ""), **arrived)
            done += 1
        except DomainError as refusal:
            messages.error(request, format_html("<bdi>{}</bdi>: {}", sent.name, refusal.message))
    if done:
        text = ngettext("%(count)s file was uploaded.", "%(count)s files were uploaded.", done)
        messages.success(request, text % {"count": done})
    elif not request.FILES:
        messages.info(request, _("Choose a file first."))
    if file_id or (last and done == 1):
        return redirect("files:file_detail", file_id or (last and last.pk))
    return redirect("files:file_list")


def _said(act: Any, request: HttpRequest) -> JsonResponse:
    """The answer of an upload step as JSON, refusals too."""
    try:
        with transaction.atomic():
            return JsonResponse(act())
    except DomainError as refusal:
        drain(request)
        message = str(refusal.errors[0].message if refusal.errors else refusal.message)
        return JsonResponse({"code": refusal.code, "message": message, **refusal.meta}, status=refusal.status)


@require_POST
@policy("files.upload")
def upload_begin(request: HttpRequest) -> JsonResponse:
    def act() -> dict[str, Any]:
        target, size = parse_uuid(request.POST.get("target", "")), request.POST.get("size", "")
        if not size.isascii() or not size.isdigit() or len(size) > 15:
            raise Invalid.field("size", _("Enter a whole number."))
        file = _file(request, target) if target else None
        upload = uploads.upload_begin(
            filename=request.POST.get("filename", ""),
            size=int(size),
            target=file,
            category=request.POST.get("category", ""),
            details={"comment": request.POST.get("comment", "")[:500]} if file else {},
            by=person(request),
        )
        return uploads.upload_card(upload)

    return _said(act, request)


@require_http_methods(["GET", "DELETE"])
@policy("files.upload")
def upload_state(request: HttpRequest, upload_id: UUID) -> JsonResponse:
    def act() -> dict[str, Any]:
        upload = uploads.upload_get(id=upload_id, by=person(request))
        if request.method == "DELETE":
            uploads.upload_fail(upload=upload, reason="cancelled")
            upload.refresh_from_db()
        return uploads.upload_card(upload)

    return _said(act, request)


@require_http_methods(["PUT"])
@policy("files.upload")
def upload_part(request: HttpRequest, upload_id: UUID, number: int) -> JsonResponse:
    def act() -> dict[str, Any]:
        upload = uploads.upload_get(id=upload_id, by=person(request))
        part = uploads.part_put(upload=upload, number=number, stream=request)
        return {"number": part.number, "size": part.size}

    return _said(act, request)


@require_POST
@policy("files.upload")
def upload_finish(request: HttpRequest, upload_id: UUID) -> JsonResponse:
    def act() -> dict[str, Any]:
        upload = uploads.upload_get(id=upload_id, by=person(request))
        file, _row = uploads.upload_finish(upload=upload, by=person(request))
        return {"fileId": file.pk, "url": reverse("files:file_detail", args=[file.pk])}

    answer = _said(act, request)
    if answer.status_code == 415:
        uploads.upload_fail(
            upload=uploads.upload_get(id=upload_id, by=person(request)), reason=_("The content is not what it says.")
        )
    return answer
