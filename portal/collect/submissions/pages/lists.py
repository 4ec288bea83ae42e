"""Table and filters of submissions; with one form chosen its questions are columns and filters."""

from typing import Any, Final
from uuid import UUID

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.collect.forms.models import Form
from portal.collect.forms.selectors import compiled, forms_seen
from portal.collect.language import Field
from portal.collect.submissions import selectors
from portal.collect.submissions.choices import Flag, ReviewState
from portal.collect.submissions.models import Submission
from portal.collect.submissions.pages.showing import shown_answer
from portal.collect.templatetags.collect import remark_count, review
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.ids import parse_uuid
from portal.core.common.text import latin_digits
from portal.core.projects.access import projects_seen
from portal.core.projects.models import Project
from portal.core.tenancy import scope
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, Table, TextColumn, TickColumn
from portal.ui.templatetags.marsad import localdatetime

_ALL = gettext_lazy("All")
MOST_COLUMNS: Final = 5  # questions that a table shows
_ASKED: Final = "a-"  # begins the names of filters on answers
_SHORT: Final = frozenset(
    {"text", "number", "integer", "boolean", "select", "selectMultiple", "date", "datetime", "calculate"}
)
_FILTERED: Final = frozenset({"select", "selectMultiple", "boolean"})
_TYPED: Final = frozenset({"text", "number", "integer", "date", "barcode"})


class _DayFilter(django_filters.Filter):
    field_class = DateField


def _projects(request: HttpRequest | None) -> QuerySet[Project]:
    return projects_seen(person(request)).order_by("name", "id") if request else Project.objects.none()


def _forms(request: HttpRequest | None) -> QuerySet[Form]:
    if request is None:
        return Form.objects.none()
    return forms_seen(person(request)).filter(version__gt=0).order_by("name", "id").only("pk", "name")


def _people(request: HttpRequest | None) -> QuerySet[User]:
    if request is None or request.user.is_anonymous:
        return User.objects.none()
    return User.objects.filter(organization_id=scope.organization_id(), deleted_at=None).order_by("name", "id")


class SubmissionFilter(django_filters.FilterSet):
    """`selectors.filtered` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    project = django_filters.ModelChoiceFilter(label=gettext_lazy("Project"), queryset=_projects, empty_label=_ALL)
    form_ = django_filters.ModelChoiceFilter(label=gettext_lazy("Form"), queryset=_forms, empty_label=_ALL)
    person = django_filters.ModelChoiceFilter(label=gettext_lazy("Submitted by"), queryset=_people, empty_label=_ALL)
    state = django_filters.MultipleChoiceFilter(label=gettext_lazy("Review"), choices=ReviewState.choices)
    flag = django_filters.ChoiceFilter(
        label=gettext_lazy("Remarks"),
        choices=[("any", gettext_lazy("Any")), ("none", gettext_lazy("None found")), *Flag.choices],
        empty_label=_ALL,
    )
    since = _DayFilter(label=gettext_lazy("Captured from"))
    until = _DayFilter(label=gettext_lazy("Captured until"))

    def chosen(self) -> dict[str, Any]:
        """What `selectors.filtered` is asked for, as texts."""
        said = self.form.cleaned_data if self.form.is_valid() else {}
        found = {name: str(said[key].pk) for name, key in _KEYS if said.get(key)}
        answers = {
            name.removeprefix(_ASKED): [latin_digits(str(value)).strip()]
            for name, value in said.items()
            if name.startswith(_ASKED) and value not in (None, "")
        }
        return {
            **found,
            "states": list(said.get("state") or ()),
            "flag": said.get("flag") or "",
            "search": said.get("q") or "",
            "since": clock.wire(midnight(said["since"])) if said.get("since") else None,
            "until": clock.wire(day_after(said["until"])) if said.get("until") else None,
            "answers": answers,
        }

    def filter_queryset(self, queryset: QuerySet[Submission]) -> QuerySet[Submission]:
        return with_names(selectors.filtered(person(self.request), self.chosen()))


_KEYS: Final = (("project", "project"), ("form", "form_"), ("person", "person"))


def with_names(rows: QuerySet[Submission]) -> QuerySet[Submission]:
    return rows.select_related("form", "project", "submitted_by").defer(
        "search_text", "form__schema", "form__schema_text", "form__draft", "form__search_text", "project__search_text"
    )


def chosen_form(request: HttpRequest) -> Form | None:
    """The form that the address names, if the person sees it."""
    id = parse_uuid(request.GET.get("form_"))
    return forms_seen(person(request)).filter(pk=id, version__gt=0).first() if id else None


def questions(form: Form | None) -> list[Field]:
    """Those that a column can show."""
    if form is None:
        return []
    asked = compiled(form.pk, form.version).fields()
    return [item for item in asked if item.type in _SHORT and item.repeat is None][:MOST_COLUMNS]


def filterset(form: Form | None, *, project: UUID | None = None) -> type[SubmissionFilter]:
    """The filters of a list: with a form chosen its choices and short texts as well; inside a project without choosing
    one."""
    more: dict[str, Any] = {}
    if project is not None:
        more["project"] = None

        def chosen(self: SubmissionFilter) -> dict[str, Any]:
            return {**SubmissionFilter.chosen(self), "project": str(project)}

        more["chosen"] = chosen
    if form is not None:
        for item in compiled(form.pk, form.version).fields():
            if item.repeat is not None or len(more) > 2 * MOST_COLUMNS:
                continue
            if item.type in _FILTERED:
                yes_no = [("true", gettext_lazy("Yes")), ("false", gettext_lazy("No"))]
                options = yes_no if item.type == "boolean" else [(c.value, c.text()) for c in item.choices]
                more[_ASKED + item.id] = django_filters.ChoiceFilter(
                    label=item.text(), choices=options, empty_label=_ALL
                )
            elif item.type in _TYPED:
                more[_ASKED + item.id] = django_filters.CharFilter(label=item.text())
    return type("Filters", (SubmissionFilter,), more)


class SubmissionTable(Table):
    tick = TickColumn("created_at")
    created_at = DateTimeColumn(verbose_name=gettext_lazy("Captured"))
    form = TextColumn(accessor="form__name", verbose_name=gettext_lazy("Form"), orderable=False)
    project = TextColumn(accessor="project__name", verbose_name=gettext_lazy("Project"), orderable=False)
    submitted_by = TextColumn(accessor="submitted_by__name", verbose_name=gettext_lazy("Submitted by"), orderable=False)
    review_state = django_tables2.Column(verbose_name=gettext_lazy("Review"))
    flags = django_tables2.Column(verbose_name=gettext_lazy("Remarks"), orderable=False)
    synced_at = DateTimeColumn(verbose_name=gettext_lazy("Arrived"))

    class Meta:
        model = Submission
        fields = ("tick", "created_at", "form", "project", "submitted_by", "review_state", "flags", "synced_at")
        order_by = ("-created_at",)

    def __init__(self, *args: Any, inside: bool = False, one: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, hidden in (("project", inside or one), ("form", one), ("synced_at", one)):
            if hidden:
                self.columns.hide(name)

    def render_created_at(self, record: Submission) -> SafeString:
        address = reverse("collect:submission_detail", args=[record.pk])
        return format_html('<a href="{}">{}</a>', address, localdatetime(record.created_at))

    def render_review_state(self, record: Submission) -> SafeString:
        return review(record.review_state)

    def render_flags(self, record: Submission) -> SafeString:
        return remark_count(record.flags)


class _AnswerColumn(django_tables2.Column):
    def __init__(self, item: Field) -> None:
        super().__init__(accessor=f"answers__{item.id}", verbose_name=item.text(), empty_values=(None, "", []))
        self.item = item

    def render(self, value: Any) -> SafeString:
        return shown_answer(self.item, value)

    def order(self, queryset: QuerySet[Submission], is_descending: bool) -> tuple[QuerySet[Submission], bool]:
        answer = KeyTransform(self.item.id, "answers")
        by = answer.desc(nulls_last=True) if is_descending else answer.asc(nulls_last=True)
        return queryset.order_by(by, "-id"), True


def table(items: list[Field]) -> type[SubmissionTable]:
    """The table with a column for each of these questions, after the time of capture."""
    columns = {f"answer_{item.id}": _AnswerColumn(item) for item in items}
    meta = type(
        "Meta",
        (SubmissionTable.Meta,),
        {"sequence": ("tick", "created_at", *columns, "..."), "fields": SubmissionTable.Meta.fields},
    )
    return type("Answers", (SubmissionTable,), {**columns, "Meta": meta})
