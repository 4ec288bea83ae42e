"""Filters that the lists of the rooms share."""

from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils import timezone


class DateField(forms.DateField):
    """A day, entered with the browser's own calendar."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class _DayFilter(django_filters.Filter):
    field_class = DateField


def used(query: QueryDict) -> dict[str, str]:
    """The filters in force, as the record of an export keeps them: every value of one that has several."""
    return {name: ", ".join(filter(None, values)) for name, values in query.lists() if any(values)}


def midnight(day: date) -> datetime:
    """The beginning of a day in the active time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def day_after(day: date) -> datetime | None:
    """The moment at which a day is over; None for the last day that the calendar knows."""
    return midnight(day + timedelta(days=1)) if day < date.max else None


class DateFrom(_DayFilter):
    """Moments from the start of the chosen day on, in the active time zone; compares without a cast (index)."""

    def filter[M: Model](self, qs: QuerySet[M], value: Any) -> QuerySet[M]:
        return qs.filter(**{f"{self.field_name}__gte": midnight(value)}) if value else qs


class DateTo(_DayFilter):
    """Moments until the end of the chosen day, which is included."""

    def filter[M: Model](self, qs: QuerySet[M], value: Any) -> QuerySet[M]:
        end = day_after(value) if value else None
        return qs.filter(**{f"{self.field_name}__lt": end}) if end else qs
