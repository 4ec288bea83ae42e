"""The page that merges customers: field by field, side by side, with a preview of what moves."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.core.accounts.models import User
from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError
from portal.core.common.ids import parse_uuid
from portal.crm.customers import merge, registry, tags
from portal.crm.customers.access import customers_seen
from portal.crm.customers.choices import Size, Status
from portal.crm.customers.fields import LABELS
from portal.crm.customers.models import Customer
from portal.crm.customers.names import country_name, phone_shown
from portal.ui import answers
from portal.ui.people import person

_HIDDEN = {"customFields", "statusReason"}


@require_http_methods(["GET", "POST"])
@policy("customers.merge")
def customer_merge(request: HttpRequest) -> HttpResponse:
    """`id` names the customers, `target` the one that stays, `field_<name>` whose value a field takes. A POST with
    `merge` does it, any other shows what would become."""
    by = person(request)
    said = request.POST if request.method == "POST" else request.GET
    ids = list(dict.fromkeys(id for id in map(parse_uuid, said.getlist("id")) if id))[: merge.MOST + 1]
    found = {
        row.pk: row for row in customers_seen(by, "customers.edit").select_related("assigned_to").filter(pk__in=ids)
    }
    rows = [found[id] for id in ids if id in found]
    search = said.get("q", "").strip()
    context: dict[str, object] = {"rows": rows, "q": search}
    if len(rows) < 2:
        context["found"] = _search(by, search, rows)
        return render(request, "crm/customers/merge.html", context)
    target = parse_uuid(said.get("target", "")) or rows[0].pk
    others = [row.pk for row in rows if row.pk != target]
    choices = {name: said[f"field_{name}"] for name in merge.FIELDS if said.get(f"field_{name}")}
    doing = request.method == "POST" and "merge" in said
    try:
        made = merge.customers_merge(target=target, sources=others, field_choices=choices, dry_run=not doing, by=by)
    except DomainError as refusal:
        messages.error(request, answers.refusal_text(refusal))
        return redirect("crm:customer_list")
    if doing:
        messages.success(request, _("The customers are one now. The history of the customer can split them again."))
        return redirect("crm:customer_detail", target)
    words = {reference.label.split(".")[1]: reference.what for reference in registry.references().values()}
    words |= {"activityevent": _("Timeline"), "filelink": _("Files")}
    context |= {
        "target": target,
        "fields": list(_table(rows, target, choices)),
        "tags": tags.of_customers([row.pk for row in rows]),
        "united": made.target["tags"],
        "moved": [(words.get(name, name), count) for name, count in made.moved.items()],
    }
    return render(request, "crm/customers/merge.html", context)


@require_POST
@policy("customers.merge")
def merge_split(request: HttpRequest, customer_id: UUID, merge_id: UUID) -> HttpResponse:
    by = person(request)
    refused = answers.refused(lambda: merge.merge_split(id=merge_id, by=by))
    return answers.back(request, refused, _("The merge was split."), "crm:customer_history", customer_id)


def _search(by: User, text: str, rows: list[Customer]) -> list[Customer]:
    from portal.crm.customers.selectors import Filters, customer_list

    if not text:
        return []
    found = customer_list(user=by, filters=Filters(search=text)).exclude(pk__in=[row.pk for row in rows])
    return list(found[:10])


def _table(
    rows: list[Customer], target: UUID, choices: dict[str, str]
) -> "list[tuple[str, object, list[tuple[Customer, str, bool]]]]":
    """Per field that differs: its name, its label, and of each customer the value and whether it is taken."""
    into = next(row for row in rows if row.pk == target)
    order = [into, *(row for row in rows if row.pk != target)]
    lines: list[tuple[str, object, list[tuple[Customer, str, bool]]]] = []
    for name, column in merge.FIELDS.items():
        values = {row.pk: getattr(row, column) for row in rows}
        if name in _HIDDEN or len({str(value or "") for value in values.values()}) < 2:
            continue
        taken = parse_uuid(choices.get(name)) or next((row.pk for row in order if values[row.pk]), target)
        lines.append((name, LABELS[name], [(row, _shown(row, name, column), row.pk == taken) for row in rows]))
    return lines


def _shown(row: Customer, name: str, column: str) -> str:
    value = getattr(row, column)
    match name if value else "":
        case "":
            return ""
        case "status":
            return str(Status(value).label)
        case "size":
            return str(Size(value).label)
        case "country":
            from django.utils import translation

            return country_name(value, translation.get_language()[:2])
        case "phone":
            return phone_shown(value)
        case "assignedTo":
            return row.assigned_to.name if row.assigned_to else ""
    return str(value)
