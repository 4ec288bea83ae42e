"""The page of the global search, which is the box of Ctrl-K too."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from portal.core.accounts.policy import signed_in
from portal.ui import search
from portal.ui.people import person


@require_GET
@signed_in
def results(request: HttpRequest) -> HttpResponse:
    text = " ".join(request.GET.get("q", "").replace("\0", " ").split())[: search.LONGEST]
    groups = search.find(person(request), text)
    context = {
        "text": text,
        "groups": groups,
        "count": sum(len(group.hits) for group in groups),
        "more": any(group.more for group in groups),
        "short": len(text) < search.SHORTEST,
    }
    fragment = bool(request.htmx) and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    response = render(request, "desk/search/box.html" if fragment else "desk/search/page.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response
