"""Which kinds of files are taken in, and whether a file is what it says it is.

Name, declared type and content have to agree. Only names of this list are taken: a program is never among them.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import puremagic
from django.conf import settings
from django.utils.translation import gettext as _

from portal.core.common.errors import DomainError

HEAD: Final = 64 * 1024  # bytes of the beginning that decide
NAME_LENGTH: Final = 200
BINARY: Final = "application/octet-stream"
_TEXT_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MARKUP: Final = re.compile(
    rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|script|iframe|svg|\?xml)\b", re.IGNORECASE | re.DOTALL
)
_BLANK: Final = re.compile(r"\s+")


class UnsupportedType(DomainError):
    """415: no kind that is taken in, or content that is not what name or declared type say."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


@dataclass(frozen=True, slots=True)
class FileKind:
    """`family` is what the content may be recognised as (extensions); empty for text, which has no signature."""

    extension: str
    mime: str
    kind: str  # image, video (sound too), document: the limits of C97
    family: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()  # other declared types of the same thing


_ZIP: Final = frozenset({"zip", "docx", "xlsx", "pptx"})
_OLE: Final = frozenset({"doc", "xls", "ppt", "msi", "vsd"})
_OOXML: Final = "application/vnd.openxmlformats-officedocument"
_ODF: Final = "application/vnd.oasis.opendocument"
_ROWS: Final[tuple[tuple[str, str, str, frozenset[str], str], ...]] = (
    ("jpg", "image/jpeg", "image", frozenset({"jpg"}), "image/jpg image/pjpeg"),
    ("jpeg", "image/jpeg", "image", frozenset({"jpg"}), "image/jpg image/pjpeg"),
    ("png", "image/png", "image", frozenset({"png"}), ""),
    ("gif", "image/gif", "image", frozenset({"gif"}), ""),
    ("webp", "image/webp", "image", frozenset({"webp"}), ""),
    ("heic", "image/heic", "image", frozenset({"heic", "heif"}), "image/heif image/heic-sequence"),
    ("heif", "image/heif", "image", frozenset({"heic", "heif"}), "image/heic image/heif-sequence"),
    ("tif", "image/tiff", "image", frozenset({"tif", "tiff"}), ""),
    ("tiff", "image/tiff", "image", frozenset({"tif", "tiff"}), ""),
    ("bmp", "image/bmp", "image", frozenset({"bmp"}), "image/x-ms-bmp"),
    ("svg", "image/svg+xml", "document", frozenset(), "text/xml application/xml"),
    ("mp4", "video/mp4", "video", frozenset({"mp4", "m4v", "mov", "3gp"}), ""),
    ("mov", "video/quicktime", "video", frozenset({"mp4", "m4v", "mov", "qt"}), "video/mp4"),
    ("webm", "video/webm", "video", frozenset({"webm", "mkv"}), "audio/webm"),
    ("3gp", "video/3gpp", "video", frozenset({"3gp", "mp4"}), "audio/3gpp"),
    ("mp3", "audio/mpeg", "video", frozenset({"mp3"}), "audio/mp3"),
    ("wav", "audio/wav", "video", frozenset({"wav"}), "audio/x-wav audio/wave"),
    ("m4a", "audio/mp4", "video", frozenset({"m4a", "mp4"}), "audio/x-m4a"),
    ("ogg", "audio/ogg", "video", frozenset({"ogg"}), "application/ogg"),
    ("pdf", "application/pdf", "document", frozenset({"pdf"}), ""),
    ("docx", f"{_OOXML}.wordprocessingml.document", "document", _ZIP, "application/zip"),
    ("xlsx", f"{_OOXML}.spreadsheetml.sheet", "document", _ZIP, "application/zip"),
    ("pptx", f"{_OOXML}.presentationml.presentation", "document", _ZIP, "application/zip"),
    ("odt", f"{_ODF}.text", "document", _ZIP | {"odt"}, ""),
    ("ods", f"{_ODF}.spreadsheet", "document", _ZIP | {"ods"}, ""),
    ("odp", f"{_ODF}.presentation", "document", _ZIP | {"odp"}, ""),
    ("doc", "application/msword", "document", _OLE, ""),
    ("xls", "application/vnd.ms-excel", "document", _OLE, ""),
    ("ppt", "application/vnd.ms-powerpoint", "document", _OLE, ""),
    ("rtf", "application/rtf", "document", frozenset({"rtf"}), "text/rtf"),
    ("zip", "application/zip", "document", _ZIP, "application/x-zip-compressed"),
    ("gz", "application/gzip", "document", frozenset({"gz"}), "application/x-gzip"),
    ("kmz", "application/vnd.google-earth.kmz", "document", _ZIP, "application/zip"),
    ("txt", "text/plain", "document", frozenset(), ""),
    ("md", "text/markdown", "document", frozenset(), "text/plain"),
    ("log", "text/plain", "document", frozenset(), ""),
    ("csv", "text/csv", "document", frozenset(), "text/plain application/csv application/vnd.ms-excel"),
    ("tsv", "text/tab-separated-values", "document", frozenset(), "text/plain"),
    ("json", "application/json", "document", frozenset(), "text/plain text/json"),
    ("jsonl", "application/x-ndjson", "document", frozenset(), "application/json text/plain"),
    ("geojson", "application/geo+json", "document", frozenset(), "application/json text/plain"),
    ("xml", "application/xml", "document", frozenset(), "text/xml text/plain"),
    ("gpx", "application/gpx+xml", "document", frozenset(), "application/xml text/xml"),
    ("kml", "application/vnd.google-earth.kml+xml", "document", frozenset(), "application/xml text/xml"),
    ("html", "text/html", "document", frozenset(), ""),
    ("htm", "text/html", "document", frozenset(), ""),
    ("eml", "message/rfc822", "document", frozenset(), "text/plain"),
    ("dxf", "image/vnd.dxf", "document", frozenset(), "text/plain application/dxf"),
)  # fmt: skip
KINDS: Final = {row[0]: FileKind(*row[:4], frozenset(row[4].split())) for row in _ROWS}
_MARKED_UP: Final = frozenset({"html", "htm", "svg", "xml", "gpx", "kml", "eml", "md"})


def clean_name(name: str) -> str:
    """A file name without folders, control and direction characters, at most 200 characters long; never empty.

    Spaces at either end and dots at the front go as well: they broke synchronisation elsewhere, or hide a file.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(
        " " if unicodedata.category(c) in ("Zl", "Zp") else c
        for c in name
        if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    name = re.sub(r'[<>:"|?*]', "_", name)
    name = _BLANK.sub(" ", name).strip(". ") or "file"
    stem, dot, extension = name.rpartition(".")
    if dot and len(extension) <= 10:
        return f"{stem[: NAME_LENGTH - len(extension) - 1].rstrip('. ')}.{extension}"
    return name[:NAME_LENGTH]


def kind_of(name: str) -> FileKind:
    """The kind that a name's extension stands for. Raises UNSUPPORTED_MEDIA_TYPE (415)."""
    found = KINDS.get(name.rpartition(".")[2].lower()) if "." in name else None
    if found is None:
        raise UnsupportedType(
            _("Files of this kind are not taken in: %(name)s.") % {"name": name}, meta={"allowed": sorted(KINDS)}
        )
    return found


def limit_of(kind: FileKind) -> int:
    """The most bytes that a file of this kind may have (C97)."""
    return int(settings.FILE_LIMITS[kind.kind])


def declared(kind: FileKind, content_type: str) -> None:
    """Refuse a declared type that the name contradicts; none at all, or that of any bytes, says nothing."""
    said = content_type.partition(";")[0].strip().lower()
    if said and said != BINARY and said != kind.mime and said not in kind.aliases:
        raise UnsupportedType(
            _("The type %(type)s does not fit a file that ends in .%(extension)s.")
            % {"type": said, "extension": kind.extension},
            meta={"expected": kind.mime},
        )


def check(kind: FileKind, head: bytes) -> None:
    """Refuse content that is not of `kind`, judged by its first `HEAD` bytes."""
    if kind.family:
        fits = bool(kind.family & _recognised(head))
    elif kind.extension in _MARKED_UP:
        fits = _is_text(head)
    else:  # a page or a drawing under the name of plain text would still run where a browser guesses
        fits = _is_text(head) and not _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf"))
    if not fits:
        raise UnsupportedType(
            _("The content of this file is not what its name says (.%(extension)s).") % {"extension": kind.extension},
            meta={"expected": kind.mime},
        )


def _recognised(head: bytes) -> frozenset[str]:
    if head[4:8] == b"ftyp":  # puremagic knows only some brands of this container
        brand = head[8:12]
        if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
            return frozenset({"heic", "heif"})
        if brand[:3] == b"3gp":
            return frozenset({"3gp"})
        return frozenset({"mov", "qt"} if brand == b"qt  " else {"m4a"} if brand[:3] == b"M4A" else {"mp4"})
    try:
        return frozenset(match.extension.lstrip(".") for match in puremagic.magic_string(head))
    except (puremagic.PureError, ValueError):
        return frozenset()


def _is_text(head: bytes) -> bool:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            head[: len(head) // 2 * 2].decode("utf-16")
        except UnicodeDecodeError as error:
            return error.start >= len(head) - 4  # the head may end inside a character
        return True
    return not _TEXT_CONTROLS.search(head)
