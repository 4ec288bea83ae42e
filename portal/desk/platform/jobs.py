"""Work in the background: of the whole platform, and of one's own organisation."""

from typing import Any
from uuid import UUID

import django_filters
import django_tables2
from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from portal.core.accounts.policy import platform_policy, policy
from portal.core.common.errors import DomainError
from portal.core.jobs import overview
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import TITLES
from portal.desk.people.lists import badge
from portal.ui.lists import Empty, list_page
from portal.ui.tables import DateTimeColumn, Table, TextColumn
from portal.ui.templatetags.marsad import ltr

_STATES = {
    Job.Status.QUEUED: ("yellow", "clock"),
    Job.Status.RUNNING: ("blue", "player-play"),
    Job.Status.SUCCEEDED: ("green", "circle-check"),
    Job.Status.FAILED: ("red", "circle-x"),
}


class JobFilter(django_filters.FilterSet):
    """`job_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=Job.Status.choices)

    def filter_queryset(self, queryset: QuerySet[Job]) -> QuerySet[Job]:
        said = self.form.cleaned_data
        return overview.job_list(statuses=said.get("status") or [], search=said.get("q") or "")


class JobTable(Table):
    kind = django_tables2.Column(verbose_name=gettext_lazy("Job"))
    status = django_tables2.Column()
    created_by = TextColumn(verbose_name=gettext_lazy("Started by"), order_by=("created_by__name",))
    created_at = DateTimeColumn(verbose_name=gettext_lazy("Since"))
    finished_at = DateTimeColumn()
    error = django_tables2.Column(verbose_name=gettext_lazy("Reason"), orderable=False)

    class Meta:
        model = Job
        fields = ("kind", "status", "created_by", "created_at", "finished_at", "error")
        order_by = ("-created_at",)

    def render_kind(self, value: str) -> SafeString:
        return format_html(
            '<span>{}<br><small class="text-secondary">{}</small></span>', TITLES.get(value, value), ltr(value)
        )

    def render_status(self, record: Job) -> SafeString:
        colour, picture = _STATES[Job.Status(record.status)]
        shown = badge(colour, picture, record.get_status_display())
        if record.status != Job.Status.RUNNING:
            return shown
        return format_html(
            '{} <progress max="100" value="{}"></progress> {}', shown, record.progress, ltr(f"{record.progress} %")
        )

    def render_error(self, record: Job) -> SafeString:
        button = format_html(
            '<button class="btn btn-sm" type="submit" form="retry" formaction="{}/{}/retry">{}</button>',
            self.request.path,
            record.pk,
            _("Try again"),
        )
        return format_html('<span dir="auto">{}</span> {}', record.error, button if record.status == "failed" else "")


class PlatformJobTable(JobTable):
    organization = TextColumn(verbose_name=gettext_lazy("Organisation"), order_by=("organization__name",))

    class Meta(JobTable.Meta):
        fields = ("kind", "organization", *JobTable.Meta.fields[1:])  # type: ignore[assignment]


def _page(request: HttpRequest, table: type[Table], **context: Any) -> HttpResponse:
    counts = dict(Job.objects.order_by().values_list("status").annotate(count=Count("pk")))
    tiles = [
        (label, _STATES[Job.Status(status)][1], counts.get(status, 0), status) for status, label in Job.Status.choices
    ]
    return list_page(
        request,
        queryset=overview.job_list(),
        table=table,
        filterset=JobFilter,
        template="desk/platform/jobs.html",
        list_id="jobs",
        caption=gettext_lazy("Jobs"),
        empty=Empty(
            title=gettext_lazy("No work in the background yet"),
            text=gettext_lazy("Long reports, imports and messages to many are made here."),
            icon="progress-check",
        ),
        live=("job.changed",),
        context={"tiles": tiles, **context},
    )


@require_GET
@platform_policy("platform.view")
def jobs(request: HttpRequest) -> HttpResponse:
    periodic = [(task, _result(task.status) if task.last else "") for task in overview.periodic_list()]
    return _page(request, PlatformJobTable, periodic=periodic, broken=list(overview.broken_list()))


def _result(status: str) -> SafeString:
    word = {"succeeded": Job.Status.SUCCEEDED, "doing": Job.Status.RUNNING, "todo": Job.Status.QUEUED}
    state = word.get(status, Job.Status.FAILED)
    colour, picture = _STATES[state]
    return badge(colour, picture, state.label)


@require_GET
@policy("organization.edit")
def own_jobs(request: HttpRequest) -> HttpResponse:
    return _page(request, JobTable)


def _retry(request: HttpRequest, job_id: UUID, back: str) -> HttpResponse:
    try:
        overview.job_retry(id=job_id)
    except DomainError as refusal:
        if refusal.status == 404:
            raise
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("The job has been queued again."))
    return redirect(back)


@require_POST
@platform_policy("platform.view")
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    return _retry(request, job_id, "platform:jobs")


@require_POST
@platform_policy("platform.view")
def broken_retry(request: HttpRequest, number: int) -> HttpResponse:
    overview.broken_retry(id=number)
    messages.success(request, _("The job has been queued again."))
    return redirect("platform:jobs")


@require_POST
@policy("organization.edit")
def own_retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    return _retry(request, job_id, "platform:own_jobs")
