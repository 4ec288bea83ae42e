"""Writing reports and asking for runs of them.

`data` is the wire's: absent fields stay as they are. A definition is checked with the rights of whoever writes it, and
read again with those of whoever runs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import Conflict, Errors, FieldError, IllegalTransition, Invalid
from portal.core.common.text import normalise
from portal.core.files.models import FileLink, ScanStatus, StoredFile
from portal.core.files.services import file_create, file_purge
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import Running, defer
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.sync.records import may
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import tenant
from portal.desk.reports import definitions, files, selectors
from portal.desk.reports.builtin import description_of, name_of
from portal.desk.reports.choices import LANGUAGES, Format, RunStatus
from portal.desk.reports.definitions import Definition
from portal.desk.reports.display import head_json, wire
from portal.desk.reports.files import Paper
from portal.desk.reports.models import CustomReport, ReportRun, ReportVersion
from portal.desk.reports.query import Answer

KEPT: Final = timedelta(days=7)
RUNS_KEPT: Final = timedelta(days=400)
AT_ONCE: Final = 1000  # lines of an answer that is given in the response
PREVIEW: Final = 50
COUNTED: Final = 10_000  # lines that a page counts
FILE_LIMIT: Final = 2 * 1024**3
LINK: Final = "report_run"
NAME_LENGTH, TEXT_LENGTH = 200, 1000


# --- definitions ------------------------------------------------------------------------------------------
@transaction.atomic
def report_create(*, data: Mapping[str, Any], by: User) -> CustomReport:
    """`{name, description, shared, …}` and the definition's own fields. Raises Invalid, Denied."""
    may(by, "custom_reports.edit")
    report = CustomReport(organization_id=scope.organization_id(), owner=by)
    if "name" not in data:
        raise Invalid.field("name", _("This field is required."))
    _take(report, data, by)
    report.save(force_insert=True)
    _keep_version(report, by)
    _tell(report)
    return report


@transaction.atomic
def report_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> CustomReport:
    """Parts of the definition that are absent stay. Raises Invalid, VERSION_CONFLICT, NotFound, Denied."""
    report = _held(by, id, version)
    _take(report, data, by)
    report.version += 1
    report.save()
    _keep_version(report, by)
    _tell(report)
    return report


@transaction.atomic
def report_restore(*, id: UUID, number: int, by: User) -> CustomReport:
    """Make an earlier version the newest one. Raises NotFound, Denied, Invalid where it no longer reads."""
    report = _held(by, id, None)
    held = selectors.version_for(report, number)
    return report_update(id=id, data={**held.definition, "name": held.name}, by=by)


@transaction.atomic
def report_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Soft; its schedules end, files of its runs stay until their day. Raises VERSION_CONFLICT, NotFound, Denied."""
    report = _held(by, id, version)
    report.schedules.all().delete()
    report.deleted_at, report.deleted_by = clock.now(), by
    report.version += 1
    report.save()
    _tell(report)


def copy_of(report: CustomReport) -> dict[str, Any]:
    """What a new report begins with that is made from this one."""
    return {
        **report.definition,
        "name": _("Copy of %(name)s") % {"name": name_of(report)},
        "description": description_of(report),
    }


def _held(by: User, id: UUID, version: int | None) -> CustomReport:
    report = selectors.report_for(by, id)
    if report.builtin:
        raise Conflict(_("A built-in report cannot be changed: make a copy."), code="BUILTIN_REPORT")
    may(by, "custom_reports.edit" if report.owner_id == by.pk else "custom_reports.share")
    fresh = CustomReport.objects.select_for_update(no_key=True).get(pk=report.pk)
    if version is not None and version != fresh.version:
        raise Conflict(_("This record has been changed in the meantime."), meta={"version": fresh.version})
    return fresh


def _take(report: CustomReport, data: Mapping[str, Any], by: User) -> None:
    errors = Errors()
    for name, limit in (("name", NAME_LENGTH), ("description", TEXT_LENGTH)):
        if name not in data:
            continue
        said = data[name] if data[name] is not None else ""
        if not isinstance(said, str) or len(said) > limit or "\0" in said:
            errors.add(name, _("A text of at most %(limit)s characters.") % {"limit": limit})
        elif name == "name" and not said.strip():
            errors.add(name, _("This field is required."))
        else:
            setattr(report, name, " ".join(said.split()) if name == "name" else said.strip())
    if "shared" in data:
        if not isinstance(data["shared"], bool):
            errors.add("shared", _("Enter true or false."))
        elif data["shared"] != report.shared:
            may(by, "custom_reports.share")
            report.shared = data["shared"]
    try:
        found = definitions.read({**(report.definition or {}), **data}, user=by)
    except Invalid as refusal:
        errors.items += refusal.errors
    else:
        report.source, report.definition = found.source.key, definitions.canonical(found)
    errors.raise_any()
    report.search_text = normalise(f"{report.name}\n{report.description}")


def _keep_version(report: CustomReport, by: User) -> None:
    ReportVersion.objects.create(
        organization_id=report.organization_id,
        report=report,
        number=report.version,
        name=report.name,
        definition=report.definition,
        created_by=by,
    )


def _tell(report: CustomReport) -> None:
    publish("custom_report.changed", entity="custom_report", id=report.pk)


# --- answers ----------------------------------------------------------------------------------------------
def answer_of(definition: Definition, *, user: User) -> Answer:
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id())
    return Answer(definition, user, zone, clock.now())


def answer_as_wire(answer: Answer, rows: list[list[Any]]) -> dict[str, Any]:
    """Columns, lines and totals of a short answer."""
    heads = answer.heads
    figures = [head for head in heads if head.figure]
    return {
        "columns": [head_json(head) for head in heads],
        "rows": [{head.key: wire(value, head) for value, head in zip(row, heads, strict=False)} for row in rows],
        "totals": {head.key: wire(value, head) for value, head in zip(answer.totals(), figures, strict=True)},
        "timeZone": answer.zone,
        "generatedAt": clock.wire(answer.now),
    }


# --- runs -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Asked:
    """A run, and the answer itself where it was short enough to be given at once."""

    run: ReportRun
    result: dict[str, Any] | None = None


@transaction.atomic
def run_ask(
    *,
    report: CustomReport,
    by: User,
    kind: Format = Format.JSON,
    language: str = "",
    filters: Any = None,
    at_once: bool = False,
) -> Asked:
    """Draw a report for `by`. `filters` narrow it further, as in a definition. With `at_once`, a JSON of at most 1,000
    lines is answered now; all else is a job whose file is kept for seven days. Raises Invalid, Denied."""
    may(by, "custom_reports.view")
    said = dict(report.definition)
    if filters:
        if not isinstance(filters, list):
            raise Invalid.field("parameters.filters", _("Must be a list."))
        said["filters"] = [*said.get("filters", []), *filters]
    definition = _narrowed(said, len(report.definition.get("filters", [])), by)
    run = ReportRun(
        organization_id=report.organization_id,
        report=report,
        version=report.version,
        definition=definitions.canonical(definition),
        format=kind,
        language=language_of(by, language),
        person=by,
    )
    if at_once and kind == Format.JSON:
        answer = answer_of(definition, user=by)
        rows = list(answer.rows(stop=AT_ONCE + 1))
        if len(rows) <= AT_ONCE:
            run.status, run.finished_at = RunStatus.SUCCEEDED, clock.now()
            run.rows = run.shown = len(rows)
            run.save(force_insert=True)
            _note(run, run.rows)
            return Asked(run, answer_as_wire(answer, rows))
    run.save(force_insert=True)
    begin(run)
    return Asked(run)


def _narrowed(said: dict[str, Any], own: int, by: User) -> Definition:
    """The definition with further filters behind its `own`; a mistake in them is named as it was sent."""
    try:
        return definitions.read(said, user=by)
    except Invalid as refusal:
        for place, error in enumerate(refusal.errors):
            name, _dot, rest = error.field.removeprefix("filters.").partition(".")
            if error.field.startswith("filters.") and name.isdigit() and int(name) >= own:
                field = f"parameters.filters.{int(name) - own}{'.' if rest else ''}{rest}"
                refusal.errors[place] = FieldError(field, error.message)
        raise


def language_of(user: User, wished: str = "") -> str:
    """That which is asked for, else the person's, else the organisation's."""
    if wished in LANGUAGES:
        return wished
    own = user.language or (user.organization.language if user.organization else "")
    return own or (get_language() or "en")[:2]


def begin(run: ReportRun) -> None:
    """Queue the work of a stored run as its person."""
    from portal.desk.reports.jobs import draw

    doer = scope.actor()
    by = doer if doer.user == run.person_id else run.person.actor(via="job")
    with tenant(run.organization_id, by=by), translation.override(run.language):
        run.job = defer(draw, run=str(run.pk))
        run.status, run.error = RunStatus.QUEUED, ""
        run.save(update_fields=["job", "status", "error", "updated_at"])


@transaction.atomic
def run_retry(*, id: UUID, by: User) -> ReportRun:
    """Start a failed run once more. Raises NotFound, IllegalTransition for one that did not fail."""
    run = selectors.run_for(by, id)
    fresh = ReportRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if fresh.status != RunStatus.FAILED:
        raise IllegalTransition(_("Only a run that failed can be started again."))
    fresh.person = run.person
    begin(fresh)
    return fresh


def run_draw(*, id: UUID, running: Running) -> dict[str, Any]:
    """The body of the job: the file, with the rights that the person has now. Raises Invalid where the report no longer
    reads, Denied where they may not see it any more."""
    run = ReportRun.objects.select_related("report", "schedule", "person__role", "person__organization").get(pk=id)
    user, report = run.person, run.report
    may(user, "custom_reports.view")
    organization = Organization.objects.get(pk=run.organization_id)
    kind = Format(run.format)
    with translation.override(run.language):
        definition = definitions.read(run.definition, user=user)
        answer = answer_of(definition, user=user)
        paper = Paper(name_of(report), description_of(report), organization, run.language)
        made = files.write(answer, paper, kind, progress=running.progress)
    name = f"{_slug(paper.title)}-{answer.today.isoformat()}.{kind}"
    with made.file as file:
        stored = file_create(stream=file, filename=name, by=user, right="custom_reports.view", limit=FILE_LIMIT)
    FileLink.objects.create(organization_id=run.organization_id, file=stored, kind=LINK, record_id=run.pk)
    run.rows, run.shown, run.file = made.rows, made.shown, stored
    run.finished_at = clock.now()
    run.expires_at = run.finished_at + KEPT
    run.save(update_fields=["rows", "shown", "file", "finished_at", "expires_at", "updated_at"])
    _note(run, made.shown)
    data = {"report": paper.title, "rows": str(made.rows), "until": run.expires_at}
    notify(
        "custom_report.sent" if run.schedule_id else "custom_report.ready",
        recipients=[user.pk],
        data=data,
        subject=("custom_report", run.pk),
    )
    return {
        "runId": str(run.pk),
        "fileId": str(stored.pk),
        "downloadUrl": f"/api/v1/dashboard/reports/runs/{run.pk}/download",
        "rows": made.rows,
        "shown": made.shown,
        "size": stored.size,
    }


def _slug(title: str) -> str:
    return "-".join(normalise("".join(c if c.isalnum() else " " for c in title)).split())[:60] or "report"


def _note(run: ReportRun, rows: int) -> None:
    """Into the audit log: who took what away."""
    changes = {"format": run.format, "filters": run.definition.get("filters", []), "rows": rows}
    record(Event(Action.EXPORT, "custom_report", str(run.report_id), changes, label=name_of(run.report)))


def follow(job: Job) -> None:
    """A run has the state of its job (`jobs.tasks.on_change`). Whoever made a schedule is told of a run that failed."""
    if job.kind != "reports.draw":
        return
    rows = ReportRun.objects.filter(job=job).exclude(status=job.status)
    run = rows.select_related("report", "schedule").first()
    if run is None:
        return
    done = {"finished_at": job.finished_at} if job.status == Job.Status.FAILED else {}
    rows.update(status=job.status, error=job.error, updated_at=clock.now(), **done)
    publish("report_run.changed", entity="custom_report", id=run.pk, users=[run.person_id])
    if job.status == Job.Status.FAILED and run.schedule is not None:
        notify(
            "custom_report.failed",
            recipients=[run.schedule.created_by_id],
            data={"report": name_of(run.report), "error": job.error},
            subject=("custom_report", run.pk),
        )


def run_file(run: ReportRun, user: User) -> StoredFile:
    """The file of one's own run. Raises IllegalTransition while there is none, and EXPIRED (410) after seven days."""
    may(user, "custom_reports.view")
    if run.person_id != user.pk:
        raise IllegalTransition(_("Everybody gets their own file: run the report yourself."), status=403, code="DENIED")
    if run.status == RunStatus.SUCCEEDED and (run.file is None or run.expires_at is None):
        raise IllegalTransition(_("The file of this run is no longer kept."), status=410, code="EXPIRED")
    if run.file is None or run.expires_at is None:
        raise IllegalTransition(_("This run has no file."))
    if run.expires_at <= clock.now():
        raise IllegalTransition(_("The file of this run is no longer kept."), status=410, code="EXPIRED")
    current = run.file.current
    if current is None or current.blob.scan_status == ScanStatus.INFECTED:
        raise IllegalTransition(_("This run has no file."))
    return run.file


def files_forget(*, now: datetime | None = None) -> int:
    """Remove files after their seven days, and runs after a year. In a platform scope; how many files."""
    now = now or clock.now()
    old = ReportRun.objects.filter(expires_at__lte=now, file__isnull=False).select_related("file")
    count = 0
    for run in list(old.order_by("expires_at")[:500]):
        with tenant(run.organization_id):
            file = run.file
            assert file is not None
            file.deleted_at = now
            file.save(update_fields=["deleted_at", "updated_at"])
            file_purge(file=file, by=None)
            ReportRun.objects.filter(pk=run.pk).update(file=None)
            count += 1
    ReportRun.objects.filter(created_at__lt=now - RUNS_KEPT, file=None).delete()
    return count
