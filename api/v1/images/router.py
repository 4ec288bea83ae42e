"""Images of projects and tasks (specification 000; `contract-platform.md` section 4)."""

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja import Body, Query
from ninja.errors import ValidationError
from pydantic import ValidationError as Refused

from api.kit import Page, Reply, Router, paginate, uploads
from api.kit.periods import period
from api.v1.images.schemas import (
    AllImagesQuery,
    ImageOfFile,
    ImageOut,
    ImageQuery,
    ImageUpload,
    SignedUrl,
    form_described,
)
from portal.core.accounts.models import User
from portal.core.files import serving
from portal.core.projects.access import project_for, task_for
from portal.fieldwork.images import copies, selectors, services
from portal.fieldwork.images.models import Image

router = Router(tags=["images"])
LARGEST: Final = settings.FILE_LIMITS["image"] + uploads.SLACK  # C97


@router.post(
    "/images/upload",
    also=(200,),
    policy="images.upload",
    upload=True,
    limit=LARGEST,
    media=(uploads.MULTIPART,),
    response=ImageOut,
    status=201,
    summary="Upload an image",
    openapi_extra=form_described(),
)
def image_upload(request: HttpRequest) -> Reply:
    """A form with the picture and what the device knows of it. Data made offline goes in this order: first the task
    (`POST /projects/{projectId}/tasks` or `POST /sync`), then its images with the task's id.

    The same `localSyncId`, or the same picture for the same task, answers 200 with the image that is there, so a retry
    is harmless. A picture that is damaged is kept with `status` failed; one whose content is not what its name or type
    says is refused (415), and so is one of more than 100 megapixels (400).
    """
    return _upload(request)


@router.post(
    "/projects/{id:project_id}/images",
    also=(200,),
    policy="images.upload",
    upload=True,
    limit=LARGEST,
    media=(uploads.MULTIPART,),
    response=ImageOut,
    status=201,
    summary="Upload an image of a project",
    openapi_extra=form_described(),
)
def image_upload_to(request: HttpRequest, project_id: UUID) -> Reply:
    """As `POST /images/upload`, without `projectId`."""
    return _upload(request, project_id)


@router.post(
    "/images", also=(200,), policy="images.upload", response=ImageOut, status=201, summary="Make an image of a file"
)
def image_create(request: HttpRequest, payload: Body[ImageOfFile]) -> Reply:
    """For pictures that went up in parts, or by a signed address straight to the store."""
    user = _user(request)
    project, task = services.place_for(user=user, project=payload.project_id, task=payload.task_id)
    file = services.file_for(id=payload.file_id, by=user)
    image, created = services.image_of_file(file=file, by=user, project=project, task=task, details=payload.details())
    return Reply(selectors.image_card(image), status=201 if created else 200)


@router.get("/images", policy="images.view", response=list[ImageOut], summary="Images")
def image_list(request: HttpRequest, query: Query[AllImagesQuery]) -> Page:
    """All that the caller may see, newest upload first."""
    return _page(request, query, project=query.project_id, task=query.task_id)


@router.get("/images/project/{id:project_id}", policy="images.view", response=list[ImageOut], summary="Of a project")
@router.get("/projects/{id:project_id}/images", policy="images.view", response=list[ImageOut], summary="Of a project")
def image_of_project(request: HttpRequest, project_id: UUID, query: Query[ImageQuery]) -> Page:
    """Newest upload first."""
    return _page(request, query, project=project_for(_user(request), project_id).pk)


@router.get("/images/task/{id:task_id}", policy="images.view", response=list[ImageOut], summary="Of a task")
def image_of_task(request: HttpRequest, task_id: UUID, query: Query[ImageQuery]) -> Page:
    """Newest upload first."""
    return _page(request, query, task=task_for(_user(request), task_id).pk)


@router.get("/images/{id:image_id}/metadata", policy="images.view", response=ImageOut, summary="One image's metadata")
@router.get("/images/{id:image_id}", policy="images.view", response=ImageOut, summary="One image's metadata")
def image_metadata(request: HttpRequest, image_id: UUID) -> dict[str, Any]:
    """What was stated beside what the camera wrote; `flags` says how they differ."""
    return selectors.image_card(_image(request, image_id))


@router.get(
    "/images/{id:image_id}/download-url",
    policy="images.view",
    response=SignedUrl,
    summary="Address of the picture without its metadata",
)
def image_download_url(request: HttpRequest, image_id: UUID) -> dict[str, Any]:
    """A JPEG of at most 2048 pixels, upright, without place, time and camera. 409 `NOT_READY` while it is being made,
    and for a picture that cannot be shown (`status` failed)."""
    return _link(copies.rendition_url(image=_image(request, image_id), by=_user(request)))


@router.get(
    "/images/{id:image_id}/original-url",
    policy="files.original",
    response=SignedUrl,
    summary="Address of the original",
)
def image_original_url(request: HttpRequest, image_id: UUID) -> dict[str, Any]:
    """The bytes as they came, with everything the camera wrote into them. Recorded in the audit log."""
    return _link(copies.original_url(image=_image(request, image_id), by=_user(request)))


@router.get(
    "/images/{id:image_id}/thumbnail",
    policy="images.view",
    response=None,
    summary="Thumbnail",
    openapi_extra={"responses": {200: {"description": "JPEG, 512 pixels", "content": {"image/jpeg": {}}}}},
)
def image_thumbnail(request: HttpRequest, image_id: UUID) -> HttpResponseBase:
    """Without metadata."""
    return copies.answer(request, image=_image(request, image_id), size="thumbnail", by=_user(request))


@router.delete("/images/{id:image_id}", policy="images.delete", summary="Delete an image")
def image_delete(request: HttpRequest, image_id: UUID) -> Reply:
    """Its file goes to the trash for 30 days, its copies at once. Field workers delete what they uploaded."""
    services.image_delete(image=_image(request, image_id), by=_user(request))
    return Reply(message=_("Image deleted successfully."))


def _upload(request: HttpRequest, project_id: UUID | None = None) -> Reply:
    got, fields, user = uploads.received(request), _checked(request), _user(request)
    project, task = services.place_for(user=user, project=project_id or fields.project_id, task=fields.task_id)
    image, created = services.image_upload(
        stream=got.file,
        filename=got.filename,
        content_type=got.content_type,
        sha256=fields.checksum_sha256,
        by=user,
        project=project,
        task=task,
        details=fields.details(),
    )
    return Reply(selectors.image_card(image), status=201 if created else 200)


def _user(request: HttpRequest) -> User:
    user: User = request.auth  # type: ignore[attr-defined]
    return user


def _image(request: HttpRequest, image_id: UUID) -> Image:
    return selectors.image_get(id=image_id, user=_user(request))


def _link(found: serving.Link) -> dict[str, Any]:
    return {"url": found.url, "expiresAt": found.expires_at}


def _checked(request: HttpRequest) -> ImageUpload:
    try:
        return ImageUpload.model_validate(dict(uploads.received(request).fields), context={"request": request})
    except Refused as refused:
        faults: list[Any] = [{**error, "loc": ("body", "form", *error["loc"])} for error in refused.errors()]
        raise ValidationError(faults) from None


def _page(request: HttpRequest, query: ImageQuery, *, project: UUID | None = None, task: UUID | None = None) -> Page:
    since, until = period(request, query.date_from, query.date_to)
    found = selectors.image_list(
        user=_user(request),
        project=project,
        task=task,
        flags=query.flag,
        status=query.status,
        uploaded_by=query.uploaded_by,
        since=since,
        until=until,
        located=query.located,
        search=query.search,
    )
    return paginate(found, query, selectors.image_card)
