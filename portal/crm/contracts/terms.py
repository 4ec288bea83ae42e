"""The arithmetic of terms: ends, deadlines, buckets, months, recurring revenue. Pure; days are dates, shares exact."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

BUCKETS: Final = (30, 60, 90)
CENT: Final = Decimal("0.01")
_DAY: Final = timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of a month that is too short. Raises ValueError past year 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def term_end(start: date, months: int) -> date:
    """The last day of a term of `months` that begins on `start`."""
    return add_months(start, months) - _DAY


def next_start(end: date) -> date:
    """The first day of the term that follows one that ends on `end`: no gap, no overlap."""
    return end + _DAY


def notice_deadline(end: date | None, notice_days: int) -> date | None:
    """The last day on which notice is in time; None for an open-ended contract."""
    return end - timedelta(days=notice_days) if end else None


def days_left(end: date, today: date) -> int:
    """0 on the last day, negative after it."""
    return (end - today).days


def bucket(left: int) -> int | None:
    """30, 60 or 90: the narrowest window that holds `left` days; None beyond, or past the end."""
    return next((size for size in BUCKETS if 0 <= left <= size), None)


def months_between(start: date, end: date) -> Fraction:
    """Months from `start` to `end`, both included; a part of a month counts by its days. 0 where `end` is earlier."""
    if end < start:
        return Fraction(0)
    after = end + _DAY
    whole = (after.year - start.year) * 12 + after.month - start.month
    while add_months(start, whole) > after:
        whole -= 1
    begun = add_months(start, whole)
    length = (add_months(start, whole + 1) - begun).days
    return whole + Fraction((after - begun).days, length)


def money(value: Fraction | Decimal) -> Decimal:
    """To the cent, half up."""
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / Decimal(value.denominator)
    return value.quantize(CENT, ROUND_HALF_UP)


def percent(part: Fraction | Decimal | int, whole: Fraction | Decimal | int) -> Decimal | None:
    """0 to 100 with two decimals; None of nothing."""
    return money(Fraction(100) * Fraction(part) / Fraction(whole)) if whole else None


@dataclass(frozen=True, slots=True)
class Term:
    """What the figures need of a contract. `end` None: open-ended, `months` then says what `value` pays for."""

    value: Decimal
    recurring: bool
    start: date
    end: date | None
    months: int

    @property
    def length(self) -> Fraction:
        return months_between(self.start, self.end) if self.end else Fraction(self.months)

    @property
    def monthly(self) -> Fraction:
        """Recurring revenue of a month: the value over the months it pays for; nothing for one paid once."""
        return Fraction(self.value) / self.length if self.recurring and self.length else Fraction(0)

    def within(self, first: date, last: date) -> Fraction:
        """The share of the value that falls into `first` to `last`, by months."""
        lower, upper = max(first, self.start), min(last, self.end or last)
        return self.monthly * months_between(lower, upper)


def mrr(terms: Iterable[Term]) -> Decimal:
    """Monthly recurring revenue, rounded once."""
    return money(sum((term.monthly for term in terms), Fraction(0)))


@dataclass(frozen=True, slots=True)
class Renewals:
    """What became of the contracts that came due: (how many, of which value)."""

    renewed: tuple[int, Decimal]
    expired: tuple[int, Decimal]
    terminated: tuple[int, Decimal]

    @property
    def churned(self) -> tuple[int, Decimal]:
        return (self.expired[0] + self.terminated[0], self.expired[1] + self.terminated[1])

    @property
    def rate(self) -> Decimal | None:
        """Renewed of all that came due, by count."""
        return percent(self.renewed[0], self.renewed[0] + self.churned[0])

    @property
    def rate_by_value(self) -> Decimal | None:
        return percent(self.renewed[1], self.renewed[1] + self.churned[1])

    @property
    def churn(self) -> Decimal | None:
        return percent(self.churned[0], self.renewed[0] + self.churned[0])


# --- Hijri ------------------------------------------------------------------------------------------
_EPOCH: Final = date(622, 7, 19).toordinal()  # 1 Muharram of year 1, proleptic Gregorian, civil reckoning
_LEAP: Final = 30  # years of a cycle, eleven of them with a day more


def hijri(day: date) -> tuple[int, int, int]:
    """(year, month, day) of the tabular Islamic calendar, civil epoch; an observed month may begin a day apart."""
    passed = day.toordinal() - _EPOCH
    year = (30 * passed + 10646) // 10631
    in_year = passed - (354 * (year - 1) + (3 + 11 * year) // _LEAP)
    month = min(12, (2 * in_year + 1) // 59 + 1)
    while month < 12 and in_year >= _months(month):
        month += 1
    while month > 1 and in_year < _months(month - 1):
        month -= 1
    return year, month, in_year - _months(month - 1) + 1


def _months(count: int) -> int:
    """Days of the first `count` months of a year: 30, 29, 30, 29 …"""
    return (59 * count + 1) // 2
