"""Images on the wire: the endpoints and the offline sequence of specification 000, `contract-platform.md` section 4."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image as Pillow

from portal.core.audit.models import Action
from portal.core.common import clock
from portal.core.files.models import Blob, StoredFile
from portal.core.jobs.models import Job
from portal.core.notifications.models import Event
from portal.core.tenancy.scope import platform, tenant
from portal.fieldwork.images import services
from portal.fieldwork.images.models import Image
from tests.api.conftest import Cast, Person
from tests.api.test_projects import confine, data, project, refused, task
from tests.pictures import HERE, WHEN, photo, png

pytestmark = pytest.mark.django_db
CLAIM = {
    "gpsLatitude": "33.59167",
    "gpsLongitude": "-7.60002",
    "gpsAccuracy": "5",
    "captureTimestamp": "2026-11-20T09:15:10Z",
    "exifJsonPayload": '{"Make": "Acme", "FNumber": 1.80}',
}
PICTURE = photo(HERE, WHEN, {0x010F: "Acme"}).getvalue()


def send(
    person: Person,
    content: bytes = PICTURE,
    name: str = "IMG_0042.jpg",
    kind: str = "image/jpeg",
    path: str = "/images/upload",
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> Any:
    form = {key: str(value) for key, value in fields.items()} | {"file": SimpleUploadedFile(name, content, kind)}
    return Client().post(f"/api/v1{path}", form, headers={**person.headers, **(headers or {})})


def process(cast: Cast) -> None:
    """What the worker does with every image that waits."""
    with tenant(cast.a.pk, by=cast.alice.user.actor()):
        for image in Image.objects.filter(status="processing").select_related("original"):
            services.image_process(image=image)


def count(cast: Cast) -> dict[str, int]:
    with platform():
        return {
            "images": Image.objects.count(),
            "files": StoredFile.objects.count(),
            "blobs": Blob.objects.count(),
            "jobs": Job.objects.filter(kind="fieldwork.image").count(),
            "disk": sum(1 for path in (Path(settings.DATA_DIR) / "files").rglob("*") if path.is_file()),
        }


@pytest.mark.covers("E000-015", "E000-018", "000-IMG-01", "000-IMG-03", "000-IMG-08", "000-SYNC-03", "C95")
def test_an_upload_is_stored_compared_and_told(cast: Cast) -> None:
    place = project(cast.alice)
    job = task(cast.alice, projectId=place["id"])

    made = data(send(cast.alice, projectId=place["id"], taskId=job["id"], localSyncId="phone/1", **CLAIM), 201)

    assert made["projectId"] == place["id"]
    assert made["taskId"] == job["id"]
    assert (made["gpsLatitude"], made["gpsLongitude"], made["gpsAccuracy"]) == (33.59167, -7.60002, 5)
    assert made["captureTimestamp"] == made["capturedAt"] == "2026-11-20T09:15:10Z"
    assert made["exifJsonPayload"] == made["exif"] == {"Make": "Acme", "FNumber": 1.8}
    assert made["camera"]["latitude"] == 33.5916667
    assert made["camera"]["takenAt"] == "2026-11-20T09:15:00Z"
    assert made["camera"]["make"] == "Acme"
    assert (made["flags"], round(made["distanceMeters"])) == ([], 2)
    assert (made["filename"], made["contentType"], made["size"]) == ("IMG_0042.jpg", "image/jpeg", len(PICTURE))
    assert made["checksumSha256"] == hashlib.sha256(PICTURE).hexdigest()
    assert (made["width"], made["height"], made["status"], made["progress"]) == (64, 48, "processing", 0)
    assert made["scanStatus"] == "not_scanned"
    assert made["uploaderId"] == str(cast.alice.user.pk)
    assert data(cast.alice.get(f"/images/{made['id']}/metadata")) == made
    assert data(cast.alice.get(f"/files/metadata/{made['fileId']}"))["size"] == len(PICTURE)
    with platform():
        told = Event.objects.get(type="image.uploaded")
        assert f"project.{place['id']}" in told.groups

    process(cast)

    ready = data(cast.alice.get(f"/images/{made['id']}"))
    assert (ready["status"], ready["progress"], ready["version"]) == ("available", 100, 2)
    assert ready["thumbnailUrl"] == f"/api/v1/images/{made['id']}/thumbnail"
    with platform():
        assert Event.objects.filter(type="image.changed").count() == 1


@pytest.mark.covers("000-SYNC-01", "E000-016", "E000-017", "E000-020", "C58")
def test_the_sequence_of_000_task_made_offline_synced_then_its_images(cast: Cast) -> None:
    place = project(cast.alice)
    wanted = {"title": "Photograph the well", "projectId": place["id"], "localSyncId": "phone-7/task/1"}
    made = {"entity": "task", "entityId": str(uuid4()), "operation": "created", "data": wanted}
    made["clientTimestamp"] = "2026-11-20T08:00:00Z"

    pushed = data(cast.bob.post("/sync", {"deviceId": "phone-7", "changes": [made]}))
    server_id = pushed["results"][0]["entityId"]
    assert pushed["counts"]["created"] == 1
    first = data(send(cast.bob, taskId=server_id, localSyncId="phone-7/a", **CLAIM), 201)
    path = f"/projects/{place['id']}/images"
    second = data(send(cast.bob, photo(HERE, size=(50, 40)).getvalue(), path=path, taskId=server_id), 201)
    again = data(send(cast.bob, taskId=server_id, localSyncId="phone-7/a", **CLAIM), 200)

    assert first["projectId"] == place["id"]
    assert again["id"] == first["id"]
    rows = cast.bob.get(f"/images/task/{server_id}").json()
    assert [row["id"] for row in rows["data"]] == [second["id"], first["id"]]
    assert rows["meta"] == {"page": 1, "limit": 20, "total": 2, "totalPages": 1}
    assert [row["id"] for row in data(cast.alice.get(f"/images/project/{place['id']}"))] == [second["id"], first["id"]]
    assert data(cast.alice.get(path)) == data(cast.alice.get(f"/images/project/{place['id']}"))


@pytest.mark.covers("000-IMG-03")
def test_differences_are_flagged_kept_and_filtered(cast: Cast) -> None:
    place = project(cast.alice)["id"]
    far = data(send(cast.bob, projectId=place, gpsLatitude="15.35", gpsLongitude="44.2"), 201)
    late = data(send(cast.bob, photo(HERE, WHEN, size=(9, 9)).getvalue(), projectId=place,
                     captureTimestamp="2026-11-20T12:26:00+03:00"), 201)  # fmt: skip
    bare = data(send(cast.bob, photo(size=(8, 8)).getvalue(), projectId=place, **CLAIM), 201)

    local = photo(detail={0x9003: "2026:11:20 10:15:00"}).getvalue()
    assumed = data(send(cast.bob, local, projectId=project(cast.alice)["id"]), 201)["camera"]

    assert (assumed["takenAt"], assumed["assumedOffset"]) == ("2026-11-20T09:15:00Z", "+01:00")  # Africa/Casablanca
    assert far["flags"] == ["EXIF_LOCATION_MISMATCH"]
    assert far["distanceMeters"] > 5_000_000
    assert late["flags"] == ["EXIF_TIME_MISMATCH"]
    assert bare["flags"] == ["EXIF_ABSENT"]
    assert (bare["latitude"], bare["takenAt"]) == (33.59167, "2026-11-20T09:15:10Z")  # the claim stands in

    def found(query: str) -> list[str]:
        return [row["id"] for row in data(cast.bob.get(f"/images?projectId={place}&{query}"))]

    assert found("flag=EXIF_LOCATION_MISMATCH") == [far["id"]]
    assert found("flag=EXIF_TIME_MISMATCH&flag=EXIF_ABSENT") == [bare["id"], late["id"]]
    assert found("flag=none") == []
    assert found("dateFrom=2026-11-21") == []
    assert found("sort=takenAt&order=asc&limit=1&page=3") == [late["id"]]
    assert found("located=false") == []
    assert found(f"uploadedBy={cast.alice.user.pk}") == []
    assert refused(cast.bob.get("/images?flag=ODD"), 400) == ("VALIDATION_ERROR", "flag")
    assert refused(cast.bob.get("/images?sort=odd"), 400) == ("VALIDATION_ERROR", "sort")


@pytest.mark.covers("E000-019", "000-IMG-07")
def test_the_rendition_carries_nothing_and_the_original_everything(
    cast: Cast, trail: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = data(send(cast.bob, projectId=project(cast.alice)["id"], **CLAIM), 201)
    path = f"/images/{made['id']}"
    assert refused(cast.bob.get(f"{path}/download-url"), 409)[0] == "NOT_READY"
    process(cast)

    given = data(cast.bob.get(f"{path}/download-url"))
    copy = Client().get(given["url"])  # no token: the address is the right
    small = cast.carol.get(f"{path}/thumbnail")
    original = data(cast.alice.get(f"{path}/original-url"))
    whole = Client().get(original["url"])

    for answer in (copy, small):
        content = b"".join(answer.streaming_content)
        with Pillow.open(io.BytesIO(content)) as picture:
            assert (picture.format, dict(picture.getexif())) == ("JPEG", {})
        assert b"Acme" not in content
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert int(answer["Content-Length"]) == len(content)
    assert copy["Content-Disposition"] == 'attachment; filename="IMG_0042.jpg"'
    assert b"".join(whole.streaming_content) == PICTURE
    assert whole["Content-Disposition"].startswith("attachment")
    assert refused(cast.bob.get(f"{path}/original-url"), 403)[0] == "PERMISSION_DENIED"
    (entry,) = trail(Action.DOWNLOAD, entity="image")
    assert (entry.object_pk, entry.actor_id, entry.changes) == (made["id"], cast.alice.user.pk, {"original": True})
    assert Client().get(given["url"][:-3] + "abc").status_code == 403
    over = clock.now() + timedelta(seconds=901)
    monkeypatch.setattr(clock, "now", lambda: over)
    assert Client().get(given["url"]).status_code == 403


WRONG = [
    ("a.jpg", "image/png", PICTURE),  # the declared type says otherwise
    ("a.png", "image/png", PICTURE),  # the content does
    ("a.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
    ("a.jpg", "image/jpeg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ("a.html", "text/html", b"<!doctype html><script>alert(1)</script>"),
    ("a.gif", "image/gif", b"GIF89a" + bytes(40)),
    ("a.exe", "application/octet-stream", b"MZ" + bytes(40)),
]


@pytest.mark.covers("004-VAL-03", "004-PAY-02")
def test_what_is_no_picture_or_too_large_is_refused(cast: Cast) -> None:
    place = project(cast.alice)["id"]
    before = count(cast)

    for name, kind, content in WRONG:
        assert refused(send(cast.bob, content, name, kind, projectId=place), 415)[0] == "UNSUPPORTED_MEDIA_TYPE", name
    bomb = send(cast.bob, png(60_000, 60_000).getvalue(), "b.png", "image/png", projectId=place)
    wrong = send(cast.bob, projectId=place, checksumSha256="0" * 64)
    large = send(cast.bob, PICTURE + bytes(51 * 1024 * 1024), projectId=place)

    assert refused(bomb, 400) == ("VALIDATION_ERROR", "file")
    assert refused(wrong, 400)[0] == "CHECKSUM_MISMATCH"
    assert refused(large, 413)[0] == "PAYLOAD_TOO_LARGE"
    assert count(cast) == before


def test_names_are_made_harmless(cast: Cast) -> None:
    place = project(cast.alice)["id"]
    tricks = ["../../etc/passwd.jpg", "..\\..\\x.jpg", "/abs/x.jpg", "a\u202egpj.jpg", ".hidden.jpg"]

    for number, trick in enumerate(tricks):
        made = data(send(cast.bob, photo(size=(7, 7 + number)).getvalue(), trick, projectId=place), 201)
        assert not {"/", "\\", "\u202e"} & set(made["filename"])
        assert not made["filename"].startswith(".")
    plain = data(send(cast.bob, name="scaled_42", projectId=place), 201)

    assert plain["filename"] == "scaled_42.jpg"  # apps send names without an ending
    with platform():
        keys = list(Blob.objects.values_list("key", flat=True))
    assert all("passwd" not in key and ".." not in key for key in keys)


def test_a_damaged_picture_is_kept_and_marked(cast: Cast) -> None:
    place = project(cast.alice)["id"]

    for content in (PICTURE[: len(PICTURE) // 2], b"\xff\xd8\xff\xe0" + bytes(200)):
        made = data(send(cast.bob, content, projectId=place), 201)
        process(cast)

        kept = data(cast.bob.get(f"/images/{made['id']}"))
        assert (kept["status"], kept["failureReason"]) == ("failed", "DAMAGED")
        assert refused(cast.bob.get(f"/images/{made['id']}/download-url"), 409)[0] == "NOT_READY"
        assert cast.bob.get(f"/images/{made['id']}/thumbnail").status_code == 404


SENSELESS: list[tuple[dict[str, str], str]] = [
    ({"gpsLatitude": "91", "gpsLongitude": "0"}, "gpsLatitude"),
    ({"gpsLatitude": "9"}, "gpsLongitude"),
    ({"gpsLatitude": "north", "gpsLongitude": "0"}, "gpsLatitude"),
    ({"gpsLatitude": "nan", "gpsLongitude": "0"}, "gpsLatitude"),
    ({"captureTimestamp": "2026-11-20T09:15:00"}, "captureTimestamp"),
    ({"exifJsonPayload": "{not json"}, "exifJsonPayload"),
    ({"exifJsonPayload": "[1]"}, "exifJsonPayload"),
    ({"gpsAccuracy": "-1"}, "gpsAccuracy"),
    ({"taskId": "7"}, "taskId"),
    ({"projectId": ""}, "projectId"),
]


def test_a_claim_or_form_that_makes_no_sense_is_refused(cast: Cast) -> None:
    place = project(cast.alice)["id"]
    before = count(cast)

    for fields, field in SENSELESS:
        answer = send(cast.bob, **{"projectId": place, **fields})
        assert refused(answer, 400) == ("VALIDATION_ERROR", field), fields
    body = f'--x\r\nContent-Disposition: form-data; name="projectId"\r\n\r\n{place}\r\n--x\r\n'.encode()
    body += b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body += PICTURE
    left = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body) + 500)}  # the client is gone
    kind, address = "multipart/form-data; boundary=x", "/api/v1/images/upload"

    short = Client().generic("POST", address, b"-", kind, headers=cast.bob.headers, **left)
    none = Client().post(address, {"projectId": place}, headers=cast.bob.headers)
    json = cast.bob.post("/images/upload", {"projectId": place})

    assert refused(short, 400)[0] == "VALIDATION_ERROR"
    assert refused(none, 400) == ("VALIDATION_ERROR", "file")
    assert refused(json, 415)[0] == "UNSUPPORTED_MEDIA_TYPE"
    assert count(cast) == before
    arabic = send(cast.bob, projectId=place, gpsLatitude="٣٣٫٥", gpsLongitude="-٧٫٦")
    assert data(arabic, 201)["gpsLatitude"] == 33.5  # digits of another keyboard do make sense


def test_a_repeat_gives_the_image_that_is_there(cast: Cast) -> None:
    place, other = project(cast.alice)["id"], project(cast.alice)["id"]
    made = data(send(cast.bob, projectId=place, localSyncId="p/1"), 201)
    key = {"Idempotency-Key": "once"}
    keyed = send(cast.bob, photo(size=(5, 5)).getvalue(), headers=key, projectId=place)

    assert data(send(cast.bob, projectId=place), 200)["id"] == made["id"]  # the same bytes
    assert data(send(cast.bob, projectId=other), 201)["id"] != made["id"]  # elsewhere
    another = send(cast.bob, photo(size=(6, 6)).getvalue(), projectId=place, localSyncId="p/1")
    assert refused(another, 409)[0] == "DUPLICATE"
    repeated = send(cast.bob, photo(size=(5, 5)).getvalue(), headers=key, projectId=place)
    assert (repeated.status_code, repeated["Idempotency-Replayed"]) == (201, "true")
    assert repeated.content == keyed.content
    changed = send(cast.bob, photo(size=(4, 4)).getvalue(), headers=key, projectId=place)
    assert changed.status_code in (409, 422)


def test_an_image_of_a_file_that_is_there(cast: Cast) -> None:
    from portal.core.files import services as files

    place = project(cast.alice)["id"]
    with tenant(cast.a.pk, by=cast.bob.user.actor()):
        file = files.file_create(stream=io.BytesIO(PICTURE), filename="a.jpg", by=cast.bob.user, category="image")
        note = files.file_create(stream=io.BytesIO(b"note"), filename="a.txt", by=cast.bob.user)
        theirs = files.file_create(stream=io.BytesIO(PICTURE), filename="a.jpg", by=cast.alice.user)

    made = data(cast.bob.post("/images", {"fileId": str(file.pk), "projectId": place, "gpsLatitude": 33.59, "gpsLongitude": -7.6}), 201)  # fmt: skip  # noqa: E501

    assert (made["fileId"], made["flags"]) == (str(file.pk), ["EXIF_LOCATION_MISMATCH"])
    assert data(cast.bob.post("/images", {"fileId": str(file.pk), "projectId": place}), 200)["id"] == made["id"]
    assert refused(cast.bob.post("/images", {"fileId": str(note.pk), "projectId": place}), 415)[0]
    assert refused(cast.bob.post("/images", {"fileId": str(theirs.pk), "projectId": place}), 404)[0]


def test_who_sees_uploads_and_deletes_what(cast: Cast, nobody: Person) -> None:
    place, other = project(cast.alice), project(cast.alice)
    mine = data(send(cast.bob, projectId=place["id"]), 201)
    hidden = data(send(cast.alice, photo(size=(2, 2)).getvalue(), projectId=other["id"]), 201)
    confine(cast.bob, place)

    assert [row["id"] for row in data(cast.bob.get("/images"))] == [mine["id"]]
    assert cast.bob.get(f"/images/{hidden['id']}").status_code == 404
    assert send(cast.bob, projectId=other["id"]).status_code == 404
    assert send(cast.carol, projectId=place["id"]).status_code == 403
    assert send(nobody, projectId=place["id"]).status_code == 401
    assert send(cast.mallory, projectId=place["id"]).status_code == 404
    for path in ("", "/metadata", "/download-url", "/original-url", "/thumbnail"):
        assert cast.mallory.get(f"/images/{mine['id']}{path}").status_code == 404
    assert cast.mallory.get(f"/images/project/{place['id']}").status_code == 404
    theirs = data(send(cast.alice, photo(size=(3, 3)).getvalue(), projectId=place["id"]), 201)
    assert refused(cast.bob.delete(f"/images/{theirs['id']}"), 403)[0] == "PERMISSION_DENIED"
    process(cast)

    gone = cast.bob.delete(f"/images/{mine['id']}")

    assert (gone.status_code, gone.json()["message"]) == (200, "Image deleted successfully.")
    assert cast.bob.delete(f"/images/{mine['id']}").status_code == 404
    with platform():
        row = Image.objects.get(pk=mine["id"])
        assert (row.original, row.rendition, row.thumbnail) == (None, None, None)
        assert StoredFile.objects.get(pk=mine["fileId"]).deleted_at is not None
        # of a picture this small both copies are the same bytes; the original's are still those of the file
        assert Blob.objects.filter(references=0).count() == 1


def test_a_list_takes_no_query_per_row(cast: Cast) -> None:
    place = project(cast.alice)["id"]
    for side in range(1, 4):
        data(send(cast.bob, photo(size=(side, side)).getvalue(), projectId=place), 201)
    with CaptureQueriesContext(connection) as few:
        cast.bob.get(f"/images/project/{place}")
    for side in range(4, 9):
        data(send(cast.bob, photo(size=(side, side)).getvalue(), projectId=place), 201)
    with CaptureQueriesContext(connection) as many:
        assert len(data(cast.bob.get(f"/images/project/{place}"))) == 8

    assert len(many) == len(few)


@pytest.mark.django_db(transaction=True)
def test_the_same_image_at_once_is_one(cast: Cast) -> None:
    place = project(cast.alice)["id"]

    def one(_n: int) -> tuple[int, str]:
        try:
            answer = send(cast.bob, projectId=place)
            return answer.status_code, answer.json()["data"]["id"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(one, range(8)))

    assert sorted(status for status, _id in done) == [200] * 7 + [201]
    assert len({pk for _status, pk in done}) == 1
    with platform():
        assert (Image.objects.count(), StoredFile.objects.count()) == (1, 1)
