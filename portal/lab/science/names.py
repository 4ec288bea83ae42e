"""Names compared the way people type them: case, accents, vowel marks, letter variants and digits do not matter."""

import re
import unicodedata

_FOLD = str.maketrans(
    {"ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ٱ": "ا", "ء": None, "ـ": None, "œ": "oe", "æ": "ae", "ø": "o"}
    | {chr(0x0660 + digit): str(digit) for digit in range(10)}
    | {chr(0x06F0 + digit): str(digit) for digit in range(10)}
)
_SEPARATORS = re.compile(r"[\W_]+")


def normalise_name(text: str) -> str:
    """Return the search key of a name: "E. coli" and "e-coli", "Nitrité" and "nitrite", "الأمونيوم" and "الامونيوم".

    Compatibility forms are unified (NO₃ is NO3), Latin accents and Arabic tashkeel dropped, hamza carriers, ta
    marbuta and alef maqsura folded, Arabic-Indic digits made Latin, and everything else that is neither letter nor
    digit becomes one space.
    """
    if text.isascii():
        return _SEPARATORS.sub(" ", text.lower()).strip()
    marked = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in marked if not unicodedata.category(char).startswith(("M", "C")))
    return _SEPARATORS.sub(" ", bare.translate(_FOLD)).strip()
