"""Shapes of images (specification 000; `contract-decisions.md` section 2, `contract-platform.md` section 4)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.kit import In, Listing, Out
from api.kit.body import parse
from api.kit.openapi import fields_of
from portal.core.common.errors import Invalid
from portal.core.common.text import latin_digits
from portal.core.files.media import Failure, Flag
from portal.fieldwork.images.models import Image
from portal.fieldwork.images.selectors import FLAGS
from portal.fieldwork.images.services import Details

_IMAGE = "01941f2c-5a10-7e21-9b3c-4d5e6f7a8b9c"
_PROJECT = "01941f29-1000-7a1b-8c2d-3e4f5a6b7c8d"
_TASK = "01941f29-2000-7a1b-8c2d-3e4f5a6b7c8d"
_FILE = "01941f2c-5a0f-7e21-9b3c-4d5e6f7a8b9c"
_PERSON = "01941f00-1111-7000-8000-000000000007"
_MOMENT = "2026-11-20T09:15:00Z"


def _blank(value: Any) -> Any:
    """A form sends every field as text, and an empty one for what it does not have; digits may be Arabic-Indic."""
    if isinstance(value, str):
        return latin_digits(value).strip() or None
    return value


def _object(value: Any) -> Any:
    """JSON as text, or the object itself."""
    if value in (None, ""):
        return {}
    try:
        found = orjson.loads(orjson.dumps(parse(value.encode()) if isinstance(value, str) else value, default=float))
    except (Invalid, TypeError, ValueError):  # no JSON, or a number that nothing can store
        found = None
    if not isinstance(found, dict):
        raise PydanticCustomError("dict_type", "dict_type")
    return found


def _known(found: list[str]) -> list[str]:
    if not set(found) <= {*FLAGS, ""}:
        raise PydanticCustomError("choice", "choice", {"allowed": ", ".join(FLAGS)})
    return [flag for flag in found if flag]


type _Degrees = Annotated[Annotated[float, Field(allow_inf_nan=False)] | None, BeforeValidator(_blank)]
type _Moment = Annotated[AwareDatetime | None, BeforeValidator(_blank)]
type _Id = Annotated[UUID | None, BeforeValidator(_blank)]


class ImageFields(In):
    """What a client says of a photograph, beside its bytes."""

    aliases: ClassVar[Mapping[str, str]] = {
        "capturedAt": "capture_timestamp",
        "timestamp": "capture_timestamp",
        "exif": "exif_json_payload",
        "latitude": "gps_latitude",
        "longitude": "gps_longitude",
        "accuracy": "gps_accuracy",
    }

    project_id: _Id = Field(None, description="Needed without taskId")
    task_id: _Id = Field(None, description="A task of that project; then projectId may be left out")
    gps_latitude: _Degrees = Field(None, description="WGS 84 degrees, -90 to 90; with gpsLongitude or not at all")
    gps_longitude: _Degrees = Field(None, description="WGS 84 degrees, -180 to 180")
    gps_accuracy: _Degrees = Field(None, description="Radius in metres")
    capture_timestamp: _Moment = Field(None, description="When the photograph was taken, with offset or Z")
    exif_json_payload: Annotated[
        dict[str, Any], BeforeValidator(_object), WithJsonSchema({"type": ["string", "object"]})
    ] = Field({}, description="What the app read from the camera, a JSON object (as text in a form), at most 64 kB")
    description: str = Field("", max_length=4000)
    local_sync_id: Annotated[str, BeforeValidator(lambda value: value or "")] = Field(
        "", max_length=64, description="The app's own id: the same upload again answers the stored image"
    )

    def details(self) -> Details:
        return Details(
            latitude=self.gps_latitude,
            longitude=self.gps_longitude,
            accuracy=self.gps_accuracy,
            captured_at=self.capture_timestamp,
            exif=self.exif_json_payload,
            description=self.description,
            local_sync_id=self.local_sync_id,
        )


class ImageUpload(ImageFields):
    """The other fields of the form."""

    checksum_sha256: Annotated[str, BeforeValidator(lambda value: value or "")] = Field(
        "", pattern=r"^([0-9a-fA-F]{64})?$", description="Of the file; other bytes are refused (`CHECKSUM_MISMATCH`)"
    )
    aliases: ClassVar[Mapping[str, str]] = {**ImageFields.aliases, "sha256": "checksum_sha256"}


class ImageOfFile(ImageFields):
    """An image of a file that is there already."""

    file_id: UUID = Field(description="From POST /files/upload or a confirmed upload by signed address")


class ImageQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "takenAt": "taken_at",
        "captureTimestamp": "captured_at",
        "filename": "file__filename",
        "size": "file__size",
    }

    flag: Annotated[
        list[str],
        AfterValidator(_known),
        WithJsonSchema({"type": "array", "items": {"type": "string", "enum": list(FLAGS)}}),
    ] = Field([], description="Images with any of these differences; `none`: without one. Repeatable")
    status: Literal["", "processing", "available", "failed"] = ""
    uploaded_by: UUID | None = None
    date_from: str = Field("", max_length=40, description="Taken on or after: a date or a moment")
    date_to: str = Field("", max_length=40, description="Taken on or before, inclusive")
    located: bool | None = Field(None, description="Whether a place is known")
    search: str = Field("", max_length=300, description="Contained in the file's name or description")


class AllImagesQuery(ImageQuery):
    project_id: UUID | None = None
    task_id: UUID | None = None


class Camera(Out):
    """What the server read from the file; null where the camera wrote nothing usable."""

    latitude: float | None = Field(examples=[33.5916667])
    longitude: float | None = Field(examples=[-7.6])
    accuracy: float | None = Field(description="Metres", examples=[4.7])
    hemisphere_missing: bool = Field(description="Latitude and longitude without N/S, E/W: counted as north and east")
    altitude: float | None = Field(description="Metres above sea level", examples=[27.5])
    direction: float | None = Field(description="Degrees the camera looked to", examples=[271.5])
    magnetic_north: bool = Field(description="`direction` counts from magnetic, else from true north")
    taken_at: datetime | None = Field(examples=[_MOMENT])
    assumed_offset: str | None = Field(description="Offset assumed for a camera time without one", examples=["+01:00"])
    gps_time: datetime | None = None
    orientation: int | None = Field(description="EXIF 1 to 8", examples=[6])
    make: str | None = None
    model: str | None = None
    software: str | None = None
    unreadable: list[str] = Field(description="What was there and could not be used")


class ImageOut(Out):
    model_config = ConfigDict(
        json_schema_extra={"description": "A photograph: what was stated, what the camera wrote, how they differ"}
    )

    id: UUID = Field(examples=[_IMAGE])
    file_id: UUID = Field(description="The same image under /files/metadata", examples=[_FILE])
    organization_id: UUID
    project_id: UUID = Field(examples=[_PROJECT])
    task_id: UUID | None = Field(examples=[_TASK])
    local_sync_id: str | None = Field(examples=["phone-7/IMG_0042"])
    filename: str = Field(examples=["IMG_0042.jpg"])
    content_type: str = Field(examples=["image/jpeg"])
    file_type: str = Field(description="The same as contentType")
    size: int = Field(description="Bytes", examples=[3481220])
    file_size: int = Field(description="The same as size")
    checksum_sha256: str
    category: str
    description: str
    is_public: bool
    gps_latitude: float | None = Field(description="As stated", examples=[33.59167])
    gps_longitude: float | None = Field(examples=[-7.60002])
    gps_accuracy: float | None = Field(description="Metres, as stated", examples=[5])
    capture_timestamp: datetime | None = Field(description="As stated", examples=[_MOMENT])
    captured_at: datetime | None = Field(description="The same as captureTimestamp")
    exif_json_payload: dict[str, Any] = Field(description="As sent, as an object")
    exif: dict[str, Any] = Field(description="The same as exifJsonPayload")
    camera: Camera
    latitude: float | None = Field(description="As stated, else the camera's")
    longitude: float | None = None
    taken_at: datetime | None = Field(description="As stated, else the camera's")
    flags: list[Flag] = Field(
        description="EXIF_LOCATION_MISMATCH: more than 50 m and both accuracies apart. EXIF_TIME_MISMATCH: more than"
        " 10 minutes. EXIF_ABSENT: no place in the file to compare with"
    )
    distance_meters: float | None = Field(description="Between the stated and the camera's place", examples=[3.2])
    width: int | None = Field(description="Pixels, upright", examples=[3024])
    height: int | None = Field(examples=[4032])
    status: Image.Status = Field(description="processing until thumbnail and rendition are made")
    progress: int = Field(description="Percent of that", examples=[100])
    failure_reason: Failure | None = None
    scan_status: str | None = Field(examples=["clean"])
    uploader_id: UUID | None = Field(examples=[_PERSON])
    uploaded_by: UUID | None = Field(description="The same as uploaderId")
    uploaded_by_name: str | None = None
    thumbnail_url: str | None = Field(description="512 pixels, JPEG; needs the access token")
    version: int
    created_at: datetime = Field(examples=[_MOMENT])
    updated_at: datetime


class SignedUrl(Out):
    url: str = Field(description="Good for 900 s, without a token")
    expires_at: datetime = Field(examples=[_MOMENT])


def form_described(*required: str) -> dict[str, Any]:
    """`openapi_extra` of the multipart form: the file first, then the fields."""
    file = {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP or HEIC, at most 50 MB"}
    properties = {"file": file, **fields_of(ImageUpload)}
    body = {"type": "object", "properties": properties, "required": ["file", *required]}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": body}}}}
