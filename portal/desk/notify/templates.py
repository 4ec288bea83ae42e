"""Pages of message templates: the words of events, and templates of the organisation's own."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, NotFound
from portal.core.common.text import normalise
from portal.core.notifications import delivery
from portal.core.notifications import templates as texts
from portal.core.notifications.kinds import CATEGORIES
from portal.core.notifications.models import Channel
from portal.desk.notify.forms import LANGUAGES, PLACES, TemplateForm, TextForm
from portal.ui.people import may, person

MANAGE = "notifications.manage"


@require_GET
@policy(MANAGE)
def template_list(request: HttpRequest) -> HttpResponse:
    """All of them on one page: kinds are declared, so that there are a few dozen at most."""
    words = normalise(request.GET.get("q", ""))
    found = [entry for entry in texts.template_list() if words in normalise(f"{entry.name} {entry.row.key}")]
    rows = [(entry, CATEGORIES[entry.category]) for entry in found]
    return render(
        request, "desk/notify/templates.html", {"rows": rows, "q": request.GET.get("q", ""), "tab": "templates"}
    )


@require_http_methods(["GET", "POST"])
@policy(MANAGE)
def template_create(request: HttpRequest) -> HttpResponse:
    form = TemplateForm(request.POST or None, initial={"language": get_language()})
    if form.is_valid():
        said = dict(form.cleaned_data)
        said["locale"] = said.pop("language")
        try:
            entry = texts.template_create(values=said, by=person(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The template has been created. Write it in the other languages, too."))
            return redirect("notify:template", entry.row.pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/notify/template_new.html", {"form": form, "tab": "templates"}, status=status)


def _place(request: HttpRequest) -> tuple[str, str]:
    language, place = request.GET.get("language", get_language() or "en"), request.GET.get("channel", texts.ANY)
    return language if language in texts.LANGUAGES else "en", place if place in texts.PLACES else texts.ANY


@require_http_methods(["GET", "POST"])
@policy(MANAGE)
def template_edit(request: HttpRequest, template_id: UUID) -> HttpResponse:
    """One text at a time, `language` and `channel` say which."""
    entry = texts.template_get(id=template_id)
    language, place = _place(request)
    words = entry.row.texts.get(language, {}).get(place, {})
    form = TextForm(request.POST or None, initial={**words, "version": entry.row.version})
    if form.is_valid():
        said = {name: form.cleaned_data[name] for name in ("subject", "body")}
        try:
            texts.template_update(
                id=template_id,
                changes={"texts": {language: {place: said}}},
                by=person(request),
                version=form.cleaned_data["version"],
            )
        except DomainError as refusal:
            for error in refusal.errors:
                field = error.field.rpartition(".")[2]
                form.add_error(field if field in form.fields else None, error.message)
            if not refusal.errors:
                form.add_error(None, str(refusal.message))
        else:
            messages.success(request, _("The text has been saved."))
            return redirect(f"{reverse('notify:template', args=[template_id])}?language={language}&channel={place}")
    context = {
        "entry": entry,
        "form": form,
        "language": language,
        "place": place,
        "tongues": [(code, name, code in entry.row.texts) for code, name in LANGUAGES],
        "places": [(code, name, code in entry.row.texts.get(language, {})) for code, name in PLACES],
        "preview": _preview(entry, language, place, words or None),
        "category": CATEGORIES[entry.category],
        "may_delete": may(request, "notifications.delete"),
        "tab": "templates",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "desk/notify/template.html", context, status=status)


def _preview(entry: texts.Entry, language: str, place: str, words: dict[str, str] | None) -> dict[str, str]:
    row = entry.row
    shown: Any = {language: {place: words}} if words else row.texts
    channel = place if place in Channel.values else Channel.EMAIL
    return texts.preview(texts=shown, variables=row.variables, data={}, language=language, channel=channel)


@require_POST
@policy(MANAGE)
def template_preview(request: HttpRequest, template_id: UUID) -> HttpResponse:
    """The words in the form, with example values, as they are typed."""
    entry = texts.template_get(id=template_id)
    language, place = _place(request)
    words = {name: request.POST.get(name, "")[: texts.LONGEST_BODY] for name in ("subject", "body")}
    context = {"preview": _preview(entry, language, place, words), "language": language}
    return render(request, "desk/notify/template.html#preview", context)


@require_POST
@policy(MANAGE)
def template_test(request: HttpRequest, template_id: UUID) -> HttpResponse:
    delivery.try_out(user=person(request), template=texts.template_get(id=template_id), data={})
    messages.success(request, _("A test has been sent to your own address."))
    return redirect("notify:template", template_id)


@require_POST
@policy(MANAGE)
def template_restore(request: HttpRequest, template_id: UUID) -> HttpResponse:
    try:
        texts.template_restore(id=template_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("The shipped texts are in force again."))
    return redirect("notify:template", template_id)


@require_POST
@policy("notifications.delete")
def template_delete(request: HttpRequest, template_id: UUID) -> HttpResponse:
    try:
        texts.template_delete(id=template_id, by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("The template has been deleted."))
    return redirect("notify:templates")
