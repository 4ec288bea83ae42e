"""The builder: the questions, the panel of one of them, the preview. Every step saves the draft or is refused whole."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.collect.forms import selectors, services, workbooks
from portal.collect.forms.models import Form
from portal.collect.forms.pages import editing
from portal.collect.forms.pages.asking import Asker, language_for, language_name, starting
from portal.collect.forms.pages.filling import ground, zone
from portal.collect.forms.pages.palette import PALETTE
from portal.collect.forms.pages.views import frame
from portal.collect.language import Schema, read_schema
from portal.collect.language.kinds import BOUND_BY
from portal.collect.language.schema import CHOOSING
from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.common.errors import DomainError, Invalid, NotFound
from portal.ui.people import person


def _raw(form: Form) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(form.draft or form.schema_text or '{"fields": []}')
    return found


@require_GET
@policy("forms.edit")
def form_builder(request: HttpRequest, form_id: UUID) -> HttpResponse:
    form = selectors.form_for(person(request), form_id)
    context = _context(request, form, request.GET.get("field", "")) | frame(request, form, "builder") | ground()
    return render(request, "collect/forms/builder.html", context)


def _context(request: HttpRequest, form: Form, chosen: str) -> dict[str, Any]:
    raw = _raw(form)
    schema = read_schema(raw)
    return {
        "form": form,
        "rows": list(_rows(schema, chosen)),
        "types": [(key, *look) for key, look in PALETTE.items()],
        "panel": _panel(raw, schema, chosen) if chosen and schema.field(chosen) else None,
        "chosen": chosen,
        "page": _preview(request, schema),
    }


def _rows(schema: Schema, chosen: str) -> Any:
    depth: dict[str | None, int] = {None: 0}
    for item in schema.fields():
        depth[item.id] = depth[item.group] + 1
        word, icon = PALETTE[item.type]
        yield {
            "id": item.id,
            "label": item.text(),
            "word": word,
            "icon": icon,
            "depth": depth[item.group],
            "holds": item.type in ("group", "repeat"),
            "empty": not item.children,
            "required": bool(item.required),
            "conditional": item.relevant is not None,
            "chosen": item.id == chosen,
        }


def _preview(request: HttpRequest, schema: Schema) -> Any:
    language = language_for(schema, request.GET.get("language") or request.POST.get("language"))
    return Asker(schema, language, zone(), person(request)).page(starting(schema.top, zone()))


def _panel(raw: dict[str, Any], schema: Schema, id: str) -> dict[str, Any]:
    """The fields of the panel; each wording once for each language."""
    item = schema.by_id[id]
    base = str(raw.get("defaultLanguage") or "en")
    languages = editing.languages_of(raw)
    data = item.data
    choices = [
        {
            "value": choice.value,
            "labels": [(code, editing.words_in(choice.label, code, base)) for code in languages],
            "filter": choice.offered.source if choice.offered else editing.filter_text(choice.columns),
        }
        for choice in item.choices
    ]
    blank = {"value": "", "labels": [(code, "") for code in languages], "filter": ""}
    return {
        "field": item,
        "word": PALETTE[item.type][0],
        "languages": [
            {
                "code": code,
                "name": language_name(code),
                "direction": "rtl" if code in ("ar", "fa", "ur", "he") else "ltr",
                **{key: editing.words_in(data.get(key), code, base) for key in editing.WORDS},
            }
            for code in languages
        ],
        "required_if": data["required"] if isinstance(data.get("required"), str) else "",
        "bounded": item.type in BOUND_BY,
        "patterned": item.type in ("text", "barcode"),
        "choosing": item.type in CHOOSING,
        "asks": item.type not in ("note", "group", "calculate"),
        "defaults": item.type not in ("photo", "file", "signature", "geotrace", "geoshape", "geopoint", "note", "group",
                                      "repeat", "calculate"),
        "choices": [*choices, blank],
        "default": ", ".join(data["default"]) if isinstance(data.get("default"), list) else data.get("default", ""),
        "others": [(other.id, other.text()) for other in schema.fields() if other.answers and other.id != id],
    }  # fmt: skip


@require_GET
@policy("forms.edit")
def builder_panel(request: HttpRequest, form_id: UUID, field: str) -> HttpResponse:
    """The panel of one question, for the script; without it, the builder with the panel open."""
    form = selectors.form_for(person(request), form_id)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(_url(form_id, field))
    raw = _raw(form)
    schema = read_schema(raw)
    if schema.field(field) is None:
        raise NotFound(_("There is no such question."))
    rows = list(_rows(schema, field))
    context = {"form": form, "panel": _panel(raw, schema, field), "rows": rows, "chosen": field}
    return render(request, "collect/forms/builder_panel.html", context)


def _url(form_id: UUID, field: str = "") -> str:
    return reverse("collect:form_builder", args=[form_id]) + (f"?field={field}" if field else "")


@transaction.atomic
def _step(
    request: HttpRequest, form_id: UUID, work: Callable[[dict[str, Any]], str | None], *, panel: bool = True
) -> HttpResponse:
    """Do something to the draft and show what has become of it; refused, nothing is saved and the reason is told.

    `work` answers the id of the question whose panel is open then. `panel=False` leaves the open panel alone, since
    somebody is writing in it.
    """
    form = services.draft_hold(id=form_id, by=person(request))
    before = form.draft or form.schema_text
    raw = _raw(form)
    try:
        chosen = work(raw) or ""
        text = orjson.dumps(raw).decode()
        if text != before:
            form = services.draft_save(id=form_id, schema=text, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        return _refused(request, form, refusal)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(_url(form_id, chosen))
    context = _context(request, form, chosen) | {
        "saved": timezone.localtime(clock.now()).strftime("%H:%M:%S"),
        "before": before,
        "stepped": True,
        "with_panel": panel,
    }
    return render(request, "collect/forms/builder_parts.html", context)


def _refused(request: HttpRequest, form: Form, refusal: DomainError) -> HttpResponse:
    said = [error.message for error in refusal.errors] or [str(refusal.message)]
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "collect/forms/builder_state.html", {"form": form, "faults": said}, status=422)
    for message in said:
        messages.error(request, message)
    return redirect(_url(form.pk, request.POST.get("field", "")))


@require_POST
@policy("forms.edit")
def builder_add(request: HttpRequest, form_id: UUID) -> HttpResponse:
    kind, after = request.POST.get("type", ""), request.POST.get("after", "")
    return _step(request, form_id, lambda raw: editing.add(raw, kind, after))


@require_POST
@policy("forms.edit")
def builder_field(request: HttpRequest, form_id: UUID, field: str) -> HttpResponse:
    """What the panel says, kept at every change."""
    renamed = request.POST.get("id", field).strip() != field
    full = renamed or bool(request.POST.get("paste", "").strip()) or "rows" in request.POST
    return _step(request, form_id, lambda raw: editing.change(raw, field, request.POST), panel=full)


@require_POST
@policy("forms.edit")
def builder_move(request: HttpRequest, form_id: UUID, field: str) -> HttpResponse:
    way, target = request.POST.get("way", ""), request.POST.get("target", "")
    chosen = request.POST.get("chosen", "")

    def work(raw: dict[str, Any]) -> str:
        editing.move(raw, field, way, target)
        return chosen

    return _step(request, form_id, work, panel=False)


@require_POST
@policy("forms.edit")
def builder_remove(request: HttpRequest, form_id: UUID, field: str) -> HttpResponse:
    def work(raw: dict[str, Any]) -> str:
        editing.remove(raw, field)
        return ""

    return _step(request, form_id, work)


@require_POST
@policy("forms.edit")
def builder_duplicate(request: HttpRequest, form_id: UUID, field: str) -> HttpResponse:
    return _step(request, form_id, lambda raw: editing.duplicate(raw, field))


@require_POST
@policy("forms.edit")
def builder_undo(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """The schema as it was before a step, as the page kept it."""

    def work(raw: dict[str, Any]) -> str:
        try:
            before = orjson.loads(request.POST.get("schema", ""))
        except ValueError:
            raise Invalid.field("schema", _("The schema is not valid JSON.")) from None
        raw.clear()
        raw.update(before if isinstance(before, dict) else {})
        return ""

    return _step(request, form_id, work)


@require_POST
@policy("forms.edit")
def builder_discard(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """Back to the published form."""
    services.draft_discard(id=form_id, by=person(request))
    messages.success(request, _("The draft has been discarded."))
    return redirect(_url(form_id))


@require_POST
@policy("forms.edit")
def builder_workbook(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """A workbook in place of the draft."""
    form = selectors.form_for(person(request), form_id)
    upload = request.FILES.get("file")
    try:
        if upload is None:
            raise Invalid.field("file", _("Choose a file."))
        left_out = workbooks.workbook_replace(id=form_id, file=upload, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        for error in refusal.errors[:20]:
            messages.error(request, error.message)
        return redirect(_url(form.pk))
    for problem in left_out[:20]:
        messages.warning(request, _("Left out: %(problem)s") % {"problem": problem})
    messages.success(request, _("The draft is now what the workbook says."))
    return redirect(_url(form.pk))
