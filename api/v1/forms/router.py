"""Forms, their versions and their webhooks (specification 003; C47, C52)."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Query

from api.kit import Declared, Page, Reply, Router, paginate
from api.v1.forms.schemas import (
    CheckIn,
    CheckOut,
    DeliveryOut,
    DeliveryQuery,
    FormChange,
    FormIn,
    FormOut,
    FormQuery,
    ProjectFormQuery,
    VersionOut,
    WebhookChange,
    WebhookIn,
    WebhookOut,
)
from api.v1.projects.router import me, version
from portal.collect.forms import selectors, services, wire
from portal.collect.submissions import webhooks

router = Router(tags=["forms"])


@router.get("/forms", policy="forms.view", response=list[FormOut], summary="Forms")
def form_list(request: HttpRequest, query: Query[FormQuery]) -> Page:
    """Of the projects that you see; drafts for whoever designs forms. Newest first."""
    return _page(request, query, query.project_id)


@router.get("/forms/project/{id:project_id}", policy="forms.view", response=list[FormOut], summary="Forms of a project")
def form_list_of_project(request: HttpRequest, project_id: UUID, query: Query[ProjectFormQuery]) -> Page:
    """404 for a project that you do not see."""
    return _page(request, query, project_id)


@router.post("/forms", policy="forms.edit", response=FormOut, status=201, summary="Create a form")
def form_create(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(FormIn)]]) -> dict[str, Any]:
    """Published as version 1; with `publish: false` a draft. A schema at fault is 400 with its place in `field`."""
    return wire.form(services.form_create(data=payload, by=me(request)))


@router.get("/forms/{id:form_id}", policy="forms.view", response=FormOut, summary="One form")
def form_detail(request: HttpRequest, form_id: UUID) -> dict[str, Any]:
    """404 for one of a project that you do not see, too."""
    return wire.form(selectors.form_for(me(request), form_id))


@router.update("/forms/{id:form_id}", policy="forms.edit", response=FormOut, summary="Change a form")
def form_update(
    request: HttpRequest, form_id: UUID, payload: Body[Annotated[dict[str, Any], Declared(FormChange)]]
) -> dict[str, Any]:
    """Another schema is published as the next version. Where it takes away or retypes fields that were answered: 409
    `SCHEMA_BREAKS_DATA` with `meta.fields`, unless `confirm` is true."""
    held = version(request, payload)
    return wire.form(services.form_update(id=form_id, data=payload, by=me(request), version=held))


@router.delete("/forms/{id:form_id}", policy="forms.delete", response=None, summary="Delete a form")
def form_delete(request: HttpRequest, form_id: UUID) -> Reply:
    """Its submissions stay readable."""
    services.form_delete(id=form_id, by=me(request))
    return Reply(message=_("Form deleted successfully."))


@router.post("/forms/{id:form_id}/check", policy="forms.edit", response=CheckOut, summary="Try another schema")
def form_check(request: HttpRequest, form_id: UUID, payload: CheckIn) -> dict[str, Any]:
    """What stored submissions would say to a schema, before it is published. Nothing is written."""
    return services.form_check(form=selectors.form_for(me(request), form_id), schema=payload.schema_)


@router.post("/forms/{id:form_id}/publish", policy="forms.edit", response=FormOut, summary="Publish the draft")
def form_publish(request: HttpRequest, form_id: UUID, confirm: bool = False) -> dict[str, Any]:
    """As the next version; 409 `SCHEMA_BREAKS_DATA` as for a change, unless `confirm`."""
    return wire.form(services.form_publish(id=form_id, by=me(request), confirm=confirm))


@router.get(
    "/forms/{id:form_id}/versions", policy="forms.view", response=list[VersionOut], summary="Versions of a form"
)
def form_versions(request: HttpRequest, form_id: UUID, query: Query[DeliveryQuery]) -> Page:
    """Every schema that was published, newest first."""
    rows = selectors.form_versions(form=selectors.form_for(me(request), form_id))
    return paginate(rows, query, wire.version)


@router.get(
    "/forms/{id:form_id}/webhooks", policy="forms.webhooks", response=list[WebhookOut], summary="Webhooks of a form"
)
def webhook_list(request: HttpRequest, form_id: UUID, query: Query[DeliveryQuery]) -> Page:
    """Addresses that are told of its submissions."""
    rows = webhooks.webhook_list(form=selectors.form_for(me(request), form_id))
    return paginate(rows, query, webhooks.webhook_as_wire)


@router.post(
    "/forms/{id:form_id}/webhooks", policy="forms.webhooks", response=WebhookOut, status=201, summary="Add a webhook"
)
def webhook_create(request: HttpRequest, form_id: UUID, payload: WebhookIn) -> dict[str, Any]:
    """Keep the secret of the answer: `X-Marsad-Signature` is `sha256=` and the HMAC-SHA-256 of `X-Marsad-Timestamp`, a
    point and the body. Addresses in private networks are refused."""
    form = selectors.form_for(me(request), form_id)
    hook = webhooks.webhook_create(form=form, data=_sent(payload.changes), by=me(request))
    return webhooks.webhook_as_wire(hook, secret=True)


@router.update(
    "/forms/{id:form_id}/webhooks/{id:webhook_id}",
    policy="forms.webhooks",
    response=WebhookOut,
    summary="Change a webhook",
)
def webhook_update(request: HttpRequest, form_id: UUID, webhook_id: UUID, payload: WebhookChange) -> dict[str, Any]:
    """Absent fields stay as they are."""
    hook = webhooks.webhook_for(form=selectors.form_for(me(request), form_id), id=webhook_id)
    return webhooks.webhook_as_wire(webhooks.webhook_update(hook=hook, data=_sent(payload.changes), by=me(request)))


@router.delete(
    "/forms/{id:form_id}/webhooks/{id:webhook_id}", policy="forms.webhooks", response=None, summary="Remove a webhook"
)
def webhook_delete(request: HttpRequest, form_id: UUID, webhook_id: UUID) -> Reply:
    """Its messages go with it."""
    hook = webhooks.webhook_for(form=selectors.form_for(me(request), form_id), id=webhook_id)
    webhooks.webhook_delete(hook=hook, by=me(request))
    return Reply(message=_("Webhook deleted successfully."))


@router.get(
    "/forms/{id:form_id}/webhooks/{id:webhook_id}/deliveries",
    policy="forms.webhooks",
    response=list[DeliveryOut],
    summary="What a webhook was sent",
)
def delivery_list(request: HttpRequest, form_id: UUID, webhook_id: UUID, query: Query[DeliveryQuery]) -> Page:
    """Newest first; kept for 30 days."""
    hook = webhooks.webhook_for(form=selectors.form_for(me(request), form_id), id=webhook_id)
    return paginate(webhooks.deliveries(hook=hook), query, webhooks.delivery_as_wire)


@router.post(
    "/forms/{id:form_id}/webhooks/{id:webhook_id}/deliveries/{id:webhook_delivery_id}/retry",
    policy="forms.webhooks",
    response=DeliveryOut,
    summary="Send a message again",
)
def delivery_retry(request: HttpRequest, form_id: UUID, webhook_id: UUID, webhook_delivery_id: UUID) -> dict[str, Any]:
    """Now, with all its attempts before it."""
    hook = webhooks.webhook_for(form=selectors.form_for(me(request), form_id), id=webhook_id)
    return webhooks.delivery_as_wire(webhooks.delivery_retry(hook=hook, id=webhook_delivery_id, by=me(request)))


def _page(request: HttpRequest, query: FormQuery | ProjectFormQuery, project: UUID | None) -> Page:
    rows = selectors.form_list(user=me(request), project=project, active_only=query.active_only, search=query.search)
    return paginate(rows, query, wire.form)


def _sent(changes: dict[str, Any]) -> dict[str, Any]:
    named = {"is_active": "isActive"}
    return {named.get(name, name): value for name, value in changes.items() if value is not None}
