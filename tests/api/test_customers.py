"""Customers on the wire: specification 002 with the contract of the rooms (section 3)."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import openpyxl
import pytest

from portal.core.accounts.models import Role, User
from portal.core.notifications.models import Copy, Event
from portal.core.tenancy.scope import platform, tenant
from portal.crm.customers import registry
from portal.crm.customers.models import Customer, CustomField, NoteRevision
from tests.api.conftest import Cast, Person

pytestmark = pytest.mark.django_db


def data(response: Any, status: int = 200) -> Any:
    body = response.json()
    assert response.status_code == status, body
    return body["data"]


def refused(response: Any, status: int) -> tuple[str, str | None]:
    body = response.json()
    assert response.status_code == status, body
    return body["errors"][0]["code"], body["errors"][0]["field"]


def customer(person: Person, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = data(person.post("/customers", {"companyName": "Atlas Eaux SARL", **more}), 201)
    return made


@contextmanager
def agent(cast: Cast, scope: str) -> Iterator[Person]:
    """A person who may see and edit customers within `scope`."""
    from portal.core.accounts import tokens

    with platform():
        role = Role.objects.create(
            organization=cast.a,
            key=f"sales-{scope}",
            name=f"Sales {scope}",
            permissions=[f"customers.view:{scope}", f"customers.edit:{scope}"],
        )
        user = User(email=f"{scope}@example.test", name=f"Dina {scope}", organization=cast.a, role=role)
        user.department = "Sales"
        user.save()
    yield Person(user, {"Authorization": f"Bearer {tokens.issue(user)[0]}"})


@pytest.mark.covers("E002-007", "E002-008", "E002-009", "E002-010", "E002-011", "E002-012", "C92", "C93")
def test_the_life_of_a_customer(cast: Cast) -> None:
    made = customer(
        cast.alice,
        contactName="أمينة الإدريسي",
        email=" Amina@Atlas.EXAMPLE ",
        phone="٠٥٢٢ ١٢ ٣٤ ٥٦",
        country="Maroc",
        city="الدار البيضاء",
        size="Enterprise",
        status="prospect",
        tags=["VIP", "eau"],
        notes="Key client",
        assignedTo=str(cast.alice.user.pk),
        customFields={"meters": 12},
    )
    assert (made["email"], made["phone"], made["country"]) == ("amina@atlas.example", "+212522123456", "MA")
    assert sorted(tag["name"] for tag in made["tags"]) == ["VIP", "eau"]
    assert made["assignedUser"]["email"] == "alice@example.test"
    assert made["version"] == 1
    assert (made["notes"], data(cast.alice.get(f"/customers/{made['id']}/notes"))) == ("Key client", [])
    assert made["tenantId"] == str(cast.a.pk)
    with tenant(cast.a.pk):
        assert Event.objects.filter(type="customers.changed").exists()

    path = f"/customers/{made['id']}"
    assert refused(cast.alice.put(path, {"city": "Rabat", "version": 9}), 409) == ("VERSION_CONFLICT", None)
    changed = data(
        cast.alice.put(path, {"city": "Rabat", "phone": None, "tags": [made["tags"][0]["id"]], "version": 1})
    )
    assert (changed["city"], changed["phone"], changed["version"], len(changed["tags"])) == ("Rabat", "", 2, 1)
    assert data(cast.alice.patch(path, {"status": "active"}))["status"] == "active"
    body = cast.alice.patch(path, {"status": "lead"})
    assert refused(body, 422)[0] == "ILLEGAL_TRANSITION"
    assert body.json()["meta"]["allowed"] == ["inactive", "churned"]
    lost = data(cast.alice.patch(path, {"status": "churned", "statusReason": "price"}))
    assert lost["statusReason"] == "price"
    assert data(cast.alice.patch(path, {"status": "active"}))["statusReason"] == ""

    for wrong, field in (
        ({"email": "no"}, "email"),
        ({"phone": "abc"}, "phone"),
        ({"country": "Atlantis"}, "country"),
        ({"size": "huge"}, "size"),
        ({"status": "gone"}, "status"),
        ({"assignedTo": str(cast.mallory.user.pk)}, "assignedTo"),
        ({"companyName": "", "contactName": ""}, "companyName"),
        ({"tags": [str(uuid4())]}, "tags"),
        ({"customFields": {"a": {}}}, "customFields.a"),
    ):
        assert refused(cast.alice.put(path, wrong), 400) == ("VALIDATION_ERROR", field)
    assert data(cast.alice.get(path))["version"] == 5

    # search finds every spelling, filters are exact, nothing of another organisation
    for text in ("امينه", "AMINA@", "casabl", "لإدريس", "rabat atlas"):
        found = data(cast.carol.get(f"/customers/search?q={text}"))
        assert [row["id"] for row in found] == ([] if text == "casabl" else [made["id"]]), text
    query = "/customers?status=active&country=ma&tags=vip&assignedTo=none"
    assert data(cast.alice.get(query)) == []
    query = f"/customers?status=active&country=MA&city=rabat&tags={made['tags'][0]['name']}&sort=companyName"
    listed = cast.alice.get(query).json()
    assert listed["meta"]["total"] == 1
    assert listed["data"][0]["tags"]
    assert data(cast.mallory.get("/customers")) == []
    assert refused(cast.mallory.get(path), 404)[0] == "RESOURCE_NOT_FOUND"
    assert cast.bob.get("/customers").status_code == 403
    assert refused(cast.carol.put(path, {"city": "Fes"}), 403)[0] == "PERMISSION_DENIED"

    data(cast.alice.delete(path))
    assert cast.alice.get(path).status_code == 404


def test_duplicates_are_suspected(cast: Cast) -> None:
    first = customer(cast.alice, email="a@x.example", phone="+212522123456", country="MA", taxNumber="ICE 0012-34")
    for more, match in (
        ({"companyName": "Autre", "email": "A@X.example"}, "email"),
        ({"companyName": "Autre", "phone": "05 22 12 34 56"}, "phone"),
        ({"companyName": "Autre", "taxNumber": "ice001234"}, "taxNumber"),
        ({"companyName": "ATLAS EAUX S.A.R.L.", "country": "Morocco"}, "name"),
    ):
        answer = cast.alice.post("/customers", more)
        assert refused(answer, 409)[0] == "DUPLICATE_SUSPECTED"
        [candidate] = answer.json()["meta"]["candidates"]
        assert candidate["id"] == first["id"]
        assert candidate["match"] == [match]
    assert data(cast.alice.get("/customers?limit=5"))
    assert len(data(cast.alice.get("/customers"))) == 1
    other = customer(cast.alice, country="YE")  # the same name in another country
    twin = customer(cast.alice, country="MA", force=True)
    assert (
        refused(cast.alice.put(f"/customers/{twin['id']}", {"email": "a@x.example"}), 409)[0] == "DUPLICATE_SUSPECTED"
    )
    assert data(cast.alice.put(f"/customers/{twin['id']}", {"city": "Fes"}))["version"] == 2
    data(cast.alice.put(f"/customers/{other['id']}", {"externalId": "C-1"}))
    assert refused(cast.alice.post("/customers", {"contactName": "B", "externalId": "C-1", "force": True}), 409)[0] == (
        "DUPLICATE"
    )


def test_custom_fields_have_types(cast: Cast) -> None:
    with tenant(cast.a.pk):
        CustomField.objects.create(organization=cast.a, key="meters", label="Meters", kind="number")
        CustomField.objects.create(organization=cast.a, key="zone", label="Zone", kind="choice", options=["N", "S"])
    assert customer(cast.alice, customFields={"meters": "١٢", "zone": "N"})["customFields"] == {
        "meters": 12,
        "zone": "N",
    }
    for wrong in ({"meters": "many"}, {"zone": "W"}, {"other": 1}):
        answer = cast.alice.post("/customers", {"companyName": "B", "customFields": wrong})
        assert refused(answer, 400)[1] == f"customFields.{next(iter(wrong))}"


@pytest.mark.covers("002-SEC-07")
def test_scoped_rights_see_their_own(cast: Cast) -> None:
    theirs = customer(cast.alice)
    with agent(cast, "own") as dina, agent(cast, "team") as team:
        mine = customer(dina, companyName="Hers")
        assert mine["assignedTo"] == str(dina.user.pk)  # else she would not see what she made
        assert [row["id"] for row in data(dina.get("/customers"))] == [mine["id"]]
        assert dina.get(f"/customers/{theirs['id']}").status_code == 404
        assert data(dina.get("/customers/stats"))["total"] == 1
        answer = dina.post("/customers", {"companyName": "Atlas Eaux"})
        assert answer.json()["meta"]["candidates"] == [{"id": None, "match": ["name"]}]
        assert [row["id"] for row in data(team.get("/customers"))] == [mine["id"]]
        results = data(dina.post("/customers/bulk/update", {"ids": [theirs["id"]], "changes": {"city": "X"}}))
        assert results["results"][0]["error"]["code"] == "RESOURCE_NOT_FOUND"


@pytest.mark.covers("E002-007", "002-CUS-01")
def test_the_list_takes_every_filter_of_the_specification(cast: Cast) -> None:
    me = str(cast.alice.user.pk)
    firm = customer(
        cast.alice, companyName="Brasserie", status="active", industry="Food", size="small", assignedTo=me, tags=["VIP"]
    )
    other = customer(cast.alice, companyName="Atelier", status="lead", industry="Steel", size="large", tags=["Old"])
    for query, expected in (
        ("status=active", [firm]), ("industry=Food", [firm]), ("size=small", [firm]), (f"assignedTo={me}", [firm]),
        ("tags=VIP", [firm]), ("search=brass", [firm]), ("status=active&industry=Steel", []), ("tags=None", []),
        ("sort=companyName", [other, firm]), ("sort=companyName&order=desc", [firm, other]),
    ):  # fmt: skip
        assert [row["id"] for row in data(cast.alice.get(f"/customers?{query}"))] == [one["id"] for one in expected], (
            query
        )


@pytest.mark.covers("E002-015", "E002-016", "E002-018", "E002-019", "E002-020")
def test_tags_notes_and_timeline(cast: Cast) -> None:
    made = customer(cast.alice, tags=["Eau"])
    path = f"/customers/{made['id']}"
    tag = data(cast.alice.post("/customers/tags", {"name": "VIP", "color": "#F59E0B"}), 201)
    assert tag["color"] == "#f59e0b"
    assert refused(cast.alice.post("/customers/tags", {"name": " vip "}), 409)[0] == "DUPLICATE"
    assert refused(cast.alice.post("/customers/tags", {"name": "x", "color": "red"}), 400)[1] == "color"
    assert [(row["name"], row["usage"]) for row in data(cast.carol.get("/customers/tags"))] == [("Eau", 1), ("VIP", 0)]
    merged = cast.alice.post("/customers/tags/merge", {"target": tag["id"], "sources": [made["tags"][0]["id"]]})
    assert data(merged) == {"moved": 1}
    assert data(cast.alice.put(f"/customers/tags/{tag['id']}", {"name": "Gold"}))["name"] == "Gold"
    assert [one["name"] for one in data(cast.alice.get(path))["tags"]] == ["Gold"]
    data(cast.alice.delete(f"/customers/tags/{tag['id']}"))
    assert data(cast.alice.get(path))["tags"] == []

    note = data(
        cast.alice.post(f"{path}/notes", {"content": "Call **@carol** <script>x</script>", "isPinned": True}), 201
    )
    assert note["html"] == '<p dir="auto">Call <strong>@carol</strong> &lt;script&gt;x&lt;/script&gt;</p>'
    assert note["mentions"] == [str(cast.carol.user.pk)]
    assert note["createdBy"] == str(cast.alice.user.pk)
    data(cast.alice.post(f"{path}/notes", {"content": "mine", "isPrivate": True}), 201)
    assert len(data(cast.alice.get(f"{path}/notes"))) == 2
    assert [row["id"] for row in data(cast.carol.get(f"{path}/notes"))] == [note["id"]]
    assert refused(cast.alice.post(f"{path}/notes", {"content": "  "}), 400)[1] == "content"
    assert cast.carol.post(f"{path}/notes", {"content": "x"}).status_code == 403
    with tenant(cast.a.pk):
        assert Copy.objects.filter(notification__kind="customer.mentioned").count() == 1
    data(cast.alice.patch(f"{path}/notes/{note['id']}", {"content": "Soon"}))
    with platform():
        assert not NoteRevision.objects.exists()
        from portal.crm.models import CustomerNote

        CustomerNote.objects.update(created_at="2026-01-01T00:00:00Z")
    data(cast.alice.patch(f"{path}/notes/{note['id']}", {"content": "Later"}))
    with platform():
        assert NoteRevision.objects.get().content == "Soon"

    data(cast.alice.patch(path, {"status": "active"}))
    answer = cast.alice.get(f"{path}/activity?limit=3").json()
    assert [row["type"] for row in answer["data"]] == ["customer.updated", "note.updated", "note.updated"]
    assert answer["data"][0]["description"] == "Status changed from Lead to Active"
    rest = data(cast.alice.get(f"{path}/activity?cursor={answer['meta']['nextCursor']}"))
    assert [row["type"] for row in rest] == ["note.added", "note.added", "customer.created"]
    seen = data(cast.carol.get(f"{path}/activity?type=note"))  # not of the private one
    assert [row["type"] for row in seen] == ["note.updated", "note.updated", "note.added"]
    assert refused(cast.alice.get(f"{path}/activity?cursor=x"), 400)[1] == "cursor"
    data(cast.alice.delete(f"{path}/notes/{note['id']}"))


@pytest.mark.covers("E002-017", "E002-021", "E002-022", "E002-023", "E002-024")
def test_many_at_once_and_figures(cast: Cast) -> None:
    ids = [customer(cast.alice, companyName=f"Firm {n}", status="active", country="MA")["id"] for n in range(4)]
    nobody = str(uuid4())

    got = data(cast.alice.post("/customers/bulk/update", {"ids": [*ids, nobody], "changes": {"industry": "Water"}}))
    assert (got["succeeded"], got["failed"]) == (4, 1)
    assert got["results"][-1] == {"id": nobody, "success": False, "error": got["results"][-1]["error"]}
    got = data(cast.alice.post("/customers/bulk/update", {"ids": ids[:2], "changes": {"status": "lead"}}))
    assert [row["error"]["code"] for row in got["results"]] == ["ILLEGAL_TRANSITION"] * 2
    assert refused(cast.alice.post("/customers/bulk/update", {"ids": ids, "changes": {"email": "x"}}), 400)[1] == (
        "changes.email"
    )
    people = [str(cast.alice.user.pk), str(cast.bob.user.pk)]
    assert data(cast.alice.post("/customers/bulk/assign", {"ids": ids, "assignedTo": people}))["succeeded"] == 4
    with tenant(cast.a.pk):
        assert not Copy.objects.filter(notification__kind="customer.assigned").exists()  # bob sees no customers
    for mode, names in (("add", ["A", "B"]), ("remove", ["B"]), ("set", ["C"])):
        assert data(cast.alice.post("/customers/bulk/tag", {"ids": ids, "tags": names, "mode": mode}))["succeeded"] == 4
    assert refused(cast.alice.post("/customers/bulk/tag", {"ids": ids, "tags": ["A"], "mode": "x"}), 400)[1] == "mode"
    assert refused(cast.alice.post("/customers/bulk/delete", {"ids": [nobody] * 201}), 413)[0] == "PAYLOAD_TOO_LARGE"

    data(cast.alice.patch(f"/customers/{ids[0]}", {"status": "churned"}))
    figures = data(cast.carol.get("/customers/stats"))
    assert (figures["total"], figures["active"], figures["new"], figures["growth"]) == (4, 3, 4, None)
    assert figures["byStatus"] == {"lead": 0, "prospect": 0, "active": 3, "inactive": 0, "churned": 1}
    assert (figures["byIndustry"], figures["byCountry"], figures["byTag"]) == ({"Water": 4}, {"MA": 4}, {"C": 4})
    assert figures["byOwner"] == {people[0]: 2, people[1]: 2}
    assert figures["owners"][people[1]] == "Bob"
    assert (figures["inactive90d"], figures["churn"]) == (0, None)
    with platform():
        from portal.crm.models import StatusChange

        Customer.objects.update(created_at="2026-01-05T00:00:00Z")
        StatusChange.objects.filter(to_status="active").update(changed_at="2026-01-05T00:00:00Z")
    assert data(cast.carol.get("/customers/stats"))["churn"] == 25.0
    assert data(cast.carol.get("/customers/stats?dateFrom=2026-01-01&dateTo=2026-01-31"))["new"] == 4

    assert cast.carol.post("/customers/bulk/delete", {"ids": ids}).status_code == 403
    got = data(cast.alice.post("/customers/bulk/delete", {"ids": ids[:3]}))
    assert got["succeeded"] == 3
    assert data(cast.alice.get("/customers/stats"))["total"] == 1


def test_what_is_in_use_stays(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_references", dict(registry.references()))
    made, archived = customer(cast.alice), []
    registry.register_reference(
        CustomField,
        "customer",
        in_use=lambda ids: {id: ["Deal 1"] for id in ids},
        archive=lambda id, by: archived.append(id),
    )
    answer = cast.alice.delete(f"/customers/{made['id']}")
    assert refused(answer, 409)[0] == "IN_USE"
    assert answer.json()["meta"]["inUse"] == ["Deal 1"]
    got = data(cast.alice.post("/customers/bulk/delete", {"ids": [made["id"]]}))
    assert got["results"][0]["error"]["code"] == "IN_USE"
    data(cast.alice.delete(f"/customers/{made['id']}?cascade=archive"))
    assert [str(id) for id in archived] == [made["id"]]


def test_merge_and_split(cast: Cast) -> None:
    target = customer(cast.alice, country="MA", tags=["A"], customFields={"a": 1})
    source = customer(
        cast.alice, country="YE", email="s@x.example", city="Sanaa", tags=["B"], externalId="Y-7", customFields={"b": 2}
    )
    note = data(cast.alice.post(f"/customers/{source['id']}/notes", {"content": "hers"}), 201)
    body = {"target": target["id"], "sources": [source["id"]], "fieldChoices": {"country": source["id"]}}

    preview = data(cast.alice.post("/customers/merge", {**body, "dryRun": True}))
    assert preview["mergeId"] is None
    assert preview["target"]["country"] == "YE"
    assert preview["moved"]["customernote"] == 1
    assert data(cast.alice.get(f"/customers/{target['id']}"))["country"] == "MA"

    made = data(cast.alice.post("/customers/merge", body))
    got = made["target"]
    assert (got["country"], got["email"], got["externalId"], got["city"]) == ("YE", "s@x.example", "Y-7", "Sanaa")
    assert [tag["name"] for tag in got["tags"]] == ["A", "B"]
    assert got["customFields"] == {"a": 1, "b": 2}
    assert cast.alice.get(f"/customers/{source['id']}").status_code == 404
    assert [row["id"] for row in data(cast.alice.get(f"/customers/{target['id']}/notes"))] == [note["id"]]
    types = [row["type"] for row in data(cast.alice.get(f"/customers/{target['id']}/activity"))]
    assert types[0] == "customer.merged"
    assert types.count("customer.created") == 2

    data(cast.alice.put(f"/customers/{target['id']}", {"city": "Aden"}))
    back = data(cast.alice.post(f"/customers/merges/{made['mergeId']}/split"))
    assert (back["country"], back["email"], back["externalId"], back["city"]) == ("MA", "", "", "Aden")
    assert [tag["name"] for tag in back["tags"]] == ["A"]
    assert back["customFields"] == {"a": 1}
    again = data(cast.alice.get(f"/customers/{source['id']}"))
    assert (again["email"], again["externalId"], again["tags"][0]["name"]) == ("s@x.example", "Y-7", "B")
    assert [row["id"] for row in data(cast.alice.get(f"/customers/{source['id']}/notes"))] == [note["id"]]
    assert refused(cast.alice.post(f"/customers/merges/{made['mergeId']}/split"), 422)[0] == "ILLEGAL_TRANSITION"
    assert cast.carol.post("/customers/merge", body).status_code == 403
    assert cast.mallory.post("/customers/merge", body).status_code == 404
    assert refused(cast.alice.post("/customers/merge", {**body, "sources": [target["id"]]}), 400)[1] == "sources"


@pytest.mark.covers("E002-013", "002-CUS-02")
def test_export_in_three_formats(cast: Cast) -> None:
    customer(cast.alice, companyName="=SUM(1)", tags=["A", "B"], country="MA")
    customer(cast.alice, companyName="ماء الأطلس", country="YE")

    text = b"".join(cast.alice.get("/customers/export?country=MA").streaming_content).decode("utf-8-sig")
    head, row = text.splitlines()
    assert head.startswith("id,companyName,")
    assert ",'=SUM(1)," in row
    assert "A; B" in row
    rows = json.loads(b"".join(cast.alice.get("/customers/export?format=json&sort=companyName").streaming_content))
    assert [row["companyName"] for row in rows] == ["=SUM(1)", "ماء الأطلس"]
    book = openpyxl.load_workbook(
        io.BytesIO(b"".join(cast.alice.get("/customers/export?format=xlsx").streaming_content))
    )
    assert book.active is not None
    assert book.active.max_row == 3
    assert cast.carol.get("/customers/export").status_code == 403
    assert cast.alice.get("/customers/export?format=pdf").status_code == 400
