"""What pages answer with: messages after a service's refusal, the status of a form, a page of the history."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
from django import forms
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.core.common.errors import DomainError, NotFound
from portal.ui.trail import tell
from portal.ui.undo import undoable

HISTORY_PAGE = 50


def form_status(form: forms.BaseForm) -> HTTPStatus:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK


def history(request: HttpRequest, entries: QuerySet[Any]) -> dict[str, Any]:
    """A page of audit entries in the reader's words."""
    page: Page[Any] = Paginator(entries, HISTORY_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "told": tell(page.object_list)}


def refused(work: Callable[[], object]) -> DomainError | None:
    """Why a service refused, for a page that says so; what does not exist for the person stays 404."""
    try:
        work()
    except NotFound:
        raise
    except DomainError as refusal:
        return refusal
    return None


def refusal_text(refusal: DomainError) -> str:
    return refusal.errors[0].message if refusal.errors else str(refusal.message)


def toast(response: HttpResponse, text: str, level: str) -> HttpResponse:
    said = {"marsad:toast": {"text": text, "level": level}}
    # header values are Latin-1: everything else as \u escapes
    response.headers["HX-Trigger"] = orjson.dumps(said).decode().encode("ascii", "backslashreplace").decode()
    return response


def back(
    request: HttpRequest,
    refusal: DomainError | None,
    done: str,
    url: str,
    *args: UUID,
    undo: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """To the page that shows what became of it. `undo`: what to post to this same address to take it back."""
    if refusal is not None:
        messages.error(request, refusal_text(refusal))
    elif undo:
        undoable(request, done, url=request.path, fields=undo)
    else:
        messages.success(request, done)
    return redirect(url, *args)
