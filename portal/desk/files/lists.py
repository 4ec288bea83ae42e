"""The table and the filters of files."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common.text import normalise
from portal.core.files import selectors
from portal.core.files.models import ScanStatus, ShareAccess, StoredFile
from portal.ui.filters import DateFrom, DateTo
from portal.ui.tables import DateTimeColumn, LtrColumn, Table, TextColumn, TickColumn
from portal.ui.templatetags.marsad import icon

_ALL = gettext_lazy("All")
_SCANS = {
    ScanStatus.CLEAN: ("green", "shield-check"),
    ScanStatus.INFECTED: ("red", "alert-triangle"),
    ScanStatus.PENDING: ("yellow", "clock"),
    ScanStatus.NOT_SCANNED: ("secondary", "circle-dashed"),
    ScanStatus.FAILED: ("orange", "alert-circle"),
    ScanStatus.UNSCANNABLE: ("orange", "help-circle"),
}
_OUTCOMES = {
    ShareAccess.Outcome.DOWNLOADED: ("green", "download"),
    ShareAccess.Outcome.VIEWED: ("secondary", "eye"),
}
KINDS = [
    ("image", gettext_lazy("Images")),
    ("video", gettext_lazy("Video and sound")),
    ("document", gettext_lazy("Documents")),
]
KIND_ICONS = {"image": "photo", "video": "player-play", "document": "file-text"}


def _badge(colour: str, name: str, label: object) -> SafeString:
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), label)


def scan_badge(status: str) -> SafeString:
    scan = ScanStatus(status)
    return _badge(*_SCANS[scan], scan.label)


def outcome_badge(outcome: str) -> SafeString:
    known = ShareAccess.Outcome(outcome)
    return _badge(*_OUTCOMES.get(known, ("orange", "alert-circle")), known.label)


def size_text(size: int) -> SafeString:
    return format_html("<bdi>{}</bdi>", filesizeformat(size))


def category_names() -> dict[str, str]:
    return {category.key: category.name for category in selectors.category_list(all=True)}


def _uploaders(request: Any) -> QuerySet[User]:
    return User.objects.filter(deleted_at=None).order_by("name", "id")


class FileFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), method="search")
    category = django_filters.ChoiceFilter(
        label=gettext_lazy("Category"), choices=lambda: list(category_names().items()), empty_label=_ALL
    )
    kind = django_filters.ChoiceFilter(label=gettext_lazy("Kind"), choices=KINDS, empty_label=_ALL)
    tag = django_filters.CharFilter(label=gettext_lazy("Tag"), method="tagged")
    scan = django_filters.ChoiceFilter(
        label=gettext_lazy("Virus scan"),
        field_name="current__blob__scan_status",
        choices=ScanStatus.choices,
        empty_label=_ALL,
    )
    person = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Uploaded by"), field_name="uploaded_by", queryset=_uploaders, empty_label=_ALL
    )
    date_from = DateFrom(field_name="created_at", label=gettext_lazy("From"))
    date_to = DateTo(field_name="created_at", label=gettext_lazy("Until"))

    def search(self, rows: QuerySet[StoredFile], name: str, value: str) -> QuerySet[StoredFile]:
        for word in normalise(value).split():
            rows = rows.filter(search_text__contains=word)
        return rows

    def tagged(self, rows: QuerySet[StoredFile], name: str, value: str) -> QuerySet[StoredFile]:
        return rows.filter(tags__contains=[value.strip()])


class FileTable(Table):
    tick = TickColumn("filename")
    filename = LtrColumn(
        verbose_name=gettext_lazy("Name"), linkify=("files:file_detail", {"file_id": django_tables2.A("pk")})
    )
    category = django_tables2.Column(verbose_name=gettext_lazy("Category"))
    size = django_tables2.Column(verbose_name=gettext_lazy("Size"))
    tags = django_tables2.Column(verbose_name=gettext_lazy("Tags"), orderable=False, empty_values=(None, []))
    scan = django_tables2.Column(accessor="current__blob__scan_status", verbose_name=gettext_lazy("Virus scan"))
    uploaded_by = TextColumn(accessor="uploaded_by__name", verbose_name=gettext_lazy("Uploaded by"))
    created_at = DateTimeColumn(verbose_name=gettext_lazy("Uploaded"))

    class Meta:
        model = StoredFile
        fields = ("tick", "filename", "category", "size", "tags", "scan", "uploaded_by", "created_at")
        order_by = ("-created_at",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = category_names()

    def render_category(self, value: str) -> str:
        return self.names.get(value, value)

    def render_size(self, value: int) -> SafeString:
        return size_text(value)

    def render_tags(self, value: list[str]) -> SafeString:
        return tags_html(value)

    def render_scan(self, value: str) -> SafeString:
        return scan_badge(value)


class TrashTable(FileTable):
    filename = LtrColumn(verbose_name=gettext_lazy("Name"))
    deleted_at = DateTimeColumn(verbose_name=gettext_lazy("Deleted"))

    class Meta:
        model = StoredFile
        fields = ("tick", "filename", "category", "size", "uploaded_by", "deleted_at")
        exclude = ("tags", "scan", "created_at")
        order_by = ("-deleted_at",)


def tags_html(tags: list[str]) -> SafeString:
    return format_html_join(" ", '<span class="badge bg-blue-lt"><bdi>{}</bdi></span>', ((tag,) for tag in tags))
