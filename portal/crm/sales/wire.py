"""Deals, stages, products, activities and figures as clients see them (`contract-rooms` section 4)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from portal.crm.customers.models import Customer
from portal.crm.sales.choices import LOST_REASONS
from portal.crm.sales.figures import Analytics, Place
from portal.crm.sales.forecast import Bucket, Figures, Forecast, Review
from portal.crm.sales.models import Deal, DealLine, Product, SalesActivity, Stage
from portal.crm.sales.selectors import Column


def _line(line: DealLine) -> dict[str, Any]:
    return {
        "productId": line.product_id,
        "name": line.name,
        "quantity": line.quantity,
        "unitPrice": line.unit_price,
        "discount": line.discount,
        "amount": line.amount,
    }


def _customer(customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.pk,
        "companyName": customer.company_name,
        "contactName": customer.contact_name,
        "email": customer.email,
    }


def sales(deals: Iterable[Deal]) -> list[dict[str, Any]]:
    """With their lines: one statement for all of them. The deals come `with_names`."""
    deals = list(deals)
    lines: dict[UUID, list[DealLine]] = defaultdict(list)
    for line in DealLine.objects.filter(deal__in=[deal.pk for deal in deals]).order_by("deal", "position", "id"):
        lines[line.deal_id].append(line)
    return [_sale(deal, lines[deal.pk]) for deal in deals]


def _sale(deal: Deal, lines: Sequence[DealLine]) -> dict[str, Any]:
    owner, closer = deal.assigned_to, deal.owner_at_close
    return {
        "id": deal.pk,
        "organizationId": deal.organization_id,
        "tenantId": deal.organization_id,
        "title": deal.title,
        "customerId": deal.customer_id,
        "customer": _customer(deal.customer),
        "value": deal.value,
        "currency": deal.currency,
        "fxRate": deal.fx_rate,
        "baseValue": deal.base_value,
        "stage": deal.stage.key,
        "stageId": deal.stage_id,
        "stageName": str(deal.stage),
        "stageSince": deal.stage_since,
        "status": deal.status,
        "probability": deal.chance,
        "probabilityOverride": deal.probability,
        "weightedValue": deal.weighted,
        "category": deal.category,
        "expectedCloseDate": deal.expected_close_date,
        "description": deal.description,
        "assignedTo": deal.assigned_to_id,
        "assignedUser": owner and {"id": owner.pk, "name": owner.name, "email": owner.email},
        "products": [_line(line) for line in lines],
        "closedAt": deal.closed_at,
        "lostReason": deal.lost_reason or None,
        "lostNote": deal.lost_note or None,
        "ownerAtClose": deal.owner_at_close_id,
        "ownerAtCloseName": closer and closer.name,
        "nextActivityAt": deal.next_activity_at,
        "clonedFrom": deal.cloned_from_id,
        "createdBy": deal.created_by_id,
        "createdAt": deal.created_at,
        "updatedAt": deal.updated_at,
        "version": deal.version,
    }


def stage(row: Stage) -> dict[str, Any]:
    return {
        "id": row.pk,
        "key": row.key,
        "name": str(row),
        "names": {"en": row.name, "fr": row.name_fr, "ar": row.name_ar},
        "order": row.position,
        "probability": row.probability,
        "kind": row.kind,
        "isWon": row.kind == "won",
        "isLost": row.kind == "lost",
        "rottingDays": row.rotting_days,
        "requiredFields": row.required_fields,
    }


def product(row: Product) -> dict[str, Any]:
    return {
        "id": row.pk,
        "sku": row.sku,
        "name": row.name,
        "description": row.description,
        "unitPrice": row.unit_price,
        "isActive": row.is_active,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def activity(row: SalesActivity) -> dict[str, Any]:
    return {
        "id": row.pk,
        "saleId": row.deal_id,
        "type": row.type,
        "description": row.description,
        "dueAt": row.due_at,
        "doneAt": row.done_at,
        "occurredAt": row.done_at or row.created_at,
        "isOverdue": row.overdue,
        "outcome": row.outcome or None,
        "duration": row.duration,
        "userId": row.user_id,
        "userName": row.user and row.user.name,
        "createdAt": row.created_at,
    }


def pipeline(columns: Sequence[Column], currency: str) -> dict[str, Any]:
    """Money in base currency. `deals` are the first cards of each stage, in the order of the board."""
    cards = {card["id"]: card for card in sales(deal for column in columns for deal in column.deals)}
    return {
        "currency": currency,
        "stages": [
            {
                "stage": column.stage.key,
                "name": str(column.stage),
                "probability": column.stage.probability,
                "count": column.count,
                "value": column.value,
                "weightedValue": column.weighted,
                "avgAgeDays": column.age_days,
                "rotting": column.rotting,
                "deals": [cards[deal.pk] for deal in column.deals],
            }
            for column in columns
        ],
        "totals": {
            "count": sum(column.count for column in columns),
            "value": sum((column.value for column in columns), Decimal(0)),
            "weightedValue": sum((column.weighted for column in columns), Decimal(0)),
            "rotting": sum(column.rotting for column in columns),
        },
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "won": figures.won,
        "weighted": figures.weighted,
        "forecast": figures.forecast,
        "pipeline": figures.pipeline,
        "commit": figures.commit,
        "best": figures.best,
        "count": figures.count,
    }


def _bucket(bucket: Bucket) -> dict[str, Any]:
    return {"count": bucket.count, "value": bucket.value, "weighted": bucket.weighted}


def forecast(made: Forecast, currency: str, review: Review | None) -> dict[str, Any]:
    return {
        "currency": currency,
        "periods": [
            {
                "period": name,
                **({"name": made.labels[name] or _("Nobody")} if name in made.labels else {}),
                **_figures(figures),
                "quota": made.quotas.get(name),
                **({"slipped": _bucket(made.slipped)} if name == made.current else {}),
            }
            for name, figures in made.periods.items()
        ],
        "totals": _figures(made.totals),
        "slipped": _bucket(made.slipped),
        "undated": _bucket(made.undated),
        "quota": made.quota,
        "coverage": made.coverage,
        "review": review
        and {
            "takenOn": review.taken_on,
            "start": review.start,
            "steps": {"movedIn" if k == "moved_in" else "movedOut" if k == "moved_out" else k: v
                      for k, v in review.steps.items()},
            "end": review.end,
            "won": review.won,
            "accuracy": review.accuracy,
        },
    }  # fmt: skip


def analytics(found: Analytics, currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "won": found.won,
        "lost": found.lost,
        "wonValue": found.won_value,
        "lostValue": found.lost_value,
        "winRate": found.win_rate,
        "winRateByValue": found.win_rate_by_value,
        "avgDealSize": found.average,
        "avgCycleDays": found.cycle,
        "medianCycleDays": found.median_cycle,
        "velocity": found.velocity,
        "open": found.open_count,
        "byStage": [
            {
                "stage": row["stage"].key,
                "name": str(row["stage"]),
                "count": row["count"],
                "value": row["value"],
                "entered": row["entered"],
                "advanced": row["advanced"],
                "conversion": row["conversion"],
                "medianDays": row["median_days"],
            }
            for row in found.by_stage
        ],
        "byMonth": [
            {
                "month": f"{row['month']:%Y-%m}",
                "won": row["won"],
                "lost": row["lost"],
                "wonValue": row["won_value"],
                "lostValue": row["lost_value"],
                "winRate": row["win_rate"],
            }
            for row in found.by_month
        ],
        "lostReasons": [
            {
                "reason": row["lost_reason"],
                "name": str(LOST_REASONS.get(row["lost_reason"], row["lost_reason"])),
                "count": row["count"],
                "value": row["value"],
            }
            for row in found.lost_reasons
        ],
    }


def place(row: Place) -> dict[str, Any]:
    return {
        "rank": row.rank,
        "priorRank": row.prior,
        "userId": row.user,
        "name": row.name,
        "dealsWon": row.won,
        "dealsLost": row.lost,
        "value": row.value,
        "winRate": row.win_rate,
        "activities": row.activities,
        "quota": row.quota,
        "quotaPercent": row.quota_percent,
    }
