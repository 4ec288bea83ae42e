"""Photographs: what their bytes are, what the camera wrote into them, and small copies that carry nothing of it.

Pure functions over bytes; nothing here knows a record. Whatever is damaged ends in `Unreadable` or in an `Exif` that
says less, never in another exception: cameras, phones and editors write metadata that breaks every rule there is.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import IO, Any, Final

import pillow_heif
from django.db import models
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageCms, ImageOps

from portal.core.common import clock

PIXELS: Final = 100_000_000  # checked before anything is decoded (domain-survey 11.3)
THUMBNAIL: Final = 512
RENDITION: Final = 2048
HEAD: Final = 32  # bytes that `sniff` needs
FORMATS: Final = ("JPEG", "PNG", "WEBP", "HEIF")
TYPES: Final = {  # what is accepted, with the endings of file names
    "image/jpeg": ("jpg", "jpeg", "jpe"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "image/heic": ("heic", "heif", "hif"),
}
METRES: Final = 50.0  # how far claim and camera may lie apart, besides what both say of their accuracy
APART: Final = timedelta(minutes=10)

_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx"})
_ORIENTATION, _EXIF, _GPS = 0x0112, 0x8769, 0x8825
_EARTH: Final = 6_371_008.8  # mean radius in metres

pillow_heif.register_heif_opener(thumbnails=False)
Image.MAX_IMAGE_PIXELS = PIXELS


class Flag(models.TextChoices):
    """Where the client's claim and the photograph differ (domain-survey 11.4)."""

    LOCATION = "EXIF_LOCATION_MISMATCH", _("Taken elsewhere than stated")
    TIME = "EXIF_TIME_MISMATCH", _("Taken at another time than stated")
    ABSENT = "EXIF_ABSENT", _("The photo does not say where it was taken")


class Failure(models.TextChoices):
    """Why no copy of a picture could be made."""

    TOO_MANY_PIXELS = "TOO_MANY_PIXELS", _("The picture has more than 100 megapixels.")
    DAMAGED = "DAMAGED", _("The picture is damaged and cannot be shown.")
    NOT_A_PICTURE = "NOT_A_PICTURE", _("The file is not a picture of an accepted type.")


class Unreadable(Exception):
    """No picture can be made of these bytes; `reason` says why."""

    def __init__(self, reason: Failure) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Position:
    """WGS 84 degrees; `accuracy` is the radius in metres, None where it is not stated."""

    latitude: float
    longitude: float
    accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Exif:
    """What the camera wrote. Every field is None where it is absent or makes no sense.

    `position` counts as north and east where `hemisphere_missing` says that the file names none. `taken_at` is UTC;
    `zone_assumed` names the offset (`+03:00`) that was assumed because the camera wrote a bare local time, and is
    empty otherwise. `direction` is in degrees from true or, with `magnetic`, from magnetic north. `altitude` and the
    position's accuracy are in metres. `unreadable` lists what was there and could not be used.
    """

    position: Position | None = None
    hemisphere_missing: bool = False
    altitude: float | None = None
    direction: float | None = None
    magnetic: bool = False
    taken_at: datetime | None = None
    zone_assumed: str = ""
    gps_at: datetime | None = None
    orientation: int = 1
    make: str = ""
    model: str = ""
    software: str = ""
    unreadable: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For a JSON column: what is known alone, times on the wire's form."""
        said = {
            key: value for key, value in asdict(self).items() if not (value is None or value is False or value == "")
        }
        times = {key: clock.wire(value) for key, value in said.items() if isinstance(value, datetime)}
        return {**said, **times, "unreadable": list(self.unreadable)}


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that is a picture: its size as it is to be looked at (turned upright), in pixels."""

    content_type: str
    width: int
    height: int
    exif: Exif


@dataclass(frozen=True, slots=True)
class Claim:
    """What the client says of a photograph."""

    position: Position | None = None
    taken_at: datetime | None = None


def sniff(head: bytes) -> str | None:
    """The accepted type that the first `HEAD` bytes of a file begin; None for anything else, SVG and HTML included."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return "image/heic"
    return None


def inspect(file: IO[bytes], *, zone: tzinfo) -> Picture:
    """Type, size and metadata of a picture, without decoding it. `zone` is the one of bare local times.

    Raises Unreadable, also above `PIXELS`.
    """
    picture, kind = _open(file)
    exif = read_exif(picture, zone=zone)
    width, height = picture.size
    if exif.orientation >= 5:
        width, height = height, width
    return Picture(kind, width, height, exif)


def renditions(file: IO[bytes], sizes: Sequence[int] = (RENDITION, THUMBNAIL)) -> list[bytes]:
    """JPEG copies whose longer side is at most each of `sizes` pixels, upright, in sRGB, transparent parts white.

    They hold pixels alone: no position, time, camera, comment, profile or embedded preview. One decoding serves all.
    Raises Unreadable.
    """
    picture, _kind = _open(file)
    try:
        picture.draft("RGB", (max(sizes), max(sizes)))  # a JPEG is decoded at an eighth, a quarter or half of its size
        plain = _plain(picture, max(sizes))
        return [_jpeg(plain, size) for size in sizes]
    except Exception as error:
        raise Unreadable(Failure.DAMAGED) from error


def flags(*, claim: Claim, exif: Exif) -> list[str]:
    """How the photograph contradicts the claim; `EXIF_ABSENT` where it gives nothing to compare the place with."""
    found = []
    if claim.position and exif.position:
        slack = METRES + (claim.position.accuracy or 0) + (exif.position.accuracy or 0)
        if (apart(claim=claim, exif=exif) or 0) > slack:
            found.append(Flag.LOCATION.value)
    if claim.taken_at and exif.taken_at and abs(claim.taken_at - exif.taken_at) > APART:
        found.append(Flag.TIME.value)
    if exif.position is None and (claim.position or exif.taken_at is None):
        found.append(Flag.ABSENT.value)
    return found


def apart(*, claim: Claim, exif: Exif) -> float | None:
    """Metres between the claimed and the recorded place; with no hemisphere in the file, the nearest reading of it."""
    if claim.position is None or exif.position is None:
        return None
    signs = (1, -1) if exif.hemisphere_missing else (1,)
    there = exif.position
    readings = [
        replace(there, latitude=there.latitude * ns, longitude=there.longitude * ew) for ns in signs for ew in signs
    ]
    return min(distance(claim.position, reading) for reading in readings)


def distance(one: Position, other: Position) -> float:
    """Metres along the great circle; off by at most 0.5 %, since the earth is no sphere."""
    a, b = math.radians(one.latitude), math.radians(other.latitude)
    turn = math.radians(other.longitude - one.longitude)
    square = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(turn / 2) ** 2
    return 2 * _EARTH * math.asin(min(1.0, math.sqrt(square)))


def _open(file: IO[bytes]) -> tuple[Image.Image, str]:
    file.seek(0)
    kind = sniff(file.read(HEAD))
    file.seek(0)
    if kind is None:
        raise Unreadable(Failure.NOT_A_PICTURE)
    try:
        picture = Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unreadable(Failure.TOO_MANY_PIXELS) from None
    except Exception as error:
        raise Unreadable(Failure.DAMAGED) from error
    if picture.width * picture.height > PIXELS:
        raise Unreadable(Failure.TOO_MANY_PIXELS)
    return picture, kind


def _plain(picture: Image.Image, size: int) -> Image.Image:
    """The pixels alone: upright, in sRGB, at most `size` on the longer side."""
    profile = picture.info.get("icc_profile")
    orientation = read_exif(picture, zone=UTC).orientation
    if picture.mode.startswith("I"):  # 16 bits of grey: scaled, since a conversion would cut them off at 255
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    elif picture.mode not in ("RGB", "L", "CMYK"):
        picture = picture.convert("RGB")
    picture.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if profile:
        picture = _srgb(picture, profile)
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    clean = Image.new("RGB", picture.size)
    clean.paste(picture.convert("RGB"))
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # Pillow's names of the eight ways a camera is held
    return clean.transpose(Image.Transpose(turns[orientation])) if orientation in turns else clean


def _srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Phones photograph in wider colour spaces; without this the copy is pale. A damaged profile is ignored."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        made = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return made or picture


def _jpeg(plain: Image.Image, size: int) -> bytes:
    small = ImageOps.contain(plain, (size, size), Image.Resampling.LANCZOS) if max(plain.size) > size else plain
    out = io.BytesIO()
    small.save(out, "JPEG", quality=82, optimize=True, progressive=True)
    return out.getvalue()


# --- what the camera wrote --------------------------------------------------------------------------------------------


def read_exif(picture: Image.Image, *, zone: tzinfo) -> Exif:
    """The metadata of an open picture; an empty `Exif` where there is none. Never raises."""
    notes = _Notes()
    main = notes.read("exif", lambda: dict(picture.getexif())) or {}
    detail = notes.read("exif", lambda: dict(picture.getexif().get_ifd(_EXIF))) or {}
    gps = notes.read("gps", lambda: dict(picture.getexif().get_ifd(_GPS))) or {}

    position, missing = notes.read("position", lambda: _position(gps)) or (None, False)
    direction = notes.read("direction", lambda: _within(_number(gps.get(17)), 0, 360))
    altitude = notes.read("altitude", lambda: _altitude(gps))
    gps_at = notes.read("gps_time", lambda: _gps_time(gps))
    taken_at, assumed = notes.read("time", lambda: _local_time(detail, zone)) or (None, "")
    orientation = main.get(_ORIENTATION)
    return Exif(
        position=position,
        hemisphere_missing=missing,
        altitude=altitude,
        direction=None if direction is None else direction % 360,
        magnetic=direction is not None and _word(gps.get(16)).startswith("M"),
        taken_at=taken_at or gps_at,
        zone_assumed=assumed,
        gps_at=gps_at,
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        make=_word(main.get(0x010F)),
        model=_word(main.get(0x0110)),
        software=_word(main.get(0x0131)),
        unreadable=tuple(dict.fromkeys(notes.broken)),
    )


@dataclass(slots=True)
class _Notes:
    """Reads one thing after the other and remembers what could not be read."""

    broken: list[str] = field(default_factory=list)

    def read[T](self, name: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Exception:  # noqa: BLE001 damaged metadata raises nearly everything: struct, key, zero division, recursion
            self.broken.append(name)
            return None


def _number(value: Any) -> float | None:
    """A rational, number or one-element tuple; None where absent. Raises ValueError for infinity and x/0."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not a number")
    return number


def _within(value: float | None, low: float, high: float) -> float | None:
    if value is not None and not low <= value <= high:
        raise ValueError(f"{value} is not between {low} and {high}")
    return value


def _word(value: Any) -> str:
    """Text as cameras write it: bytes or text, padded with NUL and spaces."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""
    return "".join(letter for letter in text.partition("\0")[0] if letter.isprintable()).strip()[:100]


def _degrees(value: Any, limit: int) -> float | None:
    """Degrees, minutes, seconds; some writers give degrees alone, or degrees and minutes."""
    if value is None:
        return None
    parts = value if isinstance(value, tuple | list) else (value,)
    numbers = [number for number in (_number(part) for part in parts[:3]) if number is not None]
    if not numbers:
        return None
    if any(number < 0 for number in numbers[1:]) or any(number > 60 for number in numbers[1:]):
        raise ValueError("minutes or seconds out of range")
    degrees = abs(numbers[0]) + sum(number / 60 ** (power + 1) for power, number in enumerate(numbers[1:]))
    return _within(math.copysign(degrees, numbers[0]), -limit, limit)


def _position(gps: dict[int, Any]) -> tuple[Position | None, bool]:
    latitude, longitude = _degrees(gps.get(2), 90), _degrees(gps.get(4), 180)
    void = _word(gps.get(9)).upper() == "V"  # the receiver says of itself that it had no fix
    if latitude is None or longitude is None or void or (latitude == 0 and longitude == 0):
        return None, False
    north, east = _word(gps.get(1)).upper()[:1], _word(gps.get(3)).upper()[:1]
    if north == "S":
        latitude = -abs(latitude)
    if east in ("W", "O"):  # ouest, oeste
        longitude = -abs(longitude)
    unnamed = (not north and latitude >= 0) or (not east and longitude >= 0)
    error = _number_or_none(gps.get(31))
    accuracy = error if error is not None and 0 < error < 100_000 else None
    return Position(round(latitude, 7), round(longitude, 7), accuracy), unnamed


def _number_or_none(value: Any) -> float | None:
    try:
        return _number(value)
    except (ArithmeticError, TypeError, ValueError):
        return None


def _altitude(gps: dict[int, Any]) -> float | None:
    height = _within(_number(gps.get(6)), -20_000, 100_000)
    below = gps.get(5) in (1, b"\x01", "1", (1,))
    return -abs(height) if height is not None and below else height


def _gps_time(gps: dict[int, Any]) -> datetime | None:
    """The receiver's own time, in UTC; it may be older than the picture where the fix was."""
    day, parts = _word(gps.get(29)).replace("-", ":"), gps.get(7)
    if not day or not parts:
        return None
    hours, minutes, seconds = (_number(part) or 0.0 for part in parts)
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 61):
        raise ValueError("not a time of day")
    start = datetime.strptime(day, "%Y:%m:%d").replace(tzinfo=UTC)
    return _plausible(start + timedelta(hours=hours, minutes=minutes, seconds=round(seconds, 3)))


def _local_time(detail: dict[int, Any], zone: tzinfo) -> tuple[datetime | None, str]:
    """DateTimeOriginal, else DateTimeDigitized, with its offset; and the offset that was assumed where it has none."""
    for stamp, offset in ((0x9003, 0x9011), (0x9004, 0x9012)):
        text = _word(detail.get(stamp))
        if not text.strip(" :0-/"):  # absent, or the blanks and zeros of a camera whose clock was never set
            continue
        stated = _offset(_word(detail.get(offset)) or _word(detail.get(0x9010)))
        plain = text[:19].replace("-", ":").replace("/", ":").replace("T", " ")
        moment = datetime.strptime(plain, "%Y:%m:%d %H:%M:%S").replace(tzinfo=stated or zone)
        return _plausible(moment.astimezone(UTC)), "" if stated else f"{moment:%:z}"[:6]
    return None, ""


def _offset(text: str) -> tzinfo | None:
    """`+03:00`, `+0300`, `-5:30` or `Z`; None for blanks and for what no zone on earth has."""
    if text in ("Z", "z"):
        return UTC
    digits = text[1:].replace(":", "")
    if text[:1] not in ("+", "-") or not digits.isascii() or not digits.isdigit() or len(digits) not in (3, 4):
        return None
    minutes = int(digits[:-2]) * 60 + int(digits[-2:])
    if minutes > 14 * 60:
        return None
    return timezone(timedelta(minutes=minutes if text[0] == "+" else -minutes))


def _plausible(moment: datetime) -> datetime:
    if not 1990 <= moment.year <= 2100:
        raise ValueError("no time of a digital photograph")
    return moment
