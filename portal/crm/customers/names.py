"""How names, telephone numbers and countries are compared: one spelling for what people write in several ways."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

import phonenumbers

from portal.core.common.text import latin_digits, normalise

# Legal forms of companies in the countries that the product is used in first, and the usual international ones.
_LEGAL: Final = frozenset(
    normalise(
        """
        sa sarl sarlau sas sasu snc sca scs gie eurl eirl sci spa suarl inc incorporated llc llp lp ltd limited plc corp
        corporation co company gmbh ag kg ohg bv nv oy ab as aps srl pty pvt fze fzco fzc wll bsc saog saoc jsc ojsc est
        establishment شركة مؤسسة المحدودة محدودة مساهمة مغلقة تضامن
        """
    ).split()
)
_PHRASES: Final = tuple(
    normalise(phrase)
    for phrase in (
        "ش م م",
        "ش ذ م م",
        "ش م ع",
        "ذ م م",
        "ذات مسؤولية محدودة",
        "ذات المسؤولية المحدودة",
        "s a r l",
        "s a",
    )
)
_APART: Final = re.compile(r"[^\w]+|_")
_COUNTRY_ALIASES: Final = {
    "usa": "US",
    "uk": "GB",
    "uae": "AE",
    "ksa": "SA",
    "drc": "CD",
    "united states of america": "US",
}


def _country_names() -> Mapping[str, Mapping[str, str]]:
    """Country -> language -> name. Its package, if imported, brings the places of all telephone numbers too: 97 MB."""
    path = Path(phonenumbers.__file__).parent / "geodata" / "locale.py"
    spec = spec_from_file_location("phonenumbers.countries.locale", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LOCALE_DATA  # type: ignore[no-any-return]


_COUNTRIES: Final = _country_names()


def company_key(name: str) -> str:
    """`Société Atlas SARL` and `SOCIETE ATLAS` as one; "" for a name of legal forms alone."""
    text = f" {' '.join(_APART.sub(' ', normalise(name)).split())} "
    for phrase in _PHRASES:
        text = text.replace(f" {phrase} ", " ")
    return " ".join(word for word in text.split() if word not in _LEGAL)[:200]


def tax_key(number: str) -> str:
    return _APART.sub("", normalise(number)).upper()[:40]


def phone_e164(text: str, region: str) -> str | None:
    """The number in E.164, read as one of `region` where it has no country code; None for what is none."""
    try:
        number = phonenumbers.parse(latin_digits(text), region or None)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_shown(number: str) -> str:
    """An E.164 number in groups, as people read it."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@cache
def _countries() -> dict[str, str]:
    names = {code.lower(): code for code in _COUNTRIES}
    for code in _COUNTRIES:
        for language in ("en", "fr", "ar"):
            names[normalise(country_name(code, language))] = code
    return names | _COUNTRY_ALIASES


def country_code(text: str) -> str | None:
    """ISO 3166 alpha-2 of a code or of a name in English, French or Arabic; None for an unknown one."""
    return _countries().get(normalise(text))


def country_name(code: str, language: str) -> str:
    known = _COUNTRIES.get(code, {})
    name = known.get(language) or known.get("en") or code
    return known.get(name[1:], code) if name.startswith("*") else name


@cache
def country_choices(language: str) -> list[tuple[str, str]]:
    return sorted(((code, country_name(code, language)) for code in _COUNTRIES), key=lambda item: normalise(item[1]))


def trigrams(text: str) -> frozenset[str]:
    """Of each word with two spaces before and one behind, as pg_trgm cuts them."""
    return frozenset(
        padded[place : place + 3]
        for word in text.split()
        for padded in [f"  {word} "]
        for place in range(len(padded) - 2)
    )


def similarity(one: str, other: str) -> float:
    """0 to 1: the share of trigrams that both have."""
    mine, theirs = trigrams(one), trigrams(other)
    return len(mine & theirs) / len(mine | theirs) if mine and theirs else 0.0


def most_similar(key: str, keys: Iterable[tuple[str, str]], *, least: float = 0.6) -> list[tuple[str, float]]:
    """Of `(id, key)`, the ids that are at least so similar, the most similar first."""
    rated = [(id, similarity(key, other)) for id, other in keys]
    return sorted((item for item in rated if item[1] >= least), key=lambda item: -item[1])
