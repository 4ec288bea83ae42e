"""The box of a customer's sampling points, and what its buttons do."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import Conflict, Invalid
from portal.desk.points import services
from portal.ui.people import may, person


def customer_panel(request: HttpRequest, customer: Any) -> dict[str, Any]:
    editable = may(request, "customers.edit")
    return {
        "points": services.points_of(customer.pk),
        "free": services.points_free() if editable else (),
        "may_edit": editable,
    }


@require_POST
@policy("customers.edit")
def point_add(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    try:
        services.point_link(customer=customer_id, code=request.POST.get("code", ""), by=person(request))
    except (Invalid, Conflict) as refusal:
        messages.error(request, refusal.errors[0].message if refusal.errors else str(refusal.message))
    return redirect("crm:customer_detail", customer_id)


@require_POST
@policy("customers.edit")
def point_remove(request: HttpRequest, customer_id: UUID, sampling_point_id: UUID) -> HttpResponse:
    services.point_unlink(customer=customer_id, point=sampling_point_id, by=person(request))
    return redirect("crm:customer_detail", customer_id)
