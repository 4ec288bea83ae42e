"""Enumerations of custom reports; the values are those on the wire."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Function(models.TextChoices):
    COUNT = "count", _("Number of rows")
    SUM = "sum", _("Sum")
    AVERAGE = "average", _("Average")
    MIN = "min", _("Smallest")
    MAX = "max", _("Largest")


class Chart(models.TextChoices):
    NONE = "none", _("No chart")
    BAR = "bar", _("Bar chart")
    STACKED = "stackedBar", _("Stacked bars")
    LINE = "line", _("Line chart")
    PIE = "pie", _("Pie chart")
    DONUT = "donut", _("Ring chart")


class Format(models.TextChoices):
    PDF = "pdf", "PDF"
    XLSX = "xlsx", "XLSX"
    CSV = "csv", "CSV"
    JSON = "json", "JSON"


class Op(models.TextChoices):
    """How a filter compares. Periods are of the organisation's calendar; weeks begin on Monday."""

    IN = "in", _("is one of")
    NOT_IN = "notIn", _("is none of")
    CONTAINS = "contains", _("contains")
    EQ = "eq", _("is")
    GT = "gt", _("above")
    GTE = "gte", _("at least")
    LT = "lt", _("below")
    LTE = "lte", _("at most")
    BETWEEN = "between", _("from … to …")
    ME = "me", _("is the reader")
    TRUE = "true", _("yes")
    FALSE = "false", _("no")
    LAST_DAYS = "lastDays", _("in the last … days, today included")
    NEXT_DAYS = "nextDays", _("from today to … days ahead")
    TODAY = "today", _("today")
    YESTERDAY = "yesterday", _("yesterday")
    THIS_WEEK = "thisWeek", _("this week")
    LAST_WEEK = "lastWeek", _("last week")
    THIS_MONTH = "thisMonth", _("this month")
    LAST_MONTH = "lastMonth", _("last month")
    THIS_QUARTER = "thisQuarter", _("this quarter")
    LAST_QUARTER = "lastQuarter", _("last quarter")
    THIS_YEAR = "thisYear", _("this year")
    LAST_YEAR = "lastYear", _("last year")
    PAST = "past", _("has passed")
    EMPTY = "empty", _("is empty")
    FILLED = "filled", _("is filled in")


PERIODS: Final = (
    Op.TODAY,
    Op.YESTERDAY,
    Op.THIS_WEEK,
    Op.LAST_WEEK,
    Op.THIS_MONTH,
    Op.LAST_MONTH,
    Op.THIS_QUARTER,
    Op.LAST_QUARTER,
    Op.THIS_YEAR,
    Op.LAST_YEAR,
)
_THERE: Final = (Op.EMPTY, Op.FILLED)
_DAYS: Final = (*PERIODS, Op.LAST_DAYS, Op.NEXT_DAYS, Op.BETWEEN, Op.GTE, Op.LTE, Op.PAST, *_THERE)
# Kind of column -> how it can be filtered, the usual way first.
OPS: Final[dict[str, tuple[Op, ...]]] = {
    "text": (Op.CONTAINS, Op.EQ, Op.IN, Op.NOT_IN, *_THERE),
    "choice": (Op.IN, Op.NOT_IN, *_THERE),
    "person": (Op.IN, Op.NOT_IN, Op.ME, *_THERE),
    "number": (Op.GTE, Op.LTE, Op.GT, Op.LT, Op.EQ, Op.BETWEEN, *_THERE),
    "boolean": (Op.TRUE, Op.FALSE, *_THERE),
    "date": _DAYS,
    "moment": _DAYS,
}
BARE: Final = frozenset({*PERIODS, Op.PAST, Op.ME, Op.TRUE, Op.FALSE, *_THERE})  # without a value
LISTS: Final = frozenset({Op.IN, Op.NOT_IN})
COUNTED: Final = frozenset({Op.LAST_DAYS, Op.NEXT_DAYS})


class Frequency(models.TextChoices):
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")
    MONTHLY = "monthly", _("Every month")


class RunStatus(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Done")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("Not sent")


class Skipped(models.TextChoices):
    """Why somebody on the list of recipients got nothing."""

    LEFT = "left", _("no longer works here")
    NO_RIGHT = "no_right", _("may not read reports")
    NO_SOURCE = "no_source", _("may not see what it is about")
    NOT_SHARED = "not_shared", _("the report is no longer shared")


LANGUAGES: Final = ("ar", "fr", "en")
