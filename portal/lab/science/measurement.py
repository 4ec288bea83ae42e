"""Measured values as laboratories write them: `7.20`, `<0.01`, `> 2419.6`, `absent`, `ND`, `TNTC` (specification 001,
FR-024). A censored value never becomes zero or its own limit."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.lab.science.names import normalise_name

MAX_LENGTH = 64
MAX_DIGITS = 30
MAX_EXPONENT = 12


class Qualifier(StrEnum):
    """How the number of a result is to be read; the values are those of the wire."""

    EQUAL = "="
    LESS = "<"
    GREATER = ">"
    ABOUT = "~"
    PRESENT = "present"
    ABSENT = "absent"
    NOT_DETECTED = "not_detected"
    TOO_NUMEROUS = "too_numerous"


class MeasurementError(ValueError):
    """A value that cannot be stored.

    `rule` is a stable name (type, empty, length, number, digits, exponent, qualifier, range); `message` the lazy
    translation with named placeholders that `params` fills; `str()` the finished sentence in the active language.
    """

    def __init__(self, rule: str, message: str | Promise, **params: Any) -> None:
        super().__init__(rule)
        self.rule, self.message, self.params = rule, message, params

    def __str__(self) -> str:
        return str(self.message) % self.params if self.params else str(self.message)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One reading. `text` is as typed, trimmed. `number` is None when censored or qualitative; `bound` is then the
    censoring limit, where one was given. Both are in the unit in which the result was reported."""

    text: str
    qualifier: Qualifier
    number: Decimal | None
    bound: Decimal | None


_WORDS: dict[str, Qualifier] = {
    normalise_name(word): qualifier
    for qualifier, words in {
        Qualifier.PRESENT: "present|presence|detected|positive|pos|présent|présente|présence|détecté|détectée|positif|"
        "موجود|موجودة|وجود|حاضر|مكتشف|إيجابي|ايجابية",
        Qualifier.ABSENT: "absent|absence|none|negative|neg|absente|négatif|négative|néant|"
        "غائب|غائبة|غياب|غير موجود|غير موجودة|لا يوجد|منعدم|سلبي|سلبية",
        Qualifier.NOT_DETECTED: "nd|n.d.|not detected|non-detect|nondetect|undetected|none detected|not_detected|bdl|"
        "below detection limit|below detection|<LOD|<MDL|<LD|non détecté|non détectée|non détectable|not detectable|"
        "غير مكتشف|غير مكتشفة|لم يكتشف|لم يكشف|غير قابل للكشف|دون حد الكشف|تحت حد الكشف",
        Qualifier.TOO_NUMEROUS: "tntc|too numerous|too numerous to count|too_numerous|uncountable|innombrable|"
        "innombrables|indénombrable|indénombrables|trop nombreux|trop nombreux pour être comptés|"
        "كثير جدا|غير قابل للعد|لا يحصى|كثيرة جدا للعد|كثير جدا للعد",
    }.items()
    for word in words.split("|")
}
_SIGNS = {
    sign: qualifier
    for qualifier, signs in {
        Qualifier.EQUAL: ("", "="),
        Qualifier.LESS: ("<", "<=", "=<", "≤", "⩽"),
        Qualifier.GREATER: (">", ">=", "=>", "≥", "⩾"),
        Qualifier.ABOUT: ("~", "≈", "∼"),
    }.items()
    for sign in signs
}
_QUALIFIERS = _SIGNS | {str(qualifier): qualifier for qualifier in Qualifier}
_NUMBER = re.compile(
    r"(?P<sign><=|>=|=<|=>|[<>=~≤≥⩽⩾≈∼]|)\s*"
    r"(?P<mantissa>[+-]?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+))(?:[eE](?P<exponent>[+-]?[0-9]+))?"
)
# Digits and signs that mean the same; the marks of right-to-left text carry no meaning in a number.
_TYPED = str.maketrans(
    {"٫": ".", "−": "-", "﹣": "-", "＋": "+", "＜": "<", "＞": ">"}
    | {chr(0x0660 + digit): str(digit) for digit in range(10)}
    | {chr(0x06F0 + digit): str(digit) for digit in range(10)}
    | dict.fromkeys("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
)
_NOT_A_NUMBER = _(
    "“%(value)s” is not a measured value: write a number such as 7.20, 0,05, 1.2e-5 or <0.01, or absent, present, "
    "ND or TNTC, without thousands separators and without the unit."
)


def parse_measurement(raw: str | float | Decimal, qualifier: str | None = None) -> Measurement:  # noqa: C901 one rule a line
    """Read a value as typed or sent, with its qualifier where that comes apart from the number.

    A comma is a decimal sign, never a thousands separator. `<=` counts as `<`, `>=` as `>`: the bound itself may be
    the value, and no verdict depends on it. A number that accompanies `not_detected` or `too_numerous` is the bound.
    Raises MeasurementError.
    """
    if type(raw) is str:
        text = raw.strip()
    elif isinstance(raw, str):
        text = str(raw).strip()
    elif isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise MeasurementError("type", _("A measured value is a number or a text."))
    elif isinstance(raw, int) and abs(raw) >= 10**MAX_DIGITS:
        raise MeasurementError("digits", _("A measured value may have at most 30 digits."))
    else:
        text = str(raw)
    if len(text) > MAX_LENGTH:
        raise MeasurementError("length", _("A measured value may have at most 64 characters."))
    plain = text if text.isascii() else text.translate(_TYPED).strip()
    if not plain:
        raise MeasurementError("empty", _("A measured value is required."))

    match = _NUMBER.fullmatch(plain)
    if match is None:
        found = _WORDS.get(normalise_name(plain))
        if found is None or plain[0] == ">" or (plain[0] == "<" and found is not Qualifier.NOT_DETECTED):
            raise MeasurementError("number", _NOT_A_NUMBER, value="".join(filter(str.isprintable, text)))
        if qualifier and _qualifier(qualifier) is not found:
            raise _contradiction(text, qualifier)
        return Measurement(text, found, None, None)

    sign, mantissa, exponent = match.groups()
    if len(mantissa) > MAX_DIGITS and sum(map(str.isdigit, mantissa)) > MAX_DIGITS:
        raise MeasurementError("digits", _("A measured value may have at most 30 digits."))
    if exponent and (len(exponent) > 4 or abs(int(exponent)) > MAX_EXPONENT):
        raise MeasurementError("exponent", _("The exponent of a measured value lies between -12 and 12."))
    number = Decimal(mantissa.replace(",", ".") + (f"e{exponent}" if exponent else ""))
    kind = _SIGNS[sign]
    if qualifier:
        stated = _qualifier(qualifier)
        if sign and stated is not kind:
            raise _contradiction(text, qualifier)
        kind = stated
    if kind is Qualifier.EQUAL or kind is Qualifier.ABOUT:
        return Measurement(text, kind, number, None)
    if kind is Qualifier.PRESENT or kind is Qualifier.ABSENT:
        # "absent" with a count, "present" with none: one of the two is a slip, and nobody but the analyst knows which.
        if (number > 0) is not (kind is Qualifier.PRESENT):
            raise _contradiction(text, qualifier or "")
        return Measurement(text, kind, None, None)
    if kind in (Qualifier.NOT_DETECTED, Qualifier.TOO_NUMEROUS) and number <= 0:
        return Measurement(text, kind, None, None)
    return Measurement(text, kind, None, number)


def _qualifier(text: str) -> Qualifier:
    try:
        return _QUALIFIERS[text.strip()]
    except KeyError:
        raise MeasurementError("qualifier", _("“%(qualifier)s” is not a qualifier."), qualifier=text[:20]) from None


def _contradiction(text: str, qualifier: str) -> MeasurementError:
    return MeasurementError(
        "qualifier",
        _("The value “%(value)s” and the qualifier “%(qualifier)s” contradict each other."),
        value=text,
        qualifier=qualifier,
    )


def check_plausible(number: Decimal | None, *, lower: Decimal | None, upper: Decimal | None, unit: str) -> None:
    """Refuse a number (or censoring limit, already in `unit`) outside a parameter's plausible range (FR-024, C81).

    Raises MeasurementError with rule `range`. A limit of a standard is never checked here: a breach is stored.
    """
    if number is None or ((lower is None or number >= lower) and (upper is None or number <= upper)):
        return
    low, high = (None if bound is None else f"{bound.normalize():f}" for bound in (lower, upper))
    if lower is None:
        message = _("The value must not be above %(max)s %(unit)s.")
    elif upper is None:
        message = _("The value must not be below %(min)s %(unit)s.")
    else:
        message = _("The value must lie between %(min)s and %(max)s %(unit)s.")
    raise MeasurementError("range", message, min=low, max=high, unit=unit)
