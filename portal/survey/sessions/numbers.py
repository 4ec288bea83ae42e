"""Numbers of survey sessions: `SA-2026-BP-000123-K`.

Letters of the governorate (ISO 3166-2), Gregorian year of Yemen, kind of survey, a count for these three, and a check
character by ISO 7064 MOD 37,36 over letters and digits without the hyphens. Never reused; gaps are allowed.
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from portal.core.tenancy.services import next_numbers
from portal.survey.choices import SurveyType

_ZONE: Final = ZoneInfo("Asia/Aden")
_SIGNS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_KINDS: Final = {
    SurveyType.BUILDING_PERMIT.value: "BP",
    SurveyType.SURVEYING_DECISION.value: "SD",
    SurveyType.CADASTRAL_SURVEY.value: "CS",
}
NOWHERE: Final = "YE"  # of an application that lies in no known governorate


def check_character(text: str) -> str:
    """ISO 7064 MOD 37,36 of letters and digits."""
    product = 36
    for sign in text:
        total = (product + _SIGNS.index(sign)) % 36 or 36
        product = total * 2 % 37
    return _SIGNS[(37 - product) % 36]


def is_valid(number: str) -> bool:
    """Whether the check character of a number is right; hyphens and case do not matter."""
    text = number.replace("-", "").upper()
    return len(text) > 1 and all(sign in _SIGNS for sign in text) and check_character(text[:-1]) == text[-1]


def next_number(*, governorate: str, survey_type: str, at: datetime) -> str:
    """The next number of the organisation in force. `governorate`: its ISO 3166-2 code (`YE-SA` or `SA`), or ''."""
    letters = governorate.upper().removeprefix("YE-") or NOWHERE
    head = f"{letters}-{at.astimezone(_ZONE).year}-{_KINDS[survey_type]}"
    (count,) = next_numbers(f"survey {head}")
    body = f"{head}-{count:06d}"
    return f"{body}-{check_character(body.replace('-', ''))}"
