"""The types of questions in words and pictures."""

from typing import Final

from django.utils.translation import gettext_lazy

# type -> word and icon, in the order of the palette
PALETTE: Final = {
    "text": (gettext_lazy("Text answer"), "file-text"),
    "integer": (gettext_lazy("Whole number"), "hash"),
    "number": (gettext_lazy("Decimal number"), "ruler-measure"),
    "boolean": (gettext_lazy("Yes or no"), "check"),
    "select": (gettext_lazy("One of several"), "circle-check"),
    "selectMultiple": (gettext_lazy("Several of several"), "list-check"),
    "date": (gettext_lazy("Date"), "calendar"),
    "time": (gettext_lazy("Time"), "clock"),
    "datetime": (gettext_lazy("Date and time"), "history"),
    "geopoint": (gettext_lazy("Place"), "map-pin"),
    "geotrace": (gettext_lazy("Line on the map"), "route"),
    "geoshape": (gettext_lazy("Area on the map"), "polygon"),
    "photo": (gettext_lazy("Photo"), "camera"),
    "file": (gettext_lazy("File"), "paperclip"),
    "signature": (gettext_lazy("Signature"), "pencil"),
    "barcode": (gettext_lazy("Barcode"), "device-mobile"),
    "calculate": (gettext_lazy("Calculation"), "scale"),
    "note": (gettext_lazy("Note"), "notes"),
    "group": (gettext_lazy("Section"), "layout-board"),
    "repeat": (gettext_lazy("Repeated section"), "refresh"),
}
