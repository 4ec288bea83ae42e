"""A small API that exercises the kit, beside the product's routes."""

import time
from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.db import OperationalError, connection
from django.http import HttpRequest
from django.urls import path
from ninja import Body, Query

from api.kit import LARGE, Api, Declared, In, Listing, Page, Policy, Reply, Router, paginate
from portal.config.urls import urlpatterns as product
from portal.core.common.errors import IllegalTransition, NotFound
from portal.core.tenancy import scope
from portal.lab.models import SamplingPoint


class ThingIn(In):
    aliases: ClassVar[dict[str, str]] = {"label": "point_name"}

    point_name: str
    code: str = "x"
    size: float = 1
    parts: list["Part"] = []


class Part(In):
    item_count: int


class ThingQuery(Listing):
    sortable: ClassVar[dict[str, str]] = {"name": "name", "code": "code"}

    kind: list[str] = []


router = Router(tags=["things"])


def show(row: SamplingPoint) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "organizationId": row.organization_id}


@router.get("/things", policy="samples.view", reach="span", response=list[dict[str, Any]])
def things(request: HttpRequest, query: Query[ThingQuery]) -> Page:
    return paginate(SamplingPoint.objects.all(), query, show)


@router.post("/things", policy="samples.edit", status=201)
def thing_create(request: HttpRequest, payload: ThingIn) -> Reply:
    row = SamplingPoint.objects.create(
        organization_id=scope.organization_id(), name=payload.point_name, code=payload.code, type="drinking_water"
    )
    if payload.code == "slow":
        time.sleep(0.3)
    if payload.code == "refused":
        raise IllegalTransition("no", meta={"allowed": ["yes"]})
    if payload.code == "broken":
        raise RuntimeError("secret detail")
    if payload.code == "null":
        SamplingPoint.objects.filter(pk=row.pk).update(name=None)
    if payload.code == "cut":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid(), 5000)")
    return Reply(show(row), message="Made.")


@router.update("/things/{id:thing_id}", policy="samples.edit")
def thing_update(request: HttpRequest, thing_id: UUID, payload: ThingIn) -> dict[str, Any]:
    row = SamplingPoint.objects.filter(pk=thing_id).first()
    if row is None:
        raise NotFound("There is no such thing.")
    return payload.changes


@router.post("/raw", policy="samples.edit", limit=LARGE)
def raw(request: HttpRequest, payload: Body[Annotated[dict[str, Any], Declared(ThingIn)]]) -> dict[str, Any]:
    return {"text": str(payload.get("size")), "sent": payload}


@router.get("/down", policy="samples.view")
def down(request: HttpRequest) -> None:
    raise OperationalError("connection to server failed: password for host db1")


@router.get("/everybody", policy=Policy(public="a test"))
def everybody(request: HttpRequest) -> str:
    return "hello"


api = Api(namespace="api-test", title="Test", version="1.0")
api.add_router("", router)
urlpatterns = [path("api/v1/test/", api.urls), *product]
