"""The pages of a sample's life: what each person is offered, and what happens without a script."""

from typing import Any

import pytest

from portal.core.tenancy.scope import tenant
from portal.lab.lifecycle import guard
from portal.lab.lifecycle.models import CustodyEntry, RequestedAnalysis, Retest
from tests.core.people import Cast
from tests.lab.test_pages import FRAGMENT, a_result, a_sample, nitrate, now, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


@pytest.mark.parametrize("language", ["en", "ar", "fr"])
def test_the_page_offers_what_this_person_may_do_now(cast: Cast, language: str) -> None:
    sample = a_sample(cast.alice, status="completed")
    a_result(sample, cast.alice, "60")
    url = f"/samples/{sample.pk}"
    steps = [f"{url}/to/{target}" for target in ("validated", "in_progress", "rejected", "approved")]

    seen = page(cast.alice, language).get(url).content.decode()
    looked = page(cast.carol, language).get(url).content.decode()

    assert [step in seen for step in steps] == [True, True, True, False]
    assert not any(step in looked for step in steps)
    assert page(cast.carol).post(steps[0]).status_code == 403
    assert page(cast.alice).post(steps[3]).status_code == 302
    assert page(cast.alice).get(f"{url}/life").status_code == 200
    assert page(cast.alice).post(steps[2], {"reason": " "}).status_code == 422
    assert page(cast.alice).post(steps[0]).status_code == 302
    assert now(sample).status == "validated"
    after = page(cast.alice, language).get(url).content.decode()
    assert 'role="alert"' in after
    assert "result-entry" not in after
    assert page(cast.alice).post(f"{url}/delete", {"reason": "x"}).status_code == 302
    assert now(sample).deleted_at is None


def test_many_samples_take_a_step_and_each_says_what_became_of_it(cast: Cast) -> None:
    ready, empty = a_sample(cast.alice, status="completed"), a_sample(cast.alice, status="completed")
    a_result(ready, cast.alice)
    ids = [str(ready.pk), str(empty.pk)]
    client = page(cast.alice)

    asked = client.post("/samples/bulk", {"ids": ids, "action": "validated"})
    done = client.post("/samples/bulk", {"ids": ids, "action": "validated", "sure": "1"}).content.decode()

    assert (asked.status_code, now(empty).status) == (200, "completed")
    assert ready.code in asked.content.decode()
    assert "There is no result to validate yet." in done
    assert (now(ready).status, now(empty).status) == ("validated", "completed")
    back = client.post("/samples/bulk", {"ids": ids, "action": "received", "sure": "1", "temperature": "400"})
    assert back.status_code == 422
    took = client.post("/samples/bulk", {"ids": ids, "action": "received", "sure": "1", "temperature": "٤٫٥"})
    assert took.status_code == 200
    with tenant(cast.a.pk):
        assert [str(entry.temperature) for entry in CustodyEntry.objects.filter(sample=empty)] == ["4.5"]
    assert client.post("/samples/bulk", {"action": "validated"}).status_code == 302
    labels = client.post("/samples/bulk", {"ids": ids, "action": "labels"})
    assert labels["Location"].startswith("/samples/labels?id=")


def test_scanning_a_code_opens_the_sample(cast: Cast) -> None:
    sample = a_sample(cast.alice, code="K-7")
    a_sample(cast.alice, code="B-1")
    a_sample(cast.alice, code="B-12")
    in_an_id = str(sample.pk)[9:18]
    other = a_sample(cast.alice, code=in_an_id)
    client = page(cast.alice)

    assert client.get("/samples?q=K-7")["Location"] == f"/samples/{sample.pk}"
    assert client.get(f"/samples?q={in_an_id}")["Location"] == f"/samples/{other.pk}"
    assert client.get("/samples?q=K-7", headers=FRAGMENT)["HX-Redirect"] == f"/samples/{sample.pk}"
    assert client.get("/samples?q=B-1").status_code == 200  # two codes hold it: nobody is carried away
    assert client.get("/samples?q=A-").status_code == 200


def test_custody_analyses_retests_labels_and_the_rule_have_their_pages(cast: Cast) -> None:
    sample = a_sample(cast.alice)
    result = a_result(sample, cast.alice)
    client, url = page(cast.alice), f"/samples/{sample.pk}"

    assert client.post(f"{url}/custody", {"kind": "handed_over"}).status_code == 422
    assert client.post(f"{url}/custody", {"kind": "handed_over", "taken_by": "Youssef"}).status_code == 302
    assert client.post(f"{url}/analyses", {"parameters": [str(nitrate())]}).status_code == 302
    assert client.post(f"{url}/analyses/{nitrate()}/start").status_code == 302
    assert client.get(f"/results/{result.pk}/retest").status_code == 200
    assert client.post(f"/results/{result.pk}/retest", {"reason": ""}).status_code == 422
    assert client.post(f"/results/{result.pk}/retest", {"reason": "Duplicates differ"}).status_code == 302
    shown = client.get(url).content.decode()
    life = client.get(f"{url}/life").content.decode()
    with tenant(cast.a.pk):
        retest = Retest.objects.get()
        assert RequestedAnalysis.objects.get().started_at is not None
    assert "Retest asked for" in shown
    assert "Youssef" in life
    assert client.post(f"/retests/{retest.pk}/withdraw").status_code == 302
    assert client.get("/samples/due?state=24").status_code == 200
    assert client.get(f"/samples/labels?id={sample.pk}").status_code == 200
    wrong = client.get(f"/samples/labels?id={sample.pk}&sheet=a4-14&symbol=qr&start=15&copies=1")
    assert wrong.status_code == 422
    assert page(cast.mallory).get(f"/samples/labels?id={sample.pk}").status_code == 404
    assert page(cast.mallory).get(f"{url}/life").status_code == 404
    assert client.get("/samples/approval").status_code == 200
    assert client.post("/samples/approval", {"rule": guard.NOT_INVOLVED}).status_code == 302
    with tenant(cast.a.pk):
        assert guard.approval_rule() == guard.NOT_INVOLVED
    assert page(cast.carol).get("/samples/approval").status_code == 403
