"""Tables and filters of forms."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.collect.forms.models import Form
from portal.collect.submissions.models import Submission
from portal.core.common.text import normalise
from portal.core.projects import access
from portal.core.projects.models import Project
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, LtrColumn, NumberColumn, Table, TextColumn
from portal.ui.templatetags.marsad import icon

STATES = [
    ("open", gettext_lazy("Takes submissions")),
    ("closed", gettext_lazy("Closed")),
    ("draft", gettext_lazy("Draft")),
]


def projects(request: HttpRequest | None) -> QuerySet[Project]:
    if request is None:
        return Project.objects.none()
    return access.projects_seen(person(request)).order_by("name", "id")


def with_figures(rows: QuerySet[Form]) -> QuerySet[Form]:
    """How many submissions each form has, and without the schemas, which a list does not show."""
    counted = (
        Submission.objects.filter(form=OuterRef("pk"), deleted_at=None).order_by().values("form").annotate(n=Count("*"))
    )
    rows = rows.select_related("project").defer("schema", "schema_text", "draft", "search_text", "metadata")
    return rows.annotate(submission_total=Coalesce(Subquery(counted.values("n")), 0))


def badge(form: Form) -> SafeString:
    if not form.published:
        look = ("secondary", "pencil", _("Draft"))
    elif form.is_active:
        look = ("green", "circle-check", _("Takes submissions"))
    else:
        look = ("yellow", "circle-minus", _("Closed"))
    colour, name, word = look
    return format_html('<span class="badge bg-{}-lt verdict">{}{}</span>', colour, icon(name), word)


class FormFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=gettext_lazy("Search"), method="search")
    project = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Project"), queryset=projects, empty_label=gettext_lazy("All")
    )
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("Status"), choices=STATES, empty_label=gettext_lazy("All"), method="in_state"
    )

    def search(self, rows: QuerySet[Form], _name: str, value: str) -> QuerySet[Form]:
        for word in normalise(value).split():
            rows = rows.filter(search_text__contains=word)
        return rows

    def in_state(self, rows: QuerySet[Form], _name: str, value: str) -> QuerySet[Form]:
        if value == "draft":
            return rows.filter(version=0)
        return rows.filter(version__gt=0, is_active=value == "open")


class FormTable(Table):
    name = TextColumn(linkify=("collect:form_detail", {"form_id": django_tables2.A("pk")}))
    project = TextColumn(accessor="project__name", verbose_name=gettext_lazy("Project"))
    state = django_tables2.Column(verbose_name=gettext_lazy("Status"), empty_values=(), orderable=False)
    version = LtrColumn()
    submission_total = NumberColumn(verbose_name=gettext_lazy("Submissions"))
    updated_at = DateTimeColumn(verbose_name=gettext_lazy("Changed"))

    class Meta:
        model = Form
        fields = ("name", "project", "state", "version", "submission_total", "updated_at")
        order_by = ("-updated_at",)

    def __init__(self, *args: Any, inside: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if inside:
            self.columns.hide("project")

    def render_state(self, record: Form) -> SafeString:
        return badge(record)
