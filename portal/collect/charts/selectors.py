"""Which views a person sees: those of the projects that they see."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from portal.collect.charts.axes import axes
from portal.collect.charts.definitions import Definition, read_definition
from portal.collect.charts.models import View
from portal.collect.forms.models import Form
from portal.collect.submissions.models import Submission
from portal.core.accounts import figures as platform
from portal.core.accounts.models import User
from portal.core.common.errors import Invalid, NotFound
from portal.core.common.text import normalise
from portal.core.projects import access


def views_seen(user: User, *, deleted: bool = False) -> QuerySet[View]:
    """Those of living projects that the person sees; `deleted`: those views, too."""
    rows: QuerySet[View] = View.objects.filter(project__deleted_at=None)
    if not deleted:
        rows = rows.filter(deleted_at=None)
    return rows if access.sees_all_projects(user) else rows.filter(project__in=access.projects_of(user))


def view_for(user: User, id: UUID) -> View:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = views_seen(user).select_related("form", "project").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such view."))
    return found


def view_list(
    *,
    user: User,
    project: UUID | None = None,
    form: UUID | None = None,
    kinds: Sequence[str] = (),
    search: str = "",
) -> QuerySet[View]:
    """Newest first. Raises NotFound for a project out of sight."""
    rows = views_seen(user)
    if project is not None:
        rows = rows.filter(project=access.project_for(user, project))
    if form is not None:
        rows = rows.filter(form=form)
    if kinds:
        rows = rows.filter(chart_type__in=kinds)
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    return rows.order_by("-created_at", "-id")


def definition_of(view: View) -> Definition:
    """As it reads on the form of today. Raises Invalid where the form no longer has what the view asks for."""
    if view.form.deleted_at is not None:
        raise Invalid.field("config.formId", _("The form of this view was deleted."))
    return read_definition(view.chart_type, view.config, axes(view.form))


def form_in(project: UUID, id: UUID) -> Form:
    """A living form of the project. Raises Invalid naming `config.formId`."""
    found = Form.objects.filter(pk=id, project=project, deleted_at=None).first()
    if found is None:
        raise Invalid.field("config.formId", _("The project has no such form."))
    return found


def submissions_of_platform(at: datetime) -> dict[UUID, platform.Submissions]:
    """`accounts.figures.Submissions` by organisation, in the platform scope, in one statement. 003 counts by
    `createdAt`, the time of capture."""
    found = (
        Submission.objects.filter(deleted_at=None)
        .order_by()
        .values("organization")
        .annotate(
            total=Count("pk"),
            last7=Count("pk", filter=Q(created_at__gt=at - timedelta(days=7), created_at__lte=at)),
            last30=Count("pk", filter=Q(created_at__gt=at - timedelta(days=30), created_at__lte=at)),
        )
    )
    return {row["organization"]: platform.Submissions(row["total"], row["last7"], row["last30"]) for row in found}
