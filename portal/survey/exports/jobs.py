"""Large files of surveys, made in the background."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.files.exports import export_keep
from portal.core.jobs.tasks import Running, job
from portal.survey.exports import features
from portal.survey.pages import selectors


@job(name="survey.export", title=gettext_lazy("Export of survey sessions"), retry=2, queue="reports")
def export(running: Running, *, kind: str, filters: Mapping[str, Any]) -> dict[str, Any]:
    """A file of `kind` of the sessions that match `filters` (those of the list) and that the person sees."""
    user = User.objects.select_related("organization", "role").get(pk=running.by.user or "")
    rows = selectors.session_list(user=user, **filters)
    total = features.count(rows)
    file, written = features.survey_file(rows, kind=kind, progress=lambda done: running.progress(done, max(total, 1)))
    with file:
        return export_keep(
            file=file, filename=f"survey.{features.suffix(kind)}", by=user, right="sessions.export", rows=written
        )
