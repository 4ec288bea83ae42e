# ruff: noqa: E501
"""Pages of forms: building, publishing with its verdict, versions, workbooks, and filling in without a script."""

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from openpyxl import load_workbook

from portal.collect.forms.models import Form
from portal.collect.submissions.models import Submission
from portal.core.files.models import FileLink
from portal.core.projects import services as projects
from portal.core.tenancy.scope import tenant
from tests.collect.test_xlsform import STANDARD, book
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, page

pytestmark = pytest.mark.django_db
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def a_project(cast: Cast) -> UUID:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row, _new = projects.project_create(data={"name": "رصد الآبار", "status": "Active"}, by=cast.alice)
        return row["id"]  # type: ignore[no-any-return]


def the_form(cast: Cast) -> Form:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return Form.objects.get()


def the_submissions(cast: Cast) -> list[Submission]:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return list(Submission.objects.order_by("created_at"))


@pytest.mark.django_db(transaction=True)
def test_steps_of_the_builder_at_one_moment_lose_nothing(cast: Cast) -> None:
    """A field is kept while its row is moved, and two people work on one form."""
    project, alice = a_project(cast), page(cast.alice)
    alice.post("/forms/new", {"name": "معاينة", "project": str(project)})
    builder, barrier, people = f"/forms/{the_form(cast).pk}/builder", Barrier(6), [page(cast.alice) for _ in range(6)]

    def add(client: Client) -> int:
        try:
            barrier.wait()
            return client.post(f"{builder}/add", {"type": "number"}, headers=FRAGMENT).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(add, people)) == {200}

    assert the_form(cast).draft.count('"type":"number"') == 6


@pytest.mark.covers("003-SCH-02", "003-SCH-03", "003-SCH-04", "003-SCH-05", "003-SCH-06", "003-SCH-07", "003-SCH-08")
def test_a_form_is_built_published_filled_in_changed_and_compared(cast: Cast) -> None:
    project, alice, bob = a_project(cast), page(cast.alice), page(cast.bob)
    made = alice.post("/forms/new", {"name": "معاينة الآبار", "project": str(project)})
    form = the_form(cast)
    builder = f"/forms/{form.pk}/builder"
    assert (made.status_code, made.headers["Location"], form.version) == (302, builder, 0)

    # built step by step; a step that would make no schema is refused whole
    for kind in ("text", "integer", "select", "repeat"):
        assert alice.post(f"{builder}/add", {"type": kind}, headers=FRAGMENT).status_code == 200
    assert alice.post(f"{builder}/add", {"type": "number", "after": "repeat_1"}, headers=FRAGMENT).status_code == 200
    said = {
        "id": "name", "label.en": "Name of the well", "label.ar": "اسم البئر", "required": "1", "min": "2", "pattern": "[^0-9]+",
    }  # fmt: skip
    answer = alice.post(f"{builder}/text_1/change", said, headers=FRAGMENT)
    assert (answer.status_code, "اسم البئر" in answer.text) == (200, True)
    choices = {
        "label.en": "Kind", "choice.value": ["well", "spring", ""], "choice.label.ar": ["بئر", "عين", ""],
        "choice.label.fr": ["", "", ""], "choice.label.en": ["Well", "Spring", ""], "choice.filter": ["", "", ""],
        "paste": "tap | حنفية | Robinet | Tap\nnone",
    }  # fmt: skip
    assert alice.post(f"{builder}/select_1/change", choices, headers=FRAGMENT).status_code == 200
    refused = alice.post(
        f"{builder}/integer_1/change", {"label.en": "Depth", "relevant": "${nothing} = 1"}, headers=FRAGMENT
    )
    assert (refused.status_code, "There is no field “nothing”." in refused.text) == (422, True)
    depth = {"label.en": "Depth", "id": "depth", "max": "٣٠٠", "relevant": "${select_1} = 'well'", "required": "1"}
    assert alice.post(f"{builder}/integer_1/change", depth, headers=FRAGMENT).status_code == 200
    assert alice.post(f"{builder}/select_1/change", choices | {"id": "kind", "paste": ""}).status_code == 302
    alice.post(f"{builder}/depth/move", {"way": "down"})
    before = the_form(cast).draft
    alice.post(f"{builder}/depth/remove")
    assert '"depth"' not in the_form(cast).draft
    assert alice.post(f"{builder}/undo", {"schema": before}, headers=FRAGMENT).status_code == 200
    assert alice.get(f"{builder}?field=kind").status_code == 200
    assert alice.get(f"{builder}/kind/panel", headers=FRAGMENT).status_code == 200
    assert [f["id"] for f in alice.get(f"/forms/{form.pk}").context["schema"].raw["fields"]] == [
        "name", "kind", "depth", "repeat_1",
    ]  # fmt: skip
    draft = alice.get(f"/forms/{form.pk}").context["schema"]
    assert draft.by_id["depth"].data["relevant"] == "${kind} = 'well'"  # the condition followed the new id
    assert [choice.value for choice in draft.by_id["kind"].choices] == ["well", "spring"]

    # a draft is nobody's but the designers'; a test of it leaves nothing behind
    assert bob.get(f"/forms/{form.pk}").status_code == 404
    tried = alice.post(f"/forms/{form.pk}/try", {"a.name": "A", "a.kind": "spring"})
    assert (tried.status_code, "needs at least 2 characters" in tried.text) == (422, True)
    assert "These answers would be accepted" in alice.post(f"/forms/{form.pk}/try", {"a.name": "Aïn"}).text
    assert alice.get(f"/forms/{form.pk}/publish").status_code == 200
    assert alice.post(f"/forms/{form.pk}/publish").headers["Location"] == f"/forms/{form.pk}"

    # filled in without a script: what is not asked is left out, entries come and go, nothing typed is lost
    fill = f"/forms/{form.pk}/fill"
    assert "اسم البئر" in bob.get(f"{fill}?language=ar").text
    more = bob.post(
        fill, {"a.name": "Ain Chok", "add": "a.repeat_1", "a.repeat_1.#": ["0"], "a.repeat_1.0.number_1": "7,5"}
    )
    assert ('value="7.5"' in more.text, 'name="a.repeat_1.1.number_1"' in more.text, "Ain Chok" in more.text) == (
        True,
    ) * 3
    local = str(uuid4())
    sent = {
        "local": local, "a.name": "Ain Chok", "a.kind": "well", "a.depth": "٤٠٠", "a.repeat_1.#": ["0", "3"],
        "a.repeat_1.0.number_1": "7.5", "a.repeat_1.3.number_1": "x",
    }  # fmt: skip
    wrong = bob.post(fill, sent)
    assert wrong.status_code == 422
    assert [id for id, _message in wrong.context["page"].faults] == ["q-a-depth", "q-a-repeat_1-1-number_1"]
    assert 'value="400"' in wrong.text or 'value="٤٠٠"' in wrong.text
    assert the_submissions(cast) == []
    sent |= {"a.depth": "40", "a.repeat_1.3.number_1": ""}
    for _again in range(2):  # sent twice, it is there once
        assert bob.post(fill, sent).status_code == 302
    (stored,) = the_submissions(cast)
    assert stored.answers == {"name": "Ain Chok", "kind": "well", "depth": 40, "repeat_1": [{"number_1": 7.5}, {}]}
    assert str(stored.local_sync_id) == local

    # the next version: what would break, what changed, and the confirmation for what loses its question
    alice.post(f"{builder}/depth/change", depth | {"max": "10", "relevant": "${kind} = 'well'"})
    alice.post(f"{builder}/name/remove")
    verdict = alice.get(f"/forms/{form.pk}/publish")
    assert verdict.context["breaking"] == ["Name of the well (name)"]
    assert [(line["count"], line["name"]) for line in verdict.context["verdict"]["lines"]] == [
        (1, "Depth (depth)"), (1, "Name of the well (name)"),
    ]  # fmt: skip
    assert alice.post(f"/forms/{form.pk}/publish").status_code == 409
    assert alice.post(f"/forms/{form.pk}/publish", {"confirm": "1"}).status_code == 302
    versions = bob.get(f"/forms/{form.pk}/versions")
    assert [(kind, name) for kind, name, _type, _keys in versions.context["diff"]] == [
        ("removed", "Name of the well (name)"), ("changed", "Depth (depth)"),
    ]  # fmt: skip

    # the rest of its life
    assert alice.post(f"/forms/{form.pk}/active", {"active": "0"}).status_code == 302
    assert bob.post(fill, {"local": str(uuid4()), "a.kind": "spring"}).status_code == 422
    assert (
        alice.post(f"/forms/{form.pk}/edit", {"name": "Wells", "description": "", "min_seconds": "20"}).status_code
        == 302
    )
    assert alice.post(f"/forms/{form.pk}/copy").status_code == 302
    assert "Wells" in alice.get(f"/projects/{project}/forms").text
    assert (page(cast.carol).get(builder).status_code, page(cast.mallory).get(builder).status_code) == (403, 404)
    assert alice.get(f"/forms/{form.pk}/delete").status_code == 200
    assert alice.post(f"/forms/{form.pk}/delete", {"reason": "old"}).headers["Location"] == "/forms"
    assert alice.get(f"/forms/{form.pk}").status_code == 404


def test_a_workbook_becomes_a_form_and_comes_out_again(cast: Cast) -> None:
    project, alice = a_project(cast), page(cast.alice)
    upload = SimpleUploadedFile("household.xlsx", book(**STANDARD).getvalue())

    broken = alice.post("/forms/new", {"project": str(project), "file": SimpleUploadedFile("a.xlsx", b"no workbook")})
    made = alice.post("/forms/new", {"project": str(project), "file": upload})

    assert (broken.status_code, "This is no XLSX workbook." in broken.text) == (422, True)
    form = the_form(cast)
    assert (made.headers["Location"], form.name) == (f"/forms/{form.pk}/builder", "Household")
    assert "needs no question" in alice.get(f"/forms/{form.pk}/builder").text  # the message says what was left out
    alice.post(f"/forms/{form.pk}/publish")
    taken = alice.get(f"/forms/{form.pk}/form.xlsx")
    assert load_workbook(io.BytesIO(taken.content)).sheetnames == ["survey", "choices", "settings"]

    # a file goes through the files of the organisation, and a refused form keeps it
    fill = f"/forms/{form.pk}/fill"
    answers = {
        "local": str(uuid4()), "a.state": "texas", "a.county": "king", "a.age": "30", "a.toppings": ["1", "3"],
        "a.place.lat": "33.5731", "a.place.lng": "-7.5898", "a.agree": "true", "a.when": "2026-02-14",
        "a.child.#": ["0"], "a.child.0.child_name": "Sami", "a.child.0.weight": "10", "language": "ar",
    }  # fmt: skip
    wrong = alice.post(fill, answers | {"a.picture.file": SimpleUploadedFile("well.png", PNG, "image/png")})
    assert [id for id, _message in wrong.context["page"].faults] == ["q-a-county"]
    kept = next(q for q in wrong.context["page"].questions if q.field.id == "picture")
    assert kept.file == "well.png"
    assert alice.post(fill, answers | {"a.county": "cameron", "a.picture": kept.value}).status_code == 302
    (stored,) = the_submissions(cast)
    assert stored.answers["picture"] == kept.value
    with tenant(cast.a.pk, by=cast.alice.actor()):
        assert str(FileLink.objects.get(kind="submission", record_id=stored.pk).file_id) == kept.value
    assert stored.answers["place"] == {"lat": 33.5731, "lng": -7.5898}
    assert stored.answers["child"] == [{"child_name": "Sami", "weight": 10, "pounds": 22}]
