"""Pages of files: what each role sees and does, the shared page, uploads step by step and without JavaScript."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.core.files.models import FileVersion, ShareLink, StoredFile
from portal.core.files.services import file_create
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast, session_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


def client(user: Any, **more: Any) -> Client:
    made = Client(**more)
    made.cookies["sessionid"] = session_of(user)
    return made


def file_of(cast: Cast, content: bytes = b"hello") -> StoredFile:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return file_create(stream=[content], filename="note.txt", by=cast.alice, tags=["well"])


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_list_trash_and_figures(cast: Cast) -> None:
    file, alice = file_of(cast), client(cast.alice)

    assert "note.txt" in text(alice.get("/files", {"q": "NOTE", "tag": "well", "scan": "not_scanned"}))
    assert "note.txt" not in text(alice.get("/files", {"kind": "image"}))
    assert "note.txt" in text(client(cast.carol).get("/files"))
    assert "note.txt" not in text(client(cast.bob).get("/files"))  # an agent sees what is theirs
    assert client(cast.mallory).get(f"/files/{file.pk}").status_code == 404
    alice.post("/files/delete", {"ids": [file.pk]})
    assert "note.txt" in text(alice.get("/files/trash"))
    assert client(cast.carol).post("/files/delete", {"ids": [file.pk]}).status_code == 403
    alice.post("/files/trash/act", {"ids": [file.pk], "act": "restore"})
    assert alice.get(f"/files/{file.pk}").status_code == 200
    assert "text/plain" in text(alice.get("/files/stats"))
    alice.post("/files/delete", {"ids": [file.pk]})
    alice.post("/files/trash/act", {"ids": [file.pk], "act": "purge"})
    with platform():
        assert StoredFile.objects.get().purged_at is not None
        assert FileVersion.objects.count() == 0


def test_change_versions_and_download(cast: Cast) -> None:
    file, alice = file_of(cast), client(cast.alice)
    address = f"/files/{file.pk}"

    said = {"filename": "b.txt", "category": "report", "description": "<b>x</b>", "tags": "a، b", "version": 1}
    assert alice.post(f"{address}/edit", said).status_code == 302
    assert alice.post(f"{address}/edit", said).status_code == 422  # somebody else was faster
    alice.post(f"{address}/versions", {"file": SimpleUploadedFile("new.txt", b"two"), "comment": "second"})
    with tenant(cast.a.pk):
        first = FileVersion.objects.get(number=1)
        assert StoredFile.objects.get().tags == ["a", "b"]
    alice.post(f"{address}/versions/{first.pk}/restore")

    page = text(alice.get(address))
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "second" in page
    answer = alice.get(f"{address}/download")
    assert b"".join(answer.streaming_content) == b"hello"
    assert b"".join(alice.get(f"{address}/download/2").streaming_content) == b"two"


def test_upload_step_by_step_and_without_javascript(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.core.files.uploads.PART", 4)
    alice = client(cast.alice)

    begun = alice.post("/files/uploads", {"filename": "note.txt", "size": "6", "category": "report"}).json()
    address = f"/files/uploads/{begun['id']}"
    assert alice.put(f"{address}/2", b"lo", content_type="application/octet-stream").status_code == 200
    assert alice.post(f"{address}/finish").json()["code"] == "PARTS_MISSING"
    assert alice.get(address).json()["received"] == [2]
    assert alice.put(f"{address}/1", b"hell", content_type="application/octet-stream").status_code == 200
    made = alice.post(f"{address}/finish").json()
    assert "note.txt" in text(alice.get(made["url"]))
    assert alice.post("/files/uploads", {"filename": "a.exe", "size": "6"}).status_code == 415
    assert client(cast.carol).post("/files/uploads", {}).status_code == 403

    sent = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.png", b"no picture")]
    page = text(alice.post("/files/upload", {"file": sent}, follow=True))
    assert "b.png" in page
    with platform():
        assert StoredFile.objects.count() == 2


@pytest.mark.parametrize(
    ("language", "word"), [("ar", 'dir="rtl"'), ("fr", 'lang="fr"'), ("en", "Somebody shares a file with you")]
)
def test_shared_page(cast: Cast, language: str, word: str) -> None:
    file = file_of(cast)
    said = {"days": 3, "max_downloads": 2, "password": "open sesame", "note": "for the town"}
    page = text(client(cast.alice).post(f"/files/{file.pk}/share", said))
    address = "/s/" + page.split("/s/")[1].split('"')[0]
    visitor = Client(headers={"Accept-Language": language})

    shown = visitor.get(address)
    assert word in text(shown)
    assert "note.txt" in text(shown)
    assert visitor.post(address, {"password": "wrong"}).status_code == 403
    answer = visitor.post(address, {"password": "open sesame"})
    assert b"".join(answer.streaming_content) == b"hello"
    client(cast.alice).post(f"/files/{file.pk}/share/revoke")
    assert visitor.get(address).status_code == 404
    with platform():
        assert ShareLink.objects.get().downloads == 1
