"""Which forms a person sees, and the schemas that answers are checked against."""

from functools import lru_cache
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.collect.forms.models import Form, FormVersion
from portal.collect.language import Schema, read_schema
from portal.core.accounts.models import User
from portal.core.common.errors import NotFound
from portal.core.common.text import normalise
from portal.core.projects import access


def forms_seen(user: User, *, deleted: bool = False) -> QuerySet[Form]:
    """Forms of the living projects that the person sees; drafts only for whoever designs forms. `deleted`: those forms,
    too."""
    rows: QuerySet[Form] = Form.objects.filter(project__deleted_at=None)
    if not deleted:
        rows = rows.filter(deleted_at=None)
    if not access.sees_all_projects(user):
        rows = rows.filter(project__in=access.projects_of(user))
    return rows if user.has_permission("forms.edit") else rows.filter(version__gt=0)


def form_for(user: User, id: UUID) -> Form:
    """Raises NotFound for an unknown, deleted, foreign or unseen one."""
    found = forms_seen(user).select_related("project").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such form."))
    return found


def form_list(
    *, user: User, project: UUID | None = None, active_only: bool = False, search: str = ""
) -> QuerySet[Form]:
    """Forms, newest first. Raises NotFound for a project out of sight."""
    rows = forms_seen(user)
    if project is not None:
        rows = rows.filter(project=access.project_for(user, project))
    if active_only:
        rows = rows.filter(is_active=True, version__gt=0)
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    return rows.order_by("-created_at", "-id")


def form_versions(*, form: Form) -> QuerySet[FormVersion]:
    return FormVersion.objects.filter(form=form).order_by("-version")


@lru_cache(maxsize=512)
def compiled(form: UUID, version: int) -> Schema:
    """The schema of a published version, compiled once: a version never changes. Raises FormVersion.DoesNotExist."""
    text = FormVersion.objects.values_list("schema_text", flat=True).get(form=form, version=version)
    return read_schema(text)
