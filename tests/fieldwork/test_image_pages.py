"""Pages of images: gallery, map, claim beside camera, upload in parts, delete."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.accounts.models import User
from portal.core.common.errors import DomainError
from portal.core.files import shares
from portal.core.projects.access import project_for
from portal.core.tenancy.scope import tenant
from portal.fieldwork.images import services
from portal.fieldwork.images.models import Image
from portal.fieldwork.images.services import Details
from tests.core.people import Cast
from tests.fieldwork.test_pages import a_project, a_task
from tests.lab.test_pages import FRAGMENT
from tests.lab.test_pages import page as signed_in
from tests.pictures import HERE, WHEN, photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def page(user: User, url: str, **headers: str) -> str:
    answer = signed_in(user).get(url, headers=headers)
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def an_image(user: User, project: UUID, content: bytes, name: str = "بئر.jpg", **claim: Any) -> Image:
    assert user.organization_id
    with tenant(user.organization_id, by=user.actor()):
        image, _new = services.image_upload(
            stream=[content],
            filename=name,
            by=user,
            project=project_for(user, project),
            details=Details(**claim),
        )
        services.image_process(image=image)
        return image


def test_gallery_map_and_detail_show_the_differences_in_words(cast: Cast) -> None:
    project = a_project(cast.alice)
    far = an_image(cast.alice, project, photo(HERE, WHEN).getvalue(), latitude=34.0, longitude=-7.6, accuracy=5.0)
    near = an_image(cast.alice, project, photo(HERE, WHEN, size=(9, 9)).getvalue(), "near.jpg", latitude=33.5916667,
                    longitude=-7.6)  # fmt: skip
    with CaptureQueriesContext(connection) as few:
        gallery = page(cast.carol, f"/projects/{project}/images")
    for side in range(3, 8):
        an_image(cast.alice, project, photo(size=(side, side)).getvalue())
    with CaptureQueriesContext(connection) as many:
        page(cast.carol, f"/projects/{project}/images")

    assert "Taken elsewhere than stated" in gallery
    assert f'src="/images/{near.pk}/thumbnail"' in gallery
    assert "near.jpg" in gallery
    assert len(many) <= len(few)
    filtered = page(cast.carol, f"/projects/{project}/images?flag=EXIF_LOCATION_MISMATCH", **FRAGMENT)
    assert f"/images/{far.pk}" in filtered
    assert f"/images/{near.pk}" not in filtered
    drawn = page(cast.carol, f"/projects/{project}/images/map")
    assert "2 images with a place" in drawn
    assert '"flagged": true' in drawn
    one = page(cast.carol, f"/images/{far.pk}")
    assert "differs" in one
    assert "34.000000, -7.600000" in one
    assert "33.591667, -7.600000" in one
    assert "45.4 km between the two places" in one.replace('<bdi dir="ltr">', "").replace("</bdi>", "")
    assert "Original" not in one  # a viewer has no right to it
    assert f"/images/{far.pk}/original" in page(cast.alice, f"/images/{far.pk}")


def test_pictures_are_uploaded_in_parts_attached_once_and_deleted(cast: Cast) -> None:
    project = a_project(cast.alice)
    task = a_task(cast.alice, projectId=str(project))
    content = photo(HERE, WHEN).getvalue()
    client = signed_in(cast.alice)

    begun = client.post("/files/uploads", {"filename": "a.jpg", "size": len(content), "category": "image"}).json()
    put = client.put(f"/files/uploads/{begun['id']}/1", content, content_type="application/octet-stream")
    made = client.post(f"/files/uploads/{begun['id']}/finish").json()
    said = {"file": made["fileId"], "project": str(project), "task": str(task)}
    attached = client.post("/images/attach", said)
    again = client.post("/images/attach", said)
    elsewhere = client.post("/images/attach", {**said, "project": str(a_project(cast.mallory))})

    assert put.status_code == 200
    assert (attached.status_code, attached.json()["created"], again.json()["created"]) == (200, True, False)
    assert again.json()["id"] == attached.json()["id"]
    assert elsewhere.status_code == 400
    address = attached.json()["url"]
    assert "The image is being prepared" in page(cast.alice, address)
    assert address in page(cast.alice, f"/tasks/{task}/images")
    assert "Upload images" in page(cast.alice, f"/tasks/{task}")
    assert "data-upload" in page(cast.alice, f"/images/new?project={project}&task={task}")
    gone = client.post(f"{address}/delete")
    assert gone.headers["Location"] == f"/projects/{project}/images"
    assert "No image yet" in page(cast.alice, f"/projects/{project}/images")


def test_the_original_needs_its_right_at_every_door(cast: Cast) -> None:
    """Whoever sees an image sees its file, too, but not the file's bytes."""
    image = an_image(cast.bob, a_project(cast.alice), photo(HERE, WHEN).getvalue())

    assert signed_in(cast.bob).get(f"/images/{image.pk}/original").status_code == 403
    assert signed_in(cast.alice).get(f"/images/{image.pk}/original").headers["Location"].startswith("http")
    door = f"/files/{image.file_id}/download"
    refused, given = signed_in(cast.bob).get(door), signed_in(cast.alice).get(door)
    assert (refused.status_code, refused.headers["Location"]) == (302, f"/files/{image.file_id}")
    assert (given.status_code, "attachment" in given.headers["Content-Disposition"]) == (200, True)
    assert b"".join(given.streaming_content) == photo(HERE, WHEN).getvalue()
    assert b"".join(signed_in(cast.bob).get(f"/images/{image.pk}/thumbnail").streaming_content)[:3] == b"\xff\xd8\xff"
    held = signed_in(cast.alice).post("/files/delete", {"ids": [str(image.file_id)]}, follow=True)
    assert "delete the image" in held.content.decode()
    with tenant(cast.a.pk, by=cast.alice.actor()), pytest.raises(DomainError, match="original of an image") as refused:
        shares.share_create(file=image.file, by=cast.alice)
    assert refused.value.code == "FILE_BLOCKED"
