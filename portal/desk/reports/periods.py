"""Stretches of the organisation's calendar that a filter names: `lastMonth` means another one in each month."""

from datetime import date, timedelta
from typing import Final

from portal.desk.reports.choices import Op

_DAY: Final = timedelta(days=1)


def span(op: Op, today: date, days: int = 0) -> tuple[date, date]:
    """First and last day, both included. `days` is the number of `lastDays` (today is the last of them) and `nextDays`
    (today and so many days more)."""
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    quarter = month.replace(month=(today.month - 1) // 3 * 3 + 1)
    year = today.replace(month=1, day=1)
    match op:
        case Op.TODAY:
            return today, today
        case Op.YESTERDAY:
            return today - _DAY, today - _DAY
        case Op.LAST_DAYS:
            return today - timedelta(days=days - 1), today
        case Op.NEXT_DAYS:
            return today, today + timedelta(days=days)
        case Op.THIS_WEEK:
            return monday, monday + timedelta(days=6)
        case Op.LAST_WEEK:
            return monday - timedelta(days=7), monday - _DAY
        case Op.THIS_MONTH:
            return month, months_on(month, 1) - _DAY
        case Op.LAST_MONTH:
            return months_on(month, -1), month - _DAY
        case Op.THIS_QUARTER:
            return quarter, months_on(quarter, 3) - _DAY
        case Op.LAST_QUARTER:
            return months_on(quarter, -3), quarter - _DAY
        case Op.THIS_YEAR:
            return year, months_on(year, 12) - _DAY
        case Op.LAST_YEAR:
            return months_on(year, -12), year - _DAY
    raise ValueError(op)


def months_on(first: date, months: int) -> date:
    """The first of a month, so many months later."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)
