"""Forms from XLSForm workbooks and back, for pages and API alike."""

import re
from typing import IO
from uuid import UUID

from django.utils.translation import gettext as _

from portal.collect.forms import selectors, services
from portal.collect.forms.models import Form
from portal.collect.language import read_schema
from portal.collect.language.xlsform import Problem, read_workbook, write_workbook
from portal.core.accounts.models import User
from portal.core.common.errors import Invalid
from portal.core.common.text import normalise


def workbook_import(
    *,
    file: IO[bytes],
    filename: str,
    project: object,
    by: User,
    name: str = "",
    description: str = "",
    publish: bool = True,
) -> tuple[Form, list[Problem]]:
    """A form of what a workbook says, and what of the workbook a form cannot have. Its name is `name`, else the
    workbook's title, else that of the file. Raises Invalid with sheet, row and column, NotFound for the project."""
    made = read_workbook(file)
    form = services.form_create(
        data={
            "projectId": project,
            "name": (name or made.title or re.sub(r"\.xlsx$", "", filename, flags=re.IGNORECASE))[:200],
            "description": description,
            "schema": made.schema,
            "publish": publish,
        },
        by=by,
    )
    return form, made.left_out


def workbook_replace(*, id: UUID, file: IO[bytes], by: User) -> list[Problem]:
    """A workbook in place of the form's draft; what was left out. Raises Invalid, NotFound."""
    made = read_workbook(file)
    services.draft_save(id=id, schema=made.schema, by=by)
    return made.left_out


def workbook_export(*, form: Form, draft: bool = False) -> tuple[str, bytes]:
    """File name and bytes of an .xlsx with the published schema; with `draft`, or never published, the draft."""
    text = (form.draft if draft or not form.published else "") or form.schema_text
    schema = read_schema(text) if draft or not form.published else selectors.compiled(form.pk, form.version)
    if not list(schema.fields()):
        raise Invalid.field("schema", _("The form asks nothing yet."))
    name = re.sub(r"[^\w-]+", "_", normalise(form.name))[:80].strip("_") or "form"
    return f"{name}.xlsx", write_workbook(schema, title=form.name)
