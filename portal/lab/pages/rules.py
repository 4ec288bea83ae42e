"""Pages of what an organisation decides about verdicts: its standards side by side, its choice, re-evaluations."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import Conflict, DomainError, Invalid
from portal.core.jobs.models import Job
from portal.lab import decisions, jobs, reevaluation, selectors
from portal.lab.choices import CensoredMembers, DecisionRule, StandardRole
from portal.lab.models import Reevaluation
from portal.lab.pages.lists import CompareFilter, CompareTable, ReevaluationTable, compared_columns
from portal.lab.pages.rule_forms import ReasonForm, RulesForm
from portal.lab.pages.wording import RULES
from portal.lab.reports.wording import plain
from portal.ui.lists import Empty, list_page
from portal.ui.people import may, person


@require_GET
@policy("parameters.view")
def standard_compare(request: HttpRequest) -> HttpResponse:
    """Parameters with the limits of every standard beside each other, on one day, in one kind of water."""
    filters = CompareFilter(request.GET, queryset=selectors.parameter_list(), request=request)
    return list_page(
        request,
        queryset=selectors.parameter_list(),
        table=CompareTable,
        filterset=CompareFilter,
        template="lab/rules/compare.html",
        list_id="comparison",
        caption=_("Standards side by side"),
        empty=Empty(title=_("No parameters"), icon="scale"),
        table_kwargs={"extra_columns": compared_columns(filters)},
    )


@require_http_methods(["GET", "POST"])
@policy("parameters.manage")
def standard_choice(request: HttpRequest) -> HttpResponse:
    """Which standards count, in which role and order, and by which rules; saving shows first what would change."""
    held = decisions.current()
    standards, form = held["standards"], RulesForm(initial=_initial(held))
    if request.method == "POST":
        standards, form = _ordered(request.POST, held["standards"]), RulesForm(request.POST)
        if "move" in request.POST:
            form = RulesForm(initial={name: request.POST.get(name, "") for name in RulesForm.base_fields})
        elif form.is_valid():
            try:
                return _propose(request, _proposal(form, standards), form.cleaned_data["reason"])
            except DomainError as refusal:
                form.refuse(refusal)
    names: dict[str, Any] = {row.key: row for row in selectors.standard_list()}  # the newest edition's
    rows = [
        {"key": row["key"], "role": row["role"], "standard": names[row["key"]], "place": place}
        for place, row in enumerate(standards, 1)
    ]
    context = {"form": form, "rows": rows, "roles": StandardRole.choices, "rules": RULES}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "lab/rules/choice.html", context, status=status)


@require_http_methods(["GET", "POST"])
@policy("standards.edit")
def reevaluation_list(request: HttpRequest) -> HttpResponse:
    """What was re-evaluated; posting a reason counts what the rules in force would change now."""
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _propose(request, {}, form.cleaned_data["reason"])
    return list_page(
        request,
        queryset=selectors.reevaluation_list(),
        table=ReevaluationTable,
        template="lab/rules/reevaluations.html",
        list_id="reevaluations",
        caption=_("Re-evaluations"),
        empty=Empty(
            title=gettext_lazy("No re-evaluations yet"),
            text=gettext_lazy(
                "New results follow the rules in force. Results that are there keep their verdicts until you count what"
                " would change, and agree."
            ),
            icon="refresh",
        ),
        context={"form": form},
    )


@require_GET
@policy("standards.edit")
def reevaluation_detail(request: HttpRequest, reevaluation_id: UUID) -> HttpResponse:
    row = reevaluation.reevaluation_get(id=reevaluation_id)
    return render(request, "lab/rules/reevaluation.html", _shown(request, row))


@require_GET
@policy("standards.edit")
def reevaluation_live(request: HttpRequest, reevaluation_id: UUID) -> HttpResponse:
    """The part of the page that moves while a worker counts or writes."""
    row = reevaluation.reevaluation_get(id=reevaluation_id)
    return render(request, "lab/rules/reevaluation.html#reevaluation", _shown(request, row))


@require_POST
@policy("standards.edit")
def reevaluation_confirm(request: HttpRequest, reevaluation_id: UUID) -> HttpResponse:
    try:
        reevaluation.reevaluation_confirm(id=reevaluation_id, by=person(request), run=jobs.reevaluation_run)
    except Conflict as refusal:
        messages.error(request, str(refusal.message))
    return redirect("lab:reevaluation_detail", reevaluation_id)


@require_POST
@policy("standards.edit")
def reevaluation_resume(request: HttpRequest, reevaluation_id: UUID) -> HttpResponse:
    try:
        reevaluation.reevaluation_resume(id=reevaluation_id, by=person(request), run=jobs.reevaluation_run)
    except Conflict as refusal:
        messages.error(request, str(refusal.message))
    return redirect("lab:reevaluation_detail", reevaluation_id)


@require_POST
@policy("standards.edit")
def reevaluation_cancel(request: HttpRequest, reevaluation_id: UUID) -> HttpResponse:
    try:
        reevaluation.reevaluation_cancel(id=reevaluation_id, by=person(request))
    except Conflict as refusal:
        messages.error(request, str(refusal.message))
    return redirect("lab:reevaluation_detail", reevaluation_id)


@require_POST
@policy("standards.edit")
def reevaluation_again(request: HttpRequest, reevaluation_id: UUID) -> HttpResponse:
    """Count the same proposal anew, since rules have changed."""
    row = reevaluation.reevaluation_get(id=reevaluation_id)
    if row.state == Reevaluation.State.READY:
        reevaluation.reevaluation_cancel(id=reevaluation_id, by=person(request))
    return _propose(request, row.proposal, row.reason)


def _propose(request: HttpRequest, proposal: dict[str, Any], reason: str) -> HttpResponse:
    row = reevaluation.reevaluation_propose(
        proposal=proposal, reason=reason, by=person(request), count=jobs.reevaluation_count
    )
    return redirect("lab:reevaluation_detail", row.pk)


def _initial(held: dict[str, Any]) -> dict[str, Any]:
    share = plain(float(held["warningShare"]) * 100)
    return {
        "decision_rule": held["decisionRule"],
        "warning_share": share,
        "censored_members": held["censoredMembers"],
    }


def _ordered(data: QueryDict, known: list[dict[str, str]]) -> list[dict[str, str]]:
    """The list as it was sent, one row moved where a button asked for that; unknown keys are left out."""
    roles = {row["key"]: row["role"] for row in known}
    keys = [key for key in dict.fromkeys(data.getlist("order")) if key in roles]
    keys += [key for key in roles if key not in keys]
    moved, _colon, direction = data.get("move", "").rpartition(":")
    if moved in keys:
        place = keys.index(moved)
        other = place + (1 if direction == "down" else -1)
        if 0 <= other < len(keys):
            keys[place], keys[other] = keys[other], keys[place]
    return [{"key": key, "role": data.get(f"role-{key}", roles[key])} for key in keys]


def _proposal(form: RulesForm, standards: list[dict[str, str]]) -> dict[str, Any]:
    chosen = form.cleaned_data
    proposal = decisions.checked(
        {
            "standards": standards,
            "decisionRule": chosen["decision_rule"],
            "warningShare": str(chosen["warning_share"] / 100),
            "censoredMembers": chosen["censored_members"],
        }
    )
    if not proposal:
        raise Invalid(_("Nothing is different from what is in force."))
    return proposal


def _shown(request: HttpRequest, row: Reevaluation) -> dict[str, Any]:
    job = Job.objects.filter(pk=row.job).first() if row.job else None
    figures = row.expected if row.state == Reevaluation.State.READY else row.figures
    moving = row.state in (Reevaluation.State.COUNTING, Reevaluation.State.RUNNING)
    stuck = moving and job is not None and job.status == Job.Status.FAILED
    return {
        "row": row,
        "figures": figures,
        "statuses": _moves(figures.get("statuses", {})),
        "standards": [(key, _moves(moves)) for key, moves in figures.get("verdicts", {}).items()],
        "moving": moving and not stuck,
        "job": job,
        "stuck": stuck,
        "decided": _said(row.proposal),
        "may_decide": may(request, "parameters.manage" if row.proposal else "standards.edit"),
        "unnamed": figures.get("changed", 0) - _largest(figures.get("verdicts", {})),
    }


def _largest(verdicts: dict[str, dict[str, int]]) -> int:
    """The largest number of changed verdicts under one standard: so many results at least change their verdict."""
    return max((sum(moves.values()) for moves in verdicts.values()), default=0)


def _moves(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """From, to and how many, the most first."""
    rows = [(*move.partition(">")[::2], count) for move, count in counts.items()]
    return sorted(rows, key=lambda move: -move[2])


def _said(proposal: dict[str, Any]) -> list[tuple[str, str]]:
    """A proposal in words, as label and text."""
    said = []
    if "standards" in proposal:
        roles = dict(StandardRole.choices)
        listed = [f"{row['key']} ({roles[row['role']]})" for row in proposal["standards"] if row["role"]]
        said.append((_("Standards"), ", ".join(listed)))
        unused = [row["key"] for row in proposal["standards"] if not row["role"]]
        if unused:
            said.append((_("Not used"), ", ".join(unused)))
    if "decisionRule" in proposal:
        said.append((_("Decision rule"), str(DecisionRule(proposal["decisionRule"]).label)))
    if "warningShare" in proposal:
        said.append((_("Warning from"), f"{plain(float(proposal['warningShare']) * 100)} %"))
    if "censoredMembers" in proposal:
        said.append((_("Censored values in sums"), str(CensoredMembers(proposal["censoredMembers"]).label)))
    return said
