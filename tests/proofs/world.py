"""An organisation that holds something of everything, and a print of the whole database."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

from portal.core.accounts import tokens
from portal.core.accounts.models import User
from portal.core.sync.models import FeedRecord
from portal.core.tenancy import seeds
from portal.core.tenancy.scope import platform
from tests.api.conftest import Cast, Person
from tests.api.surveying import application, assign, dispatch, parcel, point, surveyor

MARK = "Zarqa"  # stands in every text of organisation A
# A refused request may leave traces of itself: who tried, when a device was seen, and what was counted.
LOGS = (
    "audit_auditentry", "django_session", "notifications_event", "sync_idempotency", "accounts_loginfailure",
)  # fmt: skip


def fresh(person: Person) -> Person:
    """The same person as the database has them now, with a new token."""
    with platform():
        user = User.objects.select_related("role", "organization").get(pk=person.user.pk)
    person.user, person.headers = user, {"Authorization": f"Bearer {tokens.issue(user)[0]}"}
    return person


def furnish(cast: Cast) -> dict[type[models.Model], list[Any]]:
    """Rows of A by model: some made through the API, the rest by filling what a model demands."""
    seeds.run()  # what every organisation starts with
    sample, result, lost = (str(uuid4()) for _ in range(3))
    of_a = {"type": "drinking_water", "collectionDate": "2026-03-20T09:15:00Z", "location": f"{MARK} tap"}
    of_a |= {"collectorName": f"{MARK} Amina", "notes": f"{MARK} notes"}
    measured = {"parameterName": "NO3", "value": "70", "unit": "mg/L NO3", "notes": MARK, "sampleId": sample}
    push(cast.bob, f"{MARK}-tablet", ("sample", sample, of_a), ("result", result, measured), ("sample", lost, of_a))
    push(cast.alice, f"{MARK}-phone", ("sample", sample, {"notes": f"{MARK} again"}), strategy="manual")
    made = cast.alice.post("/reports/compliance", {"title": f"{MARK} report"})
    assert made.status_code == 200, made.content
    certified = cast.alice.post("/samples", of_a).json()["data"]["id"]
    cast.alice.post(f"/samples/{certified}/results", {"parameterName": "NO3", "value": "7", "unit": "mg/L NO3"})
    for status in ("completed", "validated"):
        cast.alice.put(f"/samples/{certified}", {"status": status})
    made = cast.alice.post(f"/samples/{certified}/certificates", {"customer": f"{MARK} customer"})
    assert made.status_code == 201, made.content
    collect(cast)
    office(cast)
    surveys(cast)
    with platform():
        for user in (cast.alice.user, cast.bob.user, cast.carol.user):
            user.name = f"{MARK} {user.name}"
            user.save(update_fields=["name"])
        cast.a.name = f"{MARK} laboratory"
        cast.a.save()
        for model in tenant_models():
            if not model._base_manager.filter(organization=cast.a).exists():
                fill(model, cast)
        return {model: list(model._base_manager.filter(organization=cast.a)) for model in tenant_models()}


def done(answer: Any) -> str:
    """The id of what a call made."""
    assert answer.status_code in (200, 201), answer.content
    return str(answer.json()["data"]["id"])


def office(cast: Cast) -> None:
    """A customer with a note, a deal, a ticket and a contract."""
    customer = done(cast.alice.post("/customers", {"companyName": f"{MARK} customer", "notes": MARK}))
    done(cast.alice.post(f"/customers/{customer}/notes", {"content": f"{MARK} note"}))
    done(cast.alice.post("/sales", {"title": f"{MARK} deal", "customerId": customer, "value": 7}))
    ticket = done(cast.alice.post("/tickets", {"title": f"{MARK} ticket", "customerId": customer}))
    done(cast.alice.post(f"/tickets/{ticket}/comments", {"content": f"{MARK} comment"}))
    done(cast.alice.patch(f"/tickets/{ticket}/status", {"status": "on_hold", "reason": f"{MARK} reason"}))
    contract = {"title": f"{MARK} contract", "customerId": customer, "type": "support", "value": 7}
    done(cast.alice.post("/contracts", contract | {"startDate": "2026-01-01", "endDate": "2099-12-31"}))


def collect(cast: Cast) -> None:
    """A form with a submission, what was said of it, and a message that waits for its webhook."""
    project = done(cast.alice.post("/projects", {"name": f"{MARK} project"}))
    fields = [{"id": "place", "type": "text", "label": MARK}]
    form = {"projectId": project, "name": f"{MARK} form", "schema": {"fields": fields}, "metadata": {"name": MARK}}
    made = done(cast.alice.post("/forms", form))
    done(cast.alice.post(f"/forms/{made}/webhooks", {"name": MARK, "url": "https://example.org/x"}))
    sent = done(cast.alice.post("/submissions", {"formId": made, "answers": {"place": f"{MARK} well"}}))
    done(cast.alice.post(f"/submissions/{sent}/comments", {"content": f"{MARK} comment"}))
    done(cast.alice.post(f"/submissions/{sent}/review", {"state": "onHold", "note": f"{MARK} note"}))


def push(who: Any, device: str, *items: tuple[str, str, dict[str, Any]], strategy: str = "lww") -> None:
    changes = [
        {"entity": entity, "entityId": id, "operation": "created", "data": data, "idempotencyKey": str(uuid4())}
        for entity, id, data in items
    ]
    upload = {"id": str(uuid4()), "chunk": 0, "chunks": 2, "records": 9}
    body = {"deviceId": device, "conflictStrategy": strategy, "changes": changes, "upload": upload}
    response = who.post("/sync", body, Idempotency_Key=str(uuid4()))
    assert response.status_code == 200, response.content
    assert response.json()["data"]["counts"]["errors"] == 0, response.content


def tenant_models() -> Iterator[type[models.Model]]:
    """Each after those that a row of it needs."""
    left = [
        model
        for model in apps.get_models()
        if any(field.name == "organization" and field.is_relation for field in model._meta.concrete_fields)
    ]
    while left:
        ready = [model for model in left if not _needed(model) & set(left) - {model}]
        yield from ready
        left = [model for model in left if model not in ready]


def _needed(model: type[models.Model]) -> set[Any]:
    fields = model._meta.concrete_fields
    return {field.related_model for field in fields if field.is_relation and not field.null}


def surveys(cast: Cast) -> None:
    """An application, a surveyor's session with a point, a parcel and an announced photo."""
    assign(cast, cast.bob.user, "XY1101")
    file = application(cast, applicantName=f"{MARK} applicant", instructions=MARK, requirements=[MARK])
    dispatch(cast, file, cast.bob.user)
    bob = surveyor(cast, cast.bob, f"{MARK}-survey")
    session = bob.begin(file, notes=MARK, weatherConditions=MARK)
    bob.points(session, point(1, description=MARK))
    bob.shapes(session, parcel(1, description=MARK, properties={"owner": MARK}))
    photo = {"filename": f"{MARK}.jpg", "fileType": "image/jpeg", "fileSize": 9, "attachmentType": "photo"}
    bob.app.call("post", f"/sessions/{session}/attachments/upload-urls", {"attachments": [photo]})


def fill(model: type[models.Model], cast: Cast) -> models.Model:
    """A row of A with a value for each column that demands one."""
    values: dict[str, Any] = {"organization": cast.a}
    for field in model._meta.concrete_fields:
        if field.name not in values and not field.null and not field.has_default() and not field.primary_key:
            values[field.name] = _value(field, cast)
    return model._base_manager.create(**values)


def _value(field: Any, cast: Cast) -> Any:
    match field:
        case models.ForeignKey():
            rows = field.related_model._base_manager.all()
            own = [f.name for f in field.related_model._meta.concrete_fields if f.name == "organization"]
            found = rows.filter(organization=cast.a).first() if own else None
            return found or rows.first()
        case models.CharField() if field.name.endswith("unit"):
            return "mg/L"  # a page calculates with it
        case models.CharField() | models.TextField():
            return field.choices[0][0] if field.choices else MARK[: field.max_length or 99]
        case models.DateTimeField():
            return timezone.now()
        case models.DateField():
            return timezone.localdate().replace(day=1)  # of a target it is a month
        case models.UUIDField():
            return uuid4()
        case models.BinaryField():
            return MARK.encode()
        case models.JSONField():
            return {"name": MARK}
        case _:
            return 1


def ids(rows: dict[type[models.Model], list[Any]]) -> dict[str, str]:
    """One id of A for each model, by the model's label; a feed record stands for what it is about."""
    return {
        model._meta.label: str(found[0].record_id if model is FeedRecord else found[0].pk)
        for model, found in rows.items()
        if found and isinstance(found[0].pk, UUID | int)
    }


def print_of(organization: UUID | None = None) -> str:
    """Changes with any row of the database, or of one organisation; without the logs."""
    parts = []
    for model in apps.get_models():
        columns = {field.column for field in model._meta.concrete_fields}
        table = model._meta.db_table
        if table in LOGS or not model._meta.managed or (organization and "organization_id" not in columns):
            continue
        where = "WHERE organization_id = %(organization)s" if organization else ""
        rows = (
            f'(SELECT md5(coalesce(string_agg(t::text, chr(31) ORDER BY t::text), chr(31))) FROM "{table}" t {where})'
        )
        parts.append(rows)
    with platform(), connection.cursor() as cursor:
        cursor.execute("SELECT array_to_string(ARRAY[" + ", ".join(parts) + "], ',')", {"organization": organization})
        return str(cursor.fetchone()[0])


def writes() -> int:
    """Rows that the transaction in force has written so far, what it took back included; without the logs. Where this
    has not grown, `print_of` is what it was, at a hundredth of the time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables WHERE relname <> ALL(%s)",
            [list(LOGS)],
        )
        return int(cursor.fetchone()[0])
