"""Pages of submissions and webhooks, and what submissions create in other rooms."""

import io
import json
import zipfile
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from portal.collect.forms import services as forms
from portal.collect.models import Submission, Webhook, WebhookDelivery
from portal.collect.submissions import outside, receiving, webhooks
from portal.collect.submissions.choices import DeliveryStatus
from portal.collect.submissions.jobs import export
from portal.core.common.errors import Invalid
from portal.core.files.models import StoredFile
from portal.core.files.services import file_create
from portal.core.files.storage import opened
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import Running
from portal.core.projects import services as projects
from portal.core.projects.models import Task
from portal.core.tenancy.scope import tenant
from portal.lab.models import Sample
from tests.api.conftest import Cast, cast

__all__ = ["cast"]
FIELDS: list[dict[str, Any]] = [
    {"id": "village", "type": "text", "label": {"ar": "الدوار", "en": "Village"}, "required": True},
    {
        "id": "use",
        "type": "select",
        "label": "Use",
        "choices": [{"value": "d", "label": {"en": "Drinking", "ar": "شرب"}}],
    },
    {"id": "pumps", "type": "repeat", "label": "Pumps", "fields": [{"id": "maker", "type": "text", "label": "Maker"}]},
    {"id": "place", "type": "geopoint", "label": "Place"},
]
SAID: dict[str, Any] = {
    "village": "أولاد عبو", "use": "d", "pumps": [{"maker": "Caprari"}], "place": {"lat": 33.1, "lng": -7.5},
}  # fmt: skip


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="portal.core.accounts.backends.EmailBackend")
    return client


def prepared(cast: Cast, **more: Any) -> tuple[Any, list[dict[str, Any]]]:
    """A form of a new project, and two submissions of it by its member."""
    alice, bob = cast.alice.user, cast.bob.user
    project, _new = projects.project_create(data={"name": "Wells", "memberIds": [str(bob.pk)]}, by=alice)
    data = {"projectId": str(project["id"]), "name": "Inspection", "schema": {"fields": FIELDS}, **more}
    form = forms.form_create(data=data, by=alice)
    items = [{"formId": str(form.pk), "answers": SAID, "localSyncId": str(uuid4())} for _ in range(2)]
    done = receiving.submissions_create(items=items, by=bob)
    assert all(item.created for item in done), [item.error for item in done]
    return form, [item.stored for item in done if item.stored]


@pytest.mark.covers("003-UI-01", "C54")
def test_pages(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.user.actor()):
        form, (first, second) = prepared(cast)
    alice, carol, mallory = (signed_in(person.user) for person in (cast.alice, cast.carol, cast.mallory))
    page, project = f"/submissions/{first['id']}", f"/projects/{form.project_id}/submissions"

    listed = alice.get(f"/submissions?form_={form.pk}&a-use=d").content.decode()
    assert listed.count("أولاد عبو") == 2
    assert "Drinking" in listed
    assert "أولاد عبو" not in alice.get(f"/submissions?form_={form.pk}&a-village=x").content.decode()
    assert alice.get(f"/submissions?form_={form.pk}&sort=-answer_village").status_code == 200
    shown = alice.get(f"/submissions/{second['id']}").content.decode()
    words = ("Village", "Drinking", "Caprari", "Same place as another submission", "33.10000")
    assert [word for word in words if word not in shown] == []
    for address in ("/submissions/map", project, f"{project}/map", f"/forms/{form.pk}/webhooks"):
        assert alice.get(address).status_code == 200, address
        assert mallory.get(address).status_code == (200 if address == "/submissions/map" else 404), address
    assert mallory.get(page).status_code == 404
    assert carol.get(f"/forms/{form.pk}/webhooks").status_code == 403
    assert carol.post(f"{page}/review", {"state": "approved"}).status_code == 403
    assert 'id="bulk"' not in carol.get("/submissions").content.decode()

    alice.post(f"{page}/review", {"state": "rejected"})  # without a note
    alice.post("/submissions/review", {"ids": [second["id"]], "state": "approved"})
    alice.post(f"{page}/comments", {"content": "Which well?"})
    assert "Which well?" in alice.get(page).content.decode()
    with tenant(cast.a.pk):
        states = dict(Submission.objects.values_list("pk", "review_state"))
        assert (states[first["id"]], states[second["id"]]) == ("received", "approved")
    csv = b"".join(alice.get(f"/submissions/export.csv?form_={form.pk}").streaming_content).decode()
    assert csv.count("أولاد عبو") == 2
    waiting = alice.get("/submissions/export.zip")
    assert waiting.status_code == 302
    assert alice.get(waiting["Location"]).status_code == 200
    assert mallory.get(waiting["Location"]).status_code == 404
    alice.post(f"{page}/delete")
    assert alice.get(page).status_code == 404


def test_a_worker_makes_large_workbooks_and_archives_of_media(cast: Cast) -> None:
    by = cast.alice.user.actor()
    with tenant(cast.a.pk, by=by):
        form, (first, _second) = prepared(cast)
        file_create(
            stream=io.BytesIO(b"well 7, closed"),
            filename="note.txt",
            by=cast.bob.user,
            links_to=[("submission", first["id"])],
        )
        running = Running(uuid4(), cast.a.pk, by)
        made = export(running, kind="xlsx", filters={"form": str(form.pk)})
        assert (made["rows"], made["filename"]) == (2, "submissions.xlsx")
        media = export(running, kind="zip", filters={"form": str(form.pk)})
        assert (media["rows"], media["filename"]) == (1, "submissions-media.zip")
        blob = StoredFile.objects.get(pk=media["fileId"]).current.blob
        with opened(blob.key) as archive, zipfile.ZipFile(archive) as held:
            assert held.namelist() == [f"{first['id']}/note.txt"]
    shown = signed_in(cast.alice.user).get(f"/submissions/{first['id']}").content.decode()
    assert "note.txt" in shown


def test_mapped_forms_create_samples_and_tasks_once(cast: Cast) -> None:
    sample = {"target": "sample", "fields": {"type": "=groundwater", "location": "village"}}
    with tenant(cast.a.pk, by=cast.bob.user.actor()):
        form, stored = prepared(cast, mapping=sample)
        made = Sample.objects.get(pk=stored[0]["linked"]["id"])
        assert (made.location, made.type, made.latitude, made.collector_name) == (
            "أولاد عبو",
            "groundwater",
            33.1,
            "Bob",
        )
        assert made.collection_date == Submission.objects.get(pk=stored[0]["id"]).created_at
        item = {"formId": str(form.pk), "answers": SAID, "localSyncId": str(stored[0]["localSyncId"])}
        assert receiving.submission_create(data=item, by=cast.bob.user)[1] is False
        assert Sample.objects.count() == 2

        task = {"target": "task", "fields": {"title": "village", "priority": "=high"}}
        newer = forms.form_update(id=form.pk, data={"mapping": task}, by=cast.alice.user)
        assert newer.version == 2
        fresh = receiving.submission_create(data={**item, "localSyncId": str(uuid4())}, by=cast.bob.user)[0]
        assert Task.objects.get(pk=fresh["linked"]["id"]).title == "أولاد عبو"
        older = receiving.submission_create(
            data={**item, "localSyncId": str(uuid4()), "formVersion": 1}, by=cast.bob.user
        )[0]
        assert older["linked"]["type"] == "sample"  # by the version that was filled in
        bad = {"target": "sample", "fields": {"type": "=no such type", "location": "village"}}
        forms.form_update(id=form.pk, data={"mapping": bad}, by=cast.alice.user)
        kept = receiving.submission_create(data={**item, "localSyncId": str(uuid4())}, by=cast.bob.user)[0]
        assert kept["linked"] is None
        assert "NOT_CREATED" in {flag["code"] for flag in kept["flags"]}
        with pytest.raises(Invalid):
            forms.form_update(id=form.pk, data={"mapping": {"target": "moon", "fields": {}}}, by=cast.alice.user)
    assert signed_in(cast.alice.user).get(f"/submissions/{stored[0]['id']}").status_code == 200


def test_webhooks_are_retried_and_signed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, bytes, dict[str, str]]] = []
    answers = iter([(500, "busy"), (204, "")])

    def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        sent.append((url, body, headers))
        return next(answers)

    with tenant(cast.a.pk, by=cast.alice.user.actor()):
        form, _stored = prepared(cast)
        hook = webhooks.webhook_create(
            form=form, data={"name": "n", "url": "https://example.org/x"}, by=cast.alice.user
        )
        item = {"formId": str(form.pk), "answers": SAID}
        receiving.submission_create(data=item, by=cast.bob.user)
        monkeypatch.setattr(outside, "post", post)
        assert webhooks.deliver_next()
        row = WebhookDelivery.objects.get()
        assert (row.status, row.attempts, row.answer_status, row.error) == (DeliveryStatus.WAITING, 1, 500, "busy")
        assert row.due_at > row.updated_at
        assert not webhooks.deliver_next()  # not yet
        webhooks.delivery_retry(hook=hook, id=row.pk, by=cast.alice.user)
        assert webhooks.deliver_next()
        row.refresh_from_db()
        assert (row.status, row.answer_status) == (DeliveryStatus.DELIVERED, 204)
        _url, body, headers = sent[1]
        wanted = webhooks.signature(Webhook.objects.get().secret, headers["X-Marsad-Timestamp"], body)
        assert headers["X-Marsad-Signature"] == f"sha256={wanted}"
        assert json.loads(body)["submission"]["answers"] == SAID
        assert Job.objects.filter(kind="collect.deliver").count() == 2
        assert not StoredFile.objects.exists()

    monkeypatch.undo()
    for address in ("10.1.2.3", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "100.64.0.1", "fd00::1"):
        monkeypatch.setattr(outside.socket, "getaddrinfo", lambda *a, to=address, **k: [(0, 0, 0, "", (to, 443))])
        with pytest.raises(OSError, match="private"):
            outside.post("https://rebinding.example.org/", b"", {})
