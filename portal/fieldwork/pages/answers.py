"""What the pages of this room answer with beside what all pages do (`portal.ui.answers`): lists as files."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from portal.core.accounts.policy import request_actor
from portal.core.common.errors import NotFound
from portal.core.common.sheets import TYPES
from portal.core.tenancy import scope
from portal.fieldwork import exports
from portal.ui.answers import back, form_status, history, refusal_text, refused, toast
from portal.ui.filters import used
from portal.ui.people import person

__all__ = ["back", "export", "form_status", "history", "refusal_text", "refused", "toast"]


def export(
    request: HttpRequest, kind: str, rows: QuerySet[Any], columns: Sequence[exports.Column], *, entity: str, title: str
) -> HttpResponseBase:
    """A list as a file of `kind`, noted in the audit log with its filters."""
    if kind not in ("csv", "xlsx"):
        raise NotFound(_("There is no such format."))
    exports.noted(entity=entity, kind=kind, filters=used(request.GET))
    headers = {"Content-Disposition": f'attachment; filename="{entity}s.{kind}"', "Cache-Control": "private, no-store"}
    if kind == "xlsx":
        return FileResponse(exports.as_xlsx(rows, columns, title=title), content_type=TYPES[kind], headers=headers)
    by = request_actor(request, user=person(request))
    content = exports.as_csv(rows, columns, by=by, organization=scope.organization_id())
    return StreamingHttpResponse(content, content_type=TYPES[kind], headers=headers)
