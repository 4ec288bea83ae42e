"""Writing views, and asking for their figures.

`data` is the wire's: camelCase, absent fields stay as they are, null clears.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import models, transaction
from django.utils.translation import gettext as _

from portal.collect.charts import selectors
from portal.collect.charts.axes import axes
from portal.collect.charts.choices import AGGREGATION_ALIASES
from portal.collect.charts.definitions import Definition, read_chart, read_definition
from portal.collect.charts.figures import view_data
from portal.collect.charts.models import View
from portal.collect.forms.services import document
from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import Conflict, Errors, Invalid
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.notifications.events import publish
from portal.core.projects import access
from portal.core.sync.records import may, to_restore
from portal.core.tenancy import scope

NAME_LENGTH: Final = 200
TEXT_LENGTH: Final = 20_000
CONFIG_LENGTH: Final = 65_536


@transaction.atomic
def view_create(*, data: Mapping[str, Any], by: User) -> View:
    """A view of `projectId` on the form `config.formId`. Raises Invalid naming field and mistake, NotFound."""
    may(by, "views.edit")
    project = _project(data, by)
    view = View(organization_id=scope.organization_id(), project_id=project, created_by=by)
    if "name" not in data:
        raise Invalid.field("name", _("This field is required."))
    _take(view, data)
    view.save(force_insert=True)
    _tell(view)
    return view


@transaction.atomic
def view_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> View:
    """The project stays. Raises Invalid, VERSION_CONFLICT, NotFound."""
    may(by, "views.edit")
    view = held(selectors.view_for(by, id), version)
    _take(view, data)
    view.version += 1
    view.save()
    _tell(view)
    return view


@transaction.atomic
def view_delete(*, id: UUID, by: User, version: int | None = None) -> None:
    """Soft; it leaves the dashboards that it stands on. Raises VERSION_CONFLICT, NotFound."""
    may(by, "views.delete")
    view = held(selectors.view_for(by, id), version)
    view.widgets.all().delete()
    view.deleted_at, view.deleted_by = clock.now(), by
    view.version += 1
    view.save()
    _tell(view)


@transaction.atomic
def view_restore(*, id: UUID, by: User) -> View:
    """Not to the dashboards that it stood on: their places may be taken. Raises Denied, NotFound."""
    view = to_restore(selectors.views_seen(by, deleted=True), id=id, by=by, right="views.delete")
    if view.deleted_at is not None:
        view.deleted_at = view.deleted_by = None
        view.version += 1
        view.save()
        _tell(view)
    return view


def preview(*, data: Mapping[str, Any], by: User) -> tuple[dict[str, Any], Definition]:
    """The figures of a view that is not stored. Raises Invalid, NotFound for a project out of sight."""
    project = _project(data, by)
    config = read_config(data.get("config"))
    form = selectors.form_in(project, _form(config))
    definition = read_definition(data.get("chartType"), config, axes(form))
    return view_data(definition=definition, form=form), definition


def exported(view: View, *, kind: str) -> None:
    """Put into the audit log that the person in force took the figures of a view away."""
    record(Event(Action.EXPORT, "view", str(view.pk), {"format": kind}, label=view.name))


def held[M: models.Model](row: M, version: int | None) -> M:
    """The row, locked and read again. Raises VERSION_CONFLICT where it is not the one of `version`."""
    model = type(row)
    fresh = model._base_manager.select_for_update(no_key=True).get(pk=row.pk)
    if version is not None and version != fresh.version:  # type: ignore[attr-defined]
        message = _("This record has been changed in the meantime.")
        raise Conflict(message, meta={"version": fresh.version})  # type: ignore[attr-defined]
    return fresh


def read_words(row: Any, data: Mapping[str, Any], errors: Errors) -> None:
    """`name`, `description` and `metadata` of a view or a dashboard."""
    if "name" in data:
        said = data["name"]
        row.name = " ".join(said.split()) if isinstance(said, str) else ""
        if not row.name or "\0" in row.name:
            errors.add("name", _("This field is required."))
        elif len(row.name) > NAME_LENGTH:
            errors.add("name", _("Must have at most %(limit)d characters.") % {"limit": NAME_LENGTH})
    if "description" in data:
        said = data["description"] or ""
        if not isinstance(said, str) or len(said) > TEXT_LENGTH or "\0" in said:
            errors.add("description", _("A text of at most %(limit)s characters.") % {"limit": TEXT_LENGTH})
        else:
            row.description = said.strip()
    if "metadata" in data:
        row.metadata = document(data["metadata"], "metadata", errors)
    row.search_text = normalise(f"{row.name}\n{row.description[:2000]}")


def read_config(said: Any) -> dict[str, Any]:
    """An object, or one as text (C47), its aggregation by its canonical name. Raises Invalid."""
    if isinstance(said, str):
        try:
            said = orjson.loads(said)
        except ValueError:
            raise Invalid.field("config", _("This is not valid JSON.")) from None
    if not isinstance(said, Mapping):
        raise Invalid.field("config", _("Enter an object."))
    if len(orjson.dumps(said, default=float, option=orjson.OPT_NON_STR_KEYS)) > CONFIG_LENGTH:
        raise Invalid.field("config", _("These details are too long."))
    aggregation = said.get("aggregation")
    if isinstance(aggregation, str) and aggregation in AGGREGATION_ALIASES:
        return {**said, "aggregation": str(AGGREGATION_ALIASES[aggregation])}
    return dict(said)


def _take(view: View, data: Mapping[str, Any]) -> None:
    errors = Errors()
    read_words(view, data, errors)
    if view._state.adding or "chartType" in data or "config" in data:
        try:
            view.chart_type = read_chart(data.get("chartType", view.chart_type))
            view.config = read_config(data.get("config", view.config))
            view.form = selectors.form_in(view.project_id, _form(view.config))
            view.config["formId"] = str(view.form.pk)
            read_definition(view.chart_type, view.config, axes(view.form))
        except Invalid as refusal:
            errors.items += refusal.errors
    errors.raise_any()


def _form(config: Mapping[str, Any]) -> UUID:
    found = parse_uuid(config.get("formId"))
    if found is None:
        raise Invalid.field("config.formId", _("Must be a UUID."))
    return found


def _project(data: Mapping[str, Any], by: User) -> UUID:
    found = parse_uuid(data.get("projectId"))
    if found is None:
        raise Invalid.field("projectId", _("Must be a UUID."))
    return access.project_for(by, found).pk


def _tell(view: View) -> None:
    publish("view.changed", entity="view", id=view.pk, data={"projectId": str(view.project_id)})
