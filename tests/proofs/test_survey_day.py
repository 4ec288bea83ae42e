"""A surveyor's whole day offline, replayed over a bad line to a server that is started again twice: the office sees
exactly that day's work. And the same batch eight times at once is stored once.

Sixty points, six parcels and four photos by default; 400, 30 and 60 with HYPOTHESIS_PROFILE=full.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from django.core.cache import cache
from django.db import connection

from portal.core.tenancy.scope import tenant
from portal.survey.models import SurveyAttachment, SurveyGeometry, SurveyPoint, SurveySession
from tests.api.conftest import Cast
from tests.api.surveying import HERE, application, assign, begin_body, dispatch, parcel, place, point
from tests.live import serving
from tests.pictures import photo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
POINTS, PARCELS, PHOTOS = (400, 30, 60) if FULL else (60, 6, 4)
LOST = 0.2  # of all answers
AT_ONCE = 8


class Lost(Exception):
    """The request went out and its answer never came."""


@dataclass
class Phone:
    """An app that knows only what it was answered, and sends again what it was not."""

    line: httpx.Client
    headers: dict[str, str]
    dice: Random
    lost: int = 0

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> dict[str, Any]:
        """Until an answer comes; the key stays the same."""
        while True:
            try:
                return self.once(method, path, body, key)
            except Lost:
                self.lost += 1

    def once(self, method: str, path: str, body: Any = None, key: str = "") -> dict[str, Any]:
        headers = {**self.headers, **({"X-Idempotency-Key": key} if key else {})}
        answer = self.line.request(method, f"/api/mobile/v1{path}", json=body, headers=headers)
        if self.dice.random() < LOST:
            raise Lost
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["data"]  # type: ignore[no-any-return]

    def upload(self, session: str, content: bytes, number: int) -> None:
        entry = {
            "filename": f"{number}.jpg", "fileType": "image/jpeg", "fileSize": len(content),
            "attachmentType": "photo", "idempotencyKey": f"m-{number}",
        }  # fmt: skip
        offers = self.call("POST", f"/sessions/{session}/attachments/upload-urls", {"attachments": [entry]})
        offer = offers["uploadUrls"][0]
        for _again in range(2 if self.dice.random() < LOST else 1):  # the answer of the store may be lost as well
            put = self.line.put(urlsplit(offer["uploadUrl"]).path, content=content, headers=offer["requiredHeaders"])
            assert put.status_code == 200, put.text
        said = {
            "uploadSuccess": True,
            "fileSize": len(content),
            "checksumSha256": hashlib.sha256(content).hexdigest(),
        }
        done = self.call("POST", f"/attachments/{offer['attachmentId']}/confirm", said)
        assert done["status"] in ("processing", "available")


@pytest.mark.covers("004-IDEM-03", "004-IDEM-05", "004-SYNC-05", "004-CLI-01", "C66", "C73", "C80")
def test_a_day_offline_arrives_once_over_a_bad_line(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARSAD_RATE_LIMITS", "off")  # the full size would wait for minutes
    cache.clear()
    assign(cast, cast.bob.user, "XY1101")
    file = application(cast)
    dispatch(cast, file, cast.bob.user)
    connection.close()
    points = [point(n) for n in range(1, POINTS + 1)]
    parcels = [parcel(n) for n in range(1, PARCELS + 1)]
    photos = [photo(size=(64 + n, 48)).getvalue() for n in range(PHOTOS)]
    steps: list[Callable[[Phone, str], Any]] = [
        lambda phone, session: phone.call("POST", f"/sessions/{session}/points/batch", {"points": points[:40]}, "b-1"),
        *(
            lambda phone, session, at=at: phone.call(  # type: ignore[misc]
                "POST", f"/sessions/{session}/points/batch", {"points": points[at : at + 200]}, f"b-2-{at}"
            )
            for at in range(20, POINTS, 200)
        ),
        lambda phone, session: phone.call(
            "POST", f"/sessions/{session}/geometries/batch", {"geometries": parcels}, "b-3"
        ),
        *(lambda phone, session, n=n: phone.upload(session, photos[n], n) for n in range(PHOTOS)),  # type: ignore[misc]
    ]
    thirds = [steps[:1], steps[1:4], steps[4:]]
    session, headers, lost = "", {}, 0
    for number, part in enumerate(thirds):  # the server is another one for each part
        with serving() as address, httpx.Client(base_url=address, timeout=60) as line:
            if not headers:
                headers = _sign_in(line, cast)
            phone = Phone(line, headers, Random(number))
            if not session:
                assert phone.call("GET", "/tasks")["tasks"][0]["applicationId"] == file["id"]
                session = phone.call("POST", "/sessions", begin_body(file, at=HERE), "s")["sessionId"]
            for step in part:
                step(phone, session)
            lost += phone.lost
            if part is thirds[-1]:
                _twins(line, headers, session)
                done = {
                    "endLocation": place(), "qualityScore": 90, "notes": "", "pointsCount": POINTS + 1,
                    "geometriesCount": PARCELS, "attachmentsCount": PHOTOS,
                }  # fmt: skip
                assert phone.call("PUT", f"/sessions/{session}/submit", done, "e")["status"] == "submitted"

    assert lost
    with tenant(cast.a.pk):
        assert SurveySession.objects.get().status == "submitted"
        kept = SurveyPoint.objects.filter(deleted_at=None).order_by("number")
        assert [row.number for row in kept] == [*range(1, POINTS + 1), 900]
        assert [round(row.longitude, 7) for row in kept][:-1] == [round(p["longitude"], 7) for p in points]
        assert SurveyGeometry.objects.filter(deleted_at=None).count() == PARCELS
        media = SurveyAttachment.objects.filter(deleted_at=None)
        assert sorted(row.sha256 for row in media) == sorted(hashlib.sha256(content).hexdigest() for content in photos)


def _sign_in(line: httpx.Client, cast: Cast) -> dict[str, str]:
    body = {"username": cast.bob.user.email, "password": "secret1", "deviceInfo": {"deviceId": "t", "deviceName": "T"}}
    token = line.post("/api/mobile/v1/auth/login", json=body).json()["data"]["accessToken"]
    return {"Authorization": f"Bearer {token}", "X-Device-ID": "t"}


def _twins(line: httpx.Client, headers: dict[str, str], session: str) -> None:
    """The same batch eight times at once, half of them under an envelope of their own."""

    def send(number: int) -> tuple[int, str]:
        key = "twin" if number % 2 else str(uuid4())
        answer = line.post(
            f"/api/mobile/v1/sessions/{session}/points/batch",
            json={"points": [point(900)]},
            headers={**headers, "X-Idempotency-Key": key},
        )
        return answer.status_code, answer.json()["data"]["results"][0]["serverId"]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = set(threads.map(send, range(AT_ONCE)))
    assert len(answers) == 1
    assert answers.pop()[0] == 201
