"""Files over the API: every endpoint of specification 002 with what it answers."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from portal.core.audit.models import Action
from portal.core.common import clock
from portal.core.files.models import Blob, ShareAccess, ShareLink, StoredFile
from portal.core.tenancy.scope import platform
from tests.api.conftest import Cast, Person

pytestmark = pytest.mark.django_db
TEXT = b"Well 4, sample of the spring\n"


def upload(
    person: Person, content: bytes = TEXT, name: str = "note.txt", *, path: str = "/files/upload", **headers: str
) -> Any:
    file = SimpleUploadedFile(name, content, content_type=headers.pop("content_type", "application/octet-stream"))
    fields = {"file": file, **{key[1:]: headers.pop(key) for key in list(headers) if key.startswith("_")}}
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Client().post(f"/api/v1{path}", fields, headers={**person.headers, **named})


def made(person: Person, *args: Any, **more: Any) -> dict[str, Any]:
    answer = upload(person, *args, **more)
    assert answer.status_code == 201, answer.content
    return dict(answer.json()["data"])


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.covers("E002-130", "E002-131", "E002-133", "002-FIL-01", "000-IMG-01")
def test_upload_with_the_headers_of_the_specification_and_download(cast: Cast, trail: Any) -> None:
    file = made(
        cast.bob,
        name="../ملاحظة.txt",
        X_File_Category="document",
        X_File_Description="%D8%A8%D8%A6%D8%B1",
        X_File_Public="false",
    )

    assert file["filename"] == "ملاحظة.txt"
    assert (file["category"], file["description"], file["isPublic"]) == ("document", "بئر", False)
    assert (file["size"], file["contentType"]) == (len(TEXT), "text/plain")
    assert file["checksumSha256"] == hashlib.sha256(TEXT).hexdigest()
    assert (file["scanStatus"], file["status"], file["versionNumber"]) == ("not_scanned", "available", 1)
    assert cast.bob.get(f"/files/metadata/{file['id']}").json()["data"]["id"] == file["id"]
    answer = cast.bob.get(f"/files/download/{file['id']}")
    assert (answer.status_code, body(answer)) == (200, TEXT)
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert trail(Action.DOWNLOAD)[0].object_pk == file["id"]
    again = cast.bob.get(f"/files/download/{file['id']}", If_None_Match=answer["ETag"])
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("given", "status", "part", "told"),
    [
        ("bytes=0-3", 206, TEXT[:4], f"bytes 0-3/{len(TEXT)}"),
        ("bytes=5-", 206, TEXT[5:], f"bytes 5-{len(TEXT) - 1}/{len(TEXT)}"),
        ("bytes=-3", 206, TEXT[-3:], f"bytes {len(TEXT) - 3}-{len(TEXT) - 1}/{len(TEXT)}"),
        ("bytes=0-1,4-5", 200, TEXT, None),
        ("bytes=900-", 416, b"", f"bytes */{len(TEXT)}"),
    ],
)
def test_parts_of_a_download(cast: Cast, given: str, status: int, part: bytes, told: str | None) -> None:
    file = made(cast.alice)

    answer = cast.alice.get(f"/files/download/{file['id']}", Range=given)

    assert answer.status_code == status
    assert (body(answer) if answer.streaming else answer.content) == part
    assert answer.get("Content-Range") == told
    old = cast.alice.get(f"/files/download/{file['id']}", Range="bytes=0-1", If_Range='"other"')
    assert (old.status_code, body(old)) == (200, TEXT)


@pytest.mark.covers("004-VAL-03")
@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("run.exe", b"MZ", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("photo.jpg", TEXT, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("photo.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("big.txt", b"x" * (2 * 1024 * 1024 + 1), 413, "PAYLOAD_TOO_LARGE"),
        ("none.txt", b"", 400, "VALIDATION_ERROR"),
    ],
)
def test_refusals(cast: Cast, settings: Any, name: str, content: bytes, status: int, code: str) -> None:
    settings.FILE_LIMITS = {"image": 2 << 20, "video": 2 << 20, "document": 2 << 20}

    answer = upload(cast.bob, content, name)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    with platform():
        assert (StoredFile.objects.count(), Blob.objects.count()) == (0, 0)


def test_what_is_no_upload(cast: Cast) -> None:
    assert upload(cast.carol).status_code == 403
    assert cast.bob.post("/files/upload", {}).status_code == 415
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf'
    short = Client().generic(
        "POST",
        "/api/v1/files/upload",
        head,
        content_type="multipart/form-data; boundary=x",
        headers=cast.bob.headers,
        **{"CONTENT_LENGTH": str(len(head) + 1000), "wsgi.input": BytesIO(head)},
    )
    assert short.status_code == 400
    endless = Client().generic(
        "POST",
        "/api/v1/files/upload",
        head,
        content_type="multipart/form-data; boundary=x",
        headers={**cast.bob.headers, "Transfer-Encoding": "chunked"},
        CONTENT_LENGTH="",
    )
    assert (endless.status_code, endless.json()["errors"][0]["code"]) == (411, "LENGTH_REQUIRED")
    with platform():
        assert StoredFile.objects.count() == 0


def test_an_idempotency_key_looks_at_the_file_and_not_at_the_boundary(cast: Cast) -> None:
    first = upload(cast.bob, Idempotency_Key="k1")
    twin = upload(cast.bob, Idempotency_Key="k1")
    other = upload(cast.bob, b"something else", Idempotency_Key="k1")

    assert twin["Idempotency-Replayed"] == "true"
    assert twin.json()["data"]["id"] == first.json()["data"]["id"]
    assert (other.status_code, other.json()["errors"][0]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_pages_and_drawings_never_go_out_as_such(cast: Cast) -> None:
    page = made(cast.bob, b"<html><script>alert(1)</script>", "page.html")

    answer = cast.bob.get(f"/files/download/{page['id']}")

    assert body(answer).startswith(b"<html>")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="page.html"'


@pytest.mark.covers("E002-134", "E002-135", "E002-136", "E002-138", "002-CACHE-03")
def test_list_search_change_categories_and_figures(cast: Cast) -> None:
    one = made(cast.bob, _tags="well, spring", X_File_Category="report")
    made(cast.alice, b"second", "بئر أحمد.txt")

    changed = cast.bob.put(
        f"/files/metadata/{one['id']}",
        {"name": "Spring.txt", "description": "x", "tags": ["well"], "metadata": {"depth": 4}, "version": 1},
    ).json()["data"]

    assert (changed["filename"], changed["version"], changed["metadata"]) == ("Spring.txt", 2, {"depth": 4})
    stale = cast.bob.patch(f"/files/metadata/{one['id']}", {"description": "y", "version": 1})
    assert (stale.status_code, stale.json()["errors"][0]["code"]) == (409, "VERSION_CONFLICT")
    assert cast.bob.patch(f"/files/metadata/{one['id']}", {"filename": "a.pdf"}).status_code == 400
    assert cast.bob.patch(f"/files/metadata/{one['id']}", {"category": "gossip"}).status_code == 400

    def names(person: Person, query: str = "") -> list[str]:
        return [row["filename"] for row in person.get(f"/files/metadata?sort=createdAt&{query}").json()["data"]]

    assert names(cast.alice) == ["Spring.txt", "بئر أحمد.txt"]
    assert names(cast.alice, "search=احمد") == ["بئر أحمد.txt"]
    assert names(cast.alice, "category=report&tags=well") == ["Spring.txt"]
    assert names(cast.alice, "minSize=10") == ["Spring.txt"]
    assert names(cast.bob) == ["Spring.txt"]  # a technician sees what is theirs
    assert names(cast.carol) == names(cast.alice)
    assert names(cast.mallory) == []
    keys = [row["key"] for row in cast.bob.get("/files/metadata/categories").json()["data"]]
    assert keys == ["document", "image", "report", "contract", "evidence", "other"]
    own = cast.alice.put("/files/metadata/categories/permits", {"name": "Permits", "extensions": ["pdf"]})
    assert own.json()["data"]["key"] == "permits"
    assert upload(cast.bob, X_File_Category="permits").status_code == 415
    figures = cast.alice.get("/files/metadata/stats").json()["data"]
    assert (figures["totalFiles"], figures["totalSize"]) == (2, len(TEXT) + 6)
    assert figures["storage"]["stored"] == len(TEXT) + 6


@pytest.mark.covers("E002-132", "E002-137", "002-FIL-02")
def test_delete_trash_restore_and_bulk(cast: Cast) -> None:
    mine, hers, foreign = made(cast.bob), made(cast.alice, b"hers"), made(cast.mallory, b"far")

    done = cast.bob.post("/files/delete/bulk", {"ids": [mine["id"], hers["id"], foreign["id"]]}).json()["data"]

    assert (done["succeeded"], done["failed"]) == (1, 2)
    assert [row["error"] and row["error"]["code"] for row in done["results"]] == [None, *["RESOURCE_NOT_FOUND"] * 2]
    assert cast.bob.delete(f"/files/delete/{mine['id']}").status_code == 404
    assert cast.bob.get(f"/files/download/{mine['id']}").status_code == 404
    assert [row["id"] for row in cast.bob.get("/files/trash").json()["data"]] == [mine["id"]]
    assert cast.bob.post(f"/files/trash/{mine['id']}/restore").json()["data"]["deletedAt"] is None
    assert cast.alice.delete(f"/files/delete/{mine['id']}").status_code == 200
    assert cast.bob.delete(f"/files/trash/{mine['id']}").status_code == 403
    assert cast.alice.delete(f"/files/trash/{mine['id']}").status_code == 200
    with platform():
        assert Blob.objects.get(sha256=mine["checksumSha256"]).references == 0
        assert StoredFile.objects.get(pk=mine["id"]).purged_at is not None


@pytest.mark.covers("E002-141", "E002-142", "E002-143")
def test_versions_and_restore(cast: Cast) -> None:
    file = made(cast.bob)
    path = f"/files/metadata/{file['id']}/versions"

    second = upload(cast.bob, b"new text", "other.txt", path=path, _comment="corrected").json()["data"]
    wrong = upload(cast.bob, b"{}", "other.json", path=path)
    rows = cast.bob.get(path).json()["data"]
    restored = cast.bob.post(f"{path}/{rows[1]['id']}/restore").json()["data"]

    assert (second["versionNumber"], second["comment"], wrong.status_code) == (2, "corrected", 415)
    assert (restored["versionNumber"], restored["restoredFrom"]) == (3, 1)
    assert body(cast.bob.get(f"/files/download/{file['id']}")) == TEXT
    assert body(cast.bob.get(f"/files/download/{file['id']}?version=2")) == b"new text"
    assert cast.bob.post(f"{path}/{restored['id']}/restore").status_code == 422
    with platform():
        assert sorted(Blob.objects.values_list("references", flat=True)) == [1, 2]


@pytest.mark.covers("E002-144")
def test_without_a_scanner_nothing_is_called_clean(cast: Cast) -> None:
    file = made(cast.bob)

    answer = cast.bob.post(f"/files/metadata/{file['id']}/scan")

    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "not_scanned")


@pytest.mark.covers("C96", "002-SCAL-04")
def test_signed_addresses(cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = made(cast.bob)

    link = cast.bob.get(f"/files/metadata/{file['id']}/download-url").json()["data"]
    path = "/" + link["url"].split("/", 3)[3]

    assert link["url"].startswith(settings.PUBLIC_URL)
    assert body(Client().get(path)) == TEXT
    assert Client().get(path[:-2] + "xx").status_code == 403
    assert body(cast.bob.get(f"/files/download/{file['id']}")) == TEXT
    until = clock.parse_moment(link["expiresAt"])
    assert until is not None
    assert 890 < (until - clock.now()).total_seconds() <= 900
    with monkeypatch.context() as later:
        later.setattr("portal.core.common.clock.now", lambda: until + timedelta(seconds=1))
        assert Client().get(path).status_code == 403
    settings.CDN = "https://cdn.example.org"  # which fetches the same path from here
    link = cast.bob.get(f"/files/metadata/{file['id']}/download-url").json()["data"]
    assert link["url"].startswith("https://cdn.example.org/files/get/")
    assert body(Client().get("/" + link["url"].split("/", 3)[3])) == TEXT


@pytest.mark.covers("000-IMG-02", "001-FR-034", "002-PERF-05")
def test_upload_in_parts_goes_on_after_a_break(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.core.files.uploads.PART", 10)
    said = {"filename": "note.txt", "size": len(TEXT), "sha256": hashlib.sha256(TEXT).hexdigest(), "tags": ["well"]}
    begun = cast.bob.post("/files/uploads", said).json()["data"]
    path = f"/files/uploads/{begun['id']}"

    def put(number: int, content: bytes, length: int | None = None) -> Any:
        more: dict[str, Any] = {} if length is None else {"CONTENT_LENGTH": str(length), "wsgi.input": BytesIO(content)}
        kind = "application/octet-stream"
        address = f"/api/v1{path}/parts/{number}"
        return Client().generic("PUT", address, content, content_type=kind, headers=cast.bob.headers, **more)

    assert put(3, TEXT[20:]).status_code == 200
    assert put(1, TEXT[:4], length=10).status_code == 400  # the line broke
    assert put(4, b"more").status_code == 400
    early = cast.bob.post(f"{path}/complete")
    assert (early.json()["errors"][0]["code"], early.json()["meta"]["missing"]) == ("PARTS_MISSING", [1, 2])
    assert cast.bob.get(path).json()["data"]["received"] == [3]
    assert cast.alice.get(path).status_code == 404
    assert [put(n, TEXT[n * 10 - 10 : n * 10]).status_code for n in (1, 2)] == [200, 200]
    done = cast.bob.post(f"{path}/complete").json()["data"]
    assert (done["tags"], body(cast.bob.get(f"/files/download/{done['id']}"))) == (["well"], TEXT)
    assert cast.bob.post(f"{path}/complete").json()["data"]["id"] == done["id"]
    assert put(1, TEXT[:10]).status_code == 422


def test_direct_upload_is_counted_and_hashed_anew(cast: Cast) -> None:
    said = {"filename": "note.txt", "size": len(TEXT), "direct": True}
    begun = cast.bob.post("/files/uploads", said).json()["data"]
    path = "/" + begun["upload"]["url"].split("/", 3)[3]
    kind = "text/plain"

    assert Client().put(path, TEXT + b"more", content_type=kind).status_code == 413
    assert Client().put(path, TEXT[:3], content_type=kind).status_code == 400
    assert cast.bob.post(f"/files/uploads/{begun['id']}/confirm").json()["errors"][0]["code"] == "PARTS_MISSING"
    assert Client().put(path[:-3] + "abc", TEXT, content_type=kind).status_code == 403
    assert Client().put(path, TEXT, content_type=kind).status_code == 200
    wrong = cast.bob.post(f"/files/uploads/{begun['id']}/confirm", {"sha256": "0" * 64})
    assert wrong.json()["errors"][0]["code"] == "CHECKSUM_MISMATCH"
    assert cast.bob.get(f"/files/uploads/{begun['id']}").json()["data"]["status"] == "failed"
    begun = cast.bob.post("/files/uploads", said).json()["data"]
    Client().put("/" + begun["upload"]["url"].split("/", 3)[3], TEXT, content_type=kind)
    good = {"sha256": hashlib.sha256(TEXT).hexdigest(), "size": len(TEXT)}
    assert cast.bob.post(f"/files/uploads/{begun['id']}/confirm", good).status_code == 201


# --- share links ------------------------------------------------------------------------------------
def share(person: Person, file: dict[str, Any], **values: Any) -> dict[str, Any]:
    answer = person.post(f"/files/metadata/{file['id']}/share", values)
    assert answer.status_code == 201, answer.content
    return dict(answer.json()["data"])


def fetch(link: dict[str, Any], password: str = "") -> Any:
    headers = {"X-Share-Password": password} if password else {}
    return Client().get(f"/api/v1/share/{link['token']}/download", headers=headers)


def codes(*answers: Any) -> list[tuple[int, str]]:
    return [(answer.status_code, "" if answer.streaming else answer.json()["errors"][0]["code"]) for answer in answers]


@pytest.mark.covers("E002-139", "E002-140")
def test_share_links_and_what_ends_them(cast: Cast, nobody: Person) -> None:
    file = made(cast.bob)
    link = share(cast.bob, file, password="open sesame", maxDownloads=1)

    seen = nobody.get(f"/share/{link['token']}").json()["data"]
    assert (seen["filename"], seen["needsPassword"], seen["downloadsLeft"]) == ("note.txt", True, 1)
    assert codes(fetch(link), fetch(link, "wrong")) == [(403, "SHARE_PASSWORD")] * 2
    assert body(fetch(link, "open sesame")) == TEXT
    assert codes(fetch(link, "open sesame")) == [(410, "SHARE_USED_UP")]
    other = share(cast.bob, file)
    assert body(fetch(other)) == TEXT
    assert cast.bob.delete(f"/files/metadata/{file['id']}/share?shareId={other['id']}").json()["data"] == {"revoked": 1}
    assert codes(fetch(other), fetch({"token": "unknown"})) == [(404, "SHARE_NOT_FOUND")] * 2
    late = share(cast.bob, file, expiresInHours=1)
    with platform():
        ShareLink.objects.filter(pk=late["id"]).update(expires_at=clock.now() - timedelta(seconds=1))
        assert ShareLink.objects.get(pk=link["id"]).password.startswith(("argon2", "md5"))
        assert not ShareLink.objects.filter(token_hash=link["token"]).exists()
    assert codes(fetch(late)) == [(410, "SHARE_EXPIRED")]
    rows = cast.bob.get(f"/files/metadata/{file['id']}/share/accesses").json()["data"]
    assert [row["outcome"] for row in rows][::-1] == [
        "viewed", "wrong_password", "wrong_password", "downloaded", "used_up", "downloaded", "revoked", "expired",
    ]  # fmt: skip
    assert cast.alice.delete(f"/files/metadata/{file['id']}/share").json()["data"] == {"revoked": 2}
    assert cast.bob.post(f"/files/metadata/{file['id']}/share", {"expiresInHours": 2161}).status_code == 400
    assert cast.carol.post(f"/files/metadata/{file['id']}/share", {}).status_code == 403


def test_five_wrong_passwords_lock_a_link(cast: Cast) -> None:
    link = share(cast.bob, made(cast.bob), password="open sesame")

    assert codes(*(fetch(link, "guess") for _n in range(5))) == [(403, "SHARE_PASSWORD")] * 5
    locked = fetch(link, "open sesame")
    assert codes(locked) == [(403, "SHARE_LOCKED")]
    assert 0 < int(locked["Retry-After"]) <= 900
    with platform():
        ShareLink.objects.update(locked_until=clock.now())
    assert body(fetch(link, "open sesame")) == TEXT


def test_a_pinned_link_stays_with_its_version_and_another_follows_the_newest(cast: Cast) -> None:
    file = made(cast.bob, X_File_Public="true")
    pinned = share(cast.bob, file, pinnedVersion=1)
    upload(cast.bob, b"new text", path=f"/files/metadata/{file['id']}/versions")

    assert file["isPublic"]
    assert body(fetch(pinned)) == TEXT
    assert body(fetch(file["share"])) == b"new text"
    cast.bob.put(f"/files/metadata/{file['id']}", {"isPublic": False})
    assert codes(fetch(pinned), fetch(file["share"])) == [(404, "SHARE_NOT_FOUND")] * 2


@pytest.mark.django_db(transaction=True)
def test_the_last_allowed_download_is_given_once_to_twenty_who_ask_together(cast: Cast) -> None:
    link = share(cast.bob, made(cast.bob), maxDownloads=3)
    assert [body(fetch(link)) for _n in range(2)] == [TEXT, TEXT]

    def ask(_number: int) -> int:
        try:
            answer = fetch(link)
            assert not answer.streaming or body(answer) == TEXT
            return int(answer.status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        answers = sorted(threads.map(ask, range(20)))

    assert answers == [200] + [410] * 19
    with platform():
        assert ShareLink.objects.get(pk=link["id"]).downloads == 3
        assert ShareAccess.objects.filter(outcome="downloaded").count() == 3


@pytest.mark.covers("001-CON-04")
def test_files_of_a_record_follow_the_record(cast: Cast) -> None:
    sample = cast.alice.post(
        "/samples",
        {
            "type": "drinking_water",
            "location": "Anfa",
            "collectionDate": "2026-11-20T09:15:00Z",
            "collectorName": "Amina",
        },
    ).json()["data"]
    file = made(cast.alice, _entityType="sample", _entityId=sample["id"])

    assert [link["entityId"] for link in file["links"]] == [sample["id"]]
    assert cast.bob.get(f"/files/metadata/{file['id']}").status_code == 200  # a technician sees samples
    found = cast.bob.get(f"/files/metadata?entityType=sample&entityId={sample['id']}").json()["data"]
    assert [row["id"] for row in found] == [file["id"]]
    assert cast.mallory.get(f"/files/metadata/{file['id']}").status_code == 404
    cast.alice.delete(f"/samples/{sample['id']}")
    assert cast.bob.get(f"/files/metadata/{file['id']}").status_code == 404
    assert cast.alice.get(f"/files/metadata/{file['id']}").status_code == 200  # who brought it keeps it
