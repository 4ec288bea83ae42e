"""Enumerations of chart views; the values are those on the wire."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChartType(models.TextChoices):
    NUMBER = "number", _("Number")
    PIE = "pie", _("Pie chart")
    DONUT = "donut", _("Ring chart")
    LINE = "line", _("Line chart")
    BAR = "bar", _("Bar chart")
    STACKED = "stackedBar", _("Stacked bars")


class Aggregation(models.TextChoices):
    COUNT = "count", _("Number of submissions")
    SUM = "sum", _("Sum")
    AVERAGE = "average", _("Average")
    MIN = "min", _("Smallest")
    MAX = "max", _("Largest")
    MEDIAN = "median", _("Median")


class Bucket(models.TextChoices):
    """Stretches of time in the organisation's zone."""

    HOUR = "hour", _("Hour")
    DAY = "day", _("Day")
    WEEK = "week", _("Week")
    MONTH = "month", _("Month")
    QUARTER = "quarter", _("Quarter")
    YEAR = "year", _("Year")


class Op(models.TextChoices):
    EQ = "eq", _("is")
    NE = "ne", _("is not")
    LT = "lt", _("below")
    LTE = "lte", _("at most")
    GT = "gt", _("above")
    GTE = "gte", _("at least")
    IN = "in", _("is one of")
    ISNULL = "isnull", _("has no answer")


AGGREGATION_ALIASES: Final = {"avg": Aggregation.AVERAGE}
# Kinds whose figures lie along `xAxis` or `groupBy`, and those that divide a whole.
ALONG: Final = frozenset({ChartType.LINE, ChartType.BAR, ChartType.STACKED})
ROUND: Final = frozenset({ChartType.PIE, ChartType.DONUT})
