"""The pipeline as a board: cards by stage, moved by mouse or by keyboard; won and lost ask for what they need."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.crm.sales import selectors
from portal.crm.sales.choices import Kind
from portal.crm.sales.models import Deal, Stage
from portal.crm.sales.pages.deals import frame, move
from portal.crm.sales.pages.lists import DealFilter, today
from portal.crm.sales.selectors import Column
from portal.ui.answers import refusal_text, toast
from portal.ui.boards import Moves
from portal.ui.people import person

TEMPLATE = "crm/sales/board.html"


@require_GET
@policy("sales.view")
def pipeline(request: HttpRequest) -> HttpResponse:
    partial = bool(request.htmx) and request.htmx.request_type != "full"  # type: ignore[attr-defined]
    return render(request, f"{TEMPLATE}#board" if partial else TEMPLATE, _board(request))


@require_POST
@policy("sales.edit")
def board_move(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    """Put a card into another column. A script gets the board anew, with the dialog where the stage asks for more."""
    deal = selectors.deal_for(person(request), deal_id)
    refusal, form = move(request, deal)
    if not request.htmx:  # type: ignore[attr-defined]
        if form is not None:
            return render(request, "crm/sales/move.html", {"deal": deal, "form": form, "target": form.target})
        if refusal is not None:
            messages.error(request, refusal_text(refusal))
        return redirect("crm:sale_pipeline")
    response = render(request, f"{TEMPLATE}#answer", _board(request) | {"form": form, "deal": deal})
    if refusal is not None:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        toast(response, refusal_text(refusal), "error")
    elif form is not None and form.is_bound:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return response


def _board(request: HttpRequest) -> dict[str, Any]:
    filters = DealFilter(request.GET, queryset=Deal.objects.none(), request=request)
    chosen = filters.chosen() if filters.form.is_valid() else selectors.NO_FILTERS
    user, known = person(request), selectors.stages()
    rows = chosen.apply(selectors.deals_seen(user), today=today())
    columns = selectors.pipeline(rows)
    moves = Moves(request, to="crm:sale_board_move", name="stage")
    mine = None if user.grants.get("sales.edit") == "all" else _mine(user, columns)
    return frame(request, "board") | {
        "columns": [
            (
                column,
                [
                    (deal, moves.form(deal.pk, _ways(deal, known) if mine is None or deal.pk in mine else ()))
                    for deal in column.deals
                ],
            )
            for column in columns
        ],
        "ends": [stage for stage in known if stage.kind != Kind.OPEN],
        "totals": {
            "count": sum(column.count for column in columns),
            "value": sum(column.value for column in columns),
            "weighted": sum(column.weighted for column in columns),
            "rotting": sum(column.rotting for column in columns),
        },
        "query": request.GET.urlencode(),
        "filter_form": filters.form,
        "title": _("Pipeline"),
    }


def _mine(user: User, columns: list[Column]) -> set[UUID]:
    shown = [deal.pk for column in columns for deal in column.deals]
    return set(selectors.deals_seen(user, "sales.edit").filter(pk__in=shown).values_list("pk", flat=True))


def _ways(deal: Deal, known: list[Stage]) -> list[tuple[str, object]]:
    return [(stage.key, stage) for stage in known if stage.pk != deal.stage_id]
