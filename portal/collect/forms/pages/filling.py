"""The page on which people fill a form in, and the same for a draft, which leaves nothing behind."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.collect.forms import selectors
from portal.collect.forms.models import Form
from portal.collect.forms.pages.answers import FILES, Posted
from portal.collect.forms.pages.asking import Asker, language_for, starting
from portal.collect.language import Fault, Field, Schema, read_schema
from portal.collect.submissions import receiving
from portal.core.accounts.policy import policy
from portal.core.common import clock
from portal.core.common.errors import DomainError, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.files import selectors as files
from portal.core.files.services import file_link
from portal.ui.people import person


def zone() -> tzinfo:
    """The organisation's, which the middleware has made the current one."""
    return timezone.get_current_timezone()


def ground() -> dict[str, str]:
    """What maps lie on, where the installation names a server of tiles."""
    return {"tiles": settings.TILES, "credit": settings.TILES_CREDIT}


@require_http_methods(["GET", "POST"])
@policy("submissions.create")
def form_fill(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """A submission of one's own. A page that is sent twice arrives once: it carries the submission's id."""
    form = selectors.form_for(person(request), form_id)
    if not form.published:
        raise NotFound(_("There is no such form."))
    schema = selectors.compiled(form.pk, form.version)
    return _answer(request, form, schema, draft=False)


@require_http_methods(["GET", "POST"])
@policy("forms.edit")
def form_try(request: HttpRequest, form_id: UUID) -> HttpResponse:
    """The draft, or the form as it is, as people in the field will see it; nothing is stored."""
    form = selectors.form_for(person(request), form_id)
    return _answer(request, form, read_schema(form.draft or form.schema_text), draft=True)


def _answer(request: HttpRequest, form: Form, schema: Schema, *, draft: bool) -> HttpResponse:
    by, where = person(request), zone()
    context: dict[str, Any] = {"form": form, "draft": draft, **ground()}
    language = language_for(schema, request.GET.get("language"))
    if request.method == "GET":
        context |= {"local": str(uuid4()), "started": clock.wire(clock.now())}
        asker = Asker(schema, language, where, by)
        return _show(request, context, asker, starting(schema.top, where))
    posted = Posted(request.POST, request.FILES, where, by, keep=not draft)
    answers = posted.read(schema.top)
    context |= {"local": request.POST.get("local", ""), "started": request.POST.get("started", "")}
    if any(key in request.POST for key in ("add", "remove", "again")):
        return _show(request, context, Asker(schema, language, where, by, refusals=posted.refusals), answers)
    checked = schema.evaluate(answers, now=clock.now(), time_zone=str(where))
    # what is not asked any more was hidden from the person, or would have been with a script
    faults = [fault for fault in checked.faults if fault.rule != "NOT_RELEVANT"]
    if not faults and not posted.refusals:
        if draft:
            return _show(request, context | {"accepted": checked.answers}, Asker(schema, language, where, by), answers)
        if (refusal := _send(form, schema, checked.answers, request)) is None:
            messages.success(request, _("Your answers have been sent."))
            return redirect(_after(request, form))
        faults = [Fault(error.field, error.rule, error.message) for error in refusal.errors]
        faults = faults or [Fault("", refusal.code, str(refusal.message))]
    asker = Asker(schema, language, where, by, faults, posted.refusals)
    return _show(request, context, asker, answers, status=422)


def _show(
    request: HttpRequest, context: dict[str, Any], asker: Asker, answers: dict[str, Any], status: int = 200
) -> HttpResponse:
    page = asker.page(answers)
    return render(request, "collect/forms/fill.html", {**context, "page": page}, status=status)


def _send(form: Form, schema: Schema, answers: dict[str, Any], request: HttpRequest) -> DomainError | None:
    local = parse_uuid(request.POST.get("local"))
    data = {
        "formId": str(form.pk),
        "formVersion": form.version,
        "answers": answers,
        "localSyncId": str(local or uuid4()),
        "startedAt": wire if clock.parse_moment(wire := request.POST.get("started")) else None,
    }
    try:
        stored, _new = receiving.submission_create(data=data, by=person(request))
        for id in _files(schema.top, answers):
            with suppress(DomainError):  # one that the person may no longer touch stays without its link
                file = files.file_get(id=id, user=person(request))
                file_link(file=file, kind="submission", record=stored["id"], by=person(request))
    except NotFound:
        raise
    except DomainError as refusal:
        return refusal
    return None


def _files(fields: Sequence[Field], answers: Mapping[str, Any]) -> Iterator[UUID]:
    """The files that answers name."""
    for item in fields:
        if item.type == "group":
            yield from _files(item.children, answers)
        elif item.type == "repeat":
            for entry in answers.get(item.id, ()):
                yield from _files(item.children, entry)
        elif item.type in FILES and (id := parse_uuid(answers.get(item.id))):
            yield id


def _after(request: HttpRequest, form: Form) -> str:
    if "another" in request.POST:
        return reverse("collect:form_fill", args=[form.pk])
    return reverse("collect:form_detail", args=[form.pk])
