"""Help: what terms mean, the keys, and the first steps of a new organisation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from portal.core.accounts.policy import signed_in
from portal.desk.guide import steps
from portal.ui.help import TERMS
from portal.ui.people import person


@require_GET
@signed_in
def help_page(request: HttpRequest) -> HttpResponse:
    user = person(request)
    todo = steps.steps(user)
    done = sum(step.done for step in todo)
    context = {"done": done, "terms": TERMS.items(), "steps": todo, "away": bool(todo) and steps.put_away(user)}
    return render(request, "desk/guide/help.html", context)


@require_POST
@signed_in
def start_put(request: HttpRequest) -> HttpResponse:
    """`away`: the steps leave the home page; without it they come back."""
    user, away = person(request), "away" in request.POST
    if user.organization_id is not None:
        steps.put(user, away=away)
    return redirect("home")
