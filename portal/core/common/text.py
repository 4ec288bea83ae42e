"""Search text: one spelling for what people write in several ways."""

import re
import unicodedata
from decimal import Decimal
from typing import Any

from django.db.models import F, Func, Model, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Contains

_MARKS = "[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]"
_TASHKEEL = re.compile(_MARKS)
_ARABIC = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ة": "ه", "ى": "ي", "ؤ": "و", "ئ": "ي", "ک": "ك", "ی": "ي"}
    | {chr(0x0660 + n): str(n) for n in range(10)}
    | {chr(0x06F0 + n): str(n) for n in range(10)}
)
_DIGITS = str.maketrans(
    {chr(start + n): str(n) for start in (0x0660, 0x06F0) for n in range(10)} | {"\u066b": ".", "\u2212": "-"}
)
_SPACE = re.compile(r"\s+")
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$")


def normalise(text: str) -> str:
    """Lower case, no accents or tashkeel, one form of hamza, ta marbuta and alef maqsura, Latin digits.

    PostgreSQL's collations do not equate أحمد and احمد, so search compares columns that went through here.
    """
    text = _TASHKEEL.sub("", text).translate(_ARABIC)
    text = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return _SPACE.sub(" ", text).strip()


class Normalised(Func):
    """The same of a text in the database, for short texts of tables that keep no searched form of them. The letters are
    lowered after their accents are off, so that the locale of the database does not matter."""

    template = (
        "regexp_replace(lower(regexp_replace(normalize(translate(%(expressions)s), NFKD), %(marks)s, '', 'g')),"
        " '\\s+', ' ', 'g')"
    )
    output_field = TextField()

    def __init__(self, text: Any, **extra: Any) -> None:
        old, new = (Value("".join(map(chr, part))) for part in (_ARABIC, (ord(each) for each in _ARABIC.values())))
        super().__init__(text, old, new, marks=f"'{_MARKS[:-1]}\u0300-\u036f]'", **extra)


def spelled[T: Model](rows: QuerySet[T], text: str, *columns: str) -> QuerySet[T]:
    """Those whose `columns` together contain each word of `text`, however it is spelled."""
    gap = Value("\n")
    whole = Normalised(Concat(gap, *(part for name in columns for part in (F(name), gap))))
    for word in normalise(text).split():
        rows = rows.filter(Contains(whole, word))
    return rows


def harmless(value: object) -> object:
    """Keep a spreadsheet from reading people's text as a formula; numbers, negative ones too, stay as they are."""
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.match(value):
        return f"'{value}"
    return value


def grouped(number: Decimal | float, places: int | None = None) -> str:
    """`1 234.50` in every language, as all numbers of the product: a comma is a decimal mark to many of its readers."""
    said = f"{number:,}" if places is None else f"{number:,.{places}f}"
    return said.replace(",", "\N{NARROW NO-BREAK SPACE}")


def latin_digits(text: str) -> str:
    """`٣٣٫٥` as `33.5`: people type the digits and the decimal sign of their keyboard."""
    return text.translate(_DIGITS)
