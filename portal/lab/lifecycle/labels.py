"""Labels of samples as PDF: one, or sheets of A4, with Code 128 or QR of the sample's code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.common import pdf
from portal.core.common.errors import Invalid
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.lifecycle import barcode
from portal.lab.models import Sample

AT_ONCE: Final = 200  # labels of one file
COPIES: Final = 20
CODE128, QR = "code128", "qr"


@dataclass(frozen=True, slots=True)
class Format:
    """Millimetres: the sheet, one label, the first one's corner, the distance from one to the next."""

    name: str | Promise
    sheet: tuple[float, float]
    label: tuple[float, float]
    corner: tuple[float, float] = (0, 0)
    pitch: tuple[float, float] = (0, 0)
    columns: int = 1
    rows: int = 1

    @property
    def places(self) -> int:
        return self.columns * self.rows


_A4: Final = (210, 297)
FORMATS: Final[dict[str, Format]] = {
    "a4-24": Format(gettext_lazy("A4, 24 labels of 70 × 37 mm"), _A4, (70, 37), (0, 0.5), (70, 37), 3, 8),
    "a4-14": Format(
        gettext_lazy("A4, 14 labels of 99.1 × 38.1 mm"), _A4, (99.1, 38.1), (4.65, 15.15), (101.6, 38.1), 2, 7
    ),
    "a4-40": Format(gettext_lazy("A4, 40 labels of 52.5 × 29.7 mm"), _A4, (52.5, 29.7), (0, 0), (52.5, 29.7), 4, 10),
    "roll-70": Format(gettext_lazy("Label printer, 70 × 37 mm"), (70, 37), (70, 37)),
    "roll-62": Format(gettext_lazy("Label printer, 62 × 29 mm"), (62, 29), (62, 29)),
}  # fmt: skip
SYMBOLS: Final[dict[str, str | Promise]] = {
    QR: gettext_lazy("QR code"),
    CODE128: gettext_lazy("Bar code (Code 128)"),
}


@dataclass(frozen=True, slots=True)
class Label:
    code: str
    place: str
    taken: datetime
    type: str
    image: str
    bars: bool
    x: float
    y: float


def labels_pdf(
    samples: Sequence[Sample], *, sheet: str, symbol: str = QR, start: int = 1, copies: int = 1, language: str = ""
) -> bytes:
    """The labels of `samples`, `copies` of each in a row, the first one on place `start` (from 1) of the first sheet.

    A code that Code 128 cannot hold (Arabic letters) is printed as QR. Raises Invalid.
    """
    layout = FORMATS.get(sheet)
    if layout is None:
        raise Invalid.field("sheet", _("Must be one of: %(allowed)s.") % {"allowed": ", ".join(FORMATS)})
    if symbol not in SYMBOLS:
        raise Invalid.field("symbol", _("Must be one of: %(allowed)s.") % {"allowed": ", ".join(SYMBOLS)})
    if not 1 <= start <= layout.places:
        raise Invalid.field("start", _("Must lie between 1 and %(limit)d.") % {"limit": layout.places})
    if not 1 <= copies <= COPIES:
        raise Invalid.field("copies", _("Must lie between 1 and %(limit)d.") % {"limit": COPIES})
    if not 1 <= len(samples) * copies <= AT_ONCE:
        raise Invalid.field("ids", _("Between 1 and %(limit)d labels at once.") % {"limit": AT_ONCE})
    owner = Organization.objects.get(pk=scope.organization_id())
    with translation.override(language or translation.get_language()), timezone.override(owner.time_zone):
        places = list(_placed([sample for sample in samples for _copy in range(copies)], layout, symbol, start - 1))
        pages = [[label for page, label in places if page == number] for number in range(places[-1][0] + 1)]
        context = {
            "pages": pages,
            "sheet": layout,
            "small": layout.label[1] < 32,
            "language": translation.get_language(),
            "rtl": translation.get_language() == "ar",
            "organization": owner.name,
        }
        return pdf.render("lab/lifecycle/labels.html", context, number="", style="lab/lifecycle/labels.css")


def _placed(samples: Sequence[Sample], sheet: Format, symbol: str, first: int) -> Iterator[tuple[int, Label]]:
    images: dict[str, Any] = {}
    for place, sample in enumerate(samples, first):
        bars = symbol == CODE128 and barcode.encodable(sample.code)
        if sample.code not in images:
            images[sample.code] = barcode.image(sample.code) if bars else pdf.qr(sample.code)
        page, spot = divmod(place, sheet.places)
        row, column = divmod(spot, sheet.columns)
        yield (
            page,
            Label(
                code=sample.code,
                place=sample.location,
                taken=sample.collection_date,
                type=str(sample.get_type_display()),
                image=images[sample.code],
                bars=bars,
                x=sheet.corner[0] + column * sheet.pitch[0],
                y=sheet.corner[1] + row * sheet.pitch[1],
            ),
        )
