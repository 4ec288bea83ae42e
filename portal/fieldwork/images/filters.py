"""Filters and order of the gallery and the map."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.core.accounts.models import User
from portal.core.common.text import normalise
from portal.core.files.media import Flag
from portal.core.projects.access import projects_seen
from portal.core.projects.models import Project
from portal.fieldwork.images.models import Image
from portal.fieldwork.images.selectors import NO_FLAG
from portal.ui.filters import DateFrom, DateTo
from portal.ui.tables import Table
from portal.ui.templatetags.marsad import icon

_ALL = _("All")


def _projects(request: Any) -> QuerySet[Project]:
    return projects_seen(request.user)


class ImageFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Search"), method="search")
    project = django_filters.ModelChoiceFilter(label=_("Project"), queryset=_projects, empty_label=_ALL)
    flag = django_filters.ChoiceFilter(
        label=_("Differences"),
        choices=[(NO_FLAG, _("None found")), *Flag.choices],
        empty_label=_ALL,
        method="flagged",
    )
    status = django_filters.ChoiceFilter(label=_("Status"), choices=Image.Status.choices, empty_label=_ALL)
    uploaded_by = django_filters.ModelChoiceFilter(
        label=_("Uploaded by"),
        queryset=lambda request: User.objects.filter(pk__in=Image.objects.values("uploaded_by")).order_by("name", "pk"),
        empty_label=_ALL,
    )
    since = DateFrom(field_name="taken_at", label=_("Taken from"))
    until = DateTo(field_name="taken_at", label=_("Taken until"))
    located = django_filters.ChoiceFilter(
        label=_("Place"), choices=[("yes", _("Known")), ("no", _("Unknown"))], empty_label=_ALL, method="placed"
    )

    def search(self, rows: QuerySet[Image], name: str, value: str) -> QuerySet[Image]:
        for word in normalise(value).split():
            rows = rows.filter(Q(file__search_text__contains=word))
        return rows

    def flagged(self, rows: QuerySet[Image], name: str, value: str) -> QuerySet[Image]:
        return rows.filter(flags=[]) if value == NO_FLAG else rows.filter(flags__contains=[value])

    def placed(self, rows: QuerySet[Image], name: str, value: str) -> QuerySet[Image]:
        return rows.filter(latitude__isnull=value == "no")


class ScopedFilter(ImageFilter):
    """Inside one project, or one task of it, there is no choice of projects."""

    project = None


class ImageTable(Table):
    """Says how the gallery can be ordered; the pictures themselves are drawn by its own template."""

    created_at = django_tables2.Column(verbose_name=_("Uploaded"))
    taken_at = django_tables2.Column(verbose_name=pgettext_lazy("photo", "Taken"))

    class Meta:
        model = Image
        fields = ("created_at", "taken_at")
        order_by = ("-created_at",)


def status_badge(image: Image) -> SafeString:
    colour, name, word = {
        "available": ("green", "circle-check", Image.Status.AVAILABLE.label),
        "processing": ("blue", "progress-check", Image.Status.PROCESSING.label),
        "failed": ("red", "circle-x", Image.Status.FAILED.label),
    }[image.status]
    if image.broken:
        colour, name, word = "red", "alert-circle", _("Stopped by an error")
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), word)
