"""Search text: one spelling for what people write in several ways."""

import re
import unicodedata

_TASHKEEL = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]")
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


def harmless(value: object) -> object:
    """Keep a spreadsheet from reading people's text as a formula; numbers, negative ones too, stay as they are."""
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.match(value):
        return f"'{value}"
    return value


def latin_digits(text: str) -> str:
    """`٣٣٫٥` as `33.5`: people type the digits and the decimal sign of their keyboard."""
    return text.translate(_DIGITS)
