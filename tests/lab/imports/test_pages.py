"""The pages of imports: who may what, the way of a file, clear errors for bad ones, fragments, no query per row."""

import io
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core.accounts.models import User
from portal.core.tenancy.scope import tenant
from portal.lab.imports.models import ImportRun, ImportSource
from tests.core.people import Cast, session_of
from tests.lab.imports.work import LONG, check, count, fresh, steps, upload, whole

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path  # WhiteNoise warns where the folder is missing


def page(user: User | None, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    if user:
        client.cookies[settings.SESSION_COOKIE_NAME] = session_of(user)
    return client


def send(client: Client, content: bytes | str, name: str = "results.csv") -> Any:
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    file.name = name
    return client.post("/imports/new", {"file": file})


def only_run(cast: Cast) -> ImportRun:
    with tenant(cast.a.pk):
        return ImportRun.objects.get()


def form_of(client: Client, url: str) -> dict[str, Any]:
    """What a browser would send back of a mapping page."""
    context = client.get(url).context
    form = context["form"]
    data = {name: form[name].value() for name in form.fields if form[name].value() not in (None, "", False)}
    for column in context["columns"]:
        data[f"column-{column.number}"] = chosen(column.options)
        data[f"unit-{column.number}"] = column.unit
    for name in context["names"]:
        data[f"name-{name.number}"] = name.name
        data[f"code-{name.number}"] = chosen(name.options)
        data[f"nameunit-{name.number}"] = name.unit
    return data


def chosen(options: str) -> str:
    before, found, _after = options.partition(" selected>")
    return before.rpartition('value="')[2].rstrip('"') if found else ""


# --- who may what -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "list_", "record", "revert"),
    [("alice", 200, 200, 200), ("carol", 403, 403, 403), ("mallory", 200, 404, 404), ("root", 403, 403, 403)],
)
def test_who_may_open_what(cast: Cast, name: str, list_: int, record: int, revert: int) -> None:
    run = whole(cast.alice, LONG)
    client = page(getattr(cast, name))

    assert {client.get(url).status_code for url in ("/imports", "/imports/sources", "/imports/new")} == {list_}
    assert {client.get(f"/imports/{run.pk}{part}").status_code for part in ("", "/errors.csv")} == {record}
    assert client.get(f"/imports/{run.pk}/revert").status_code == revert


def test_a_stranger_changes_nothing(cast: Cast) -> None:
    run = check(upload(cast.alice, LONG), cast.alice)

    for part in ("import", "revert", "forget", "mapping"):
        assert page(cast.mallory).post(f"/imports/{run.pk}/{part}", {"reason": "x"}).status_code == 404
        assert page(cast.carol).post(f"/imports/{run.pk}/{part}", {"reason": "x"}).status_code == 403

    assert fresh(run).status == "checked"
    assert count(cast.alice) == (0, 0)


def test_a_technician_imports_and_cannot_revert(cast: Cast) -> None:
    technician = cast.person("tim", "Technician", cast.a)
    run = whole(technician, LONG)

    assert b"/revert" not in page(technician).get(f"/imports/{run.pk}").content
    assert page(technician).post(f"/imports/{run.pk}/revert", {"reason": "x"}).status_code == 403
    assert b"/revert" in page(cast.alice).get(f"/imports/{run.pk}").content


# --- the way of a file -----------------------------------------------------------------------
def test_the_way_of_a_file(cast: Cast) -> None:
    client = page(cast.alice)
    url = send(client, LONG).url
    run = only_run(cast)
    assert url == f"/imports/{run.pk}/mapping"
    assert client.get(f"/imports/{run.pk}").url == url  # type: ignore[attr-defined]
    data = form_of(client, url)
    assert data["column-5"] == "parameter"
    first = client.get(url)
    assert "Unobtainium" in first.content.decode()
    assert "12.50" in first.content.decode()

    shown = client.post(url, data | {"preview": "1", "column-6": ""}, headers={"HX-Request": "true"})
    assert "No column gives results" in shown.content.decode()
    assert "<html" not in shown.content.decode()
    answer = client.post(url, data | {"name": "Lab book"})
    assert answer.url == f"/imports/{run.pk}"  # type: ignore[attr-defined]
    assert "being checked" in client.get(f"/imports/{run.pk}").content.decode()
    assert "marsad" not in client.get(f"/imports/{run.pk}/state").headers.get("HX-Refresh", "")
    assert "import-progress" in client.get(f"/imports/{run.pk}/state").content.decode()
    steps(run, cast.alice)
    assert client.get(f"/imports/{run.pk}/state").headers["HX-Refresh"] == "true"
    checked = client.get(f"/imports/{run.pk}").content.decode()
    assert "Nothing has been written yet" in checked
    assert "Import now" in checked
    assert count(cast.alice) == (0, 0)
    client.post(f"/imports/{run.pk}/import")
    steps(run, cast.alice)
    assert count(cast.alice) == (2, 4)
    only_refused = client.get(f"/imports/{run.pk}?outcome=refused").content.decode()
    assert "Unobtainium" in only_refused
    assert "Nitrate" not in only_refused.partition("<tbody>")[2].partition("<tbody>")[2]
    refused = client.get(f"/imports/{run.pk}/errors.csv")
    assert refused.headers["Content-Disposition"] == 'attachment; filename="refused-rows.csv"'
    assert "Unobtainium" in b"".join(refused.streaming_content).decode()  # type: ignore[attr-defined]
    assert client.post(f"/imports/{run.pk}/revert", {"reason": ""}).status_code == 422
    client.post(f"/imports/{run.pk}/revert", {"reason": "wrong file"})
    steps(run, cast.alice)
    assert count(cast.alice) == (0, 0)
    with tenant(cast.a.pk):
        assert ImportSource.objects.get().name == "Lab book"


def test_the_next_file_of_a_source_brings_its_mapping(cast: Cast) -> None:
    whole(cast.alice, LONG, parameters={"Unobtainium": "ZN"})
    with tenant(cast.a.pk):
        source = ImportSource.objects.get()
    client = page(cast.alice)
    file = io.BytesIO(LONG.replace("W-", "V-").encode())
    file.name = "next.csv"

    url = client.post("/imports/new", {"file": file, "source": source.pk}).url  # type: ignore[attr-defined]

    assert client.get(url).context["form"]["name"].value() == "Lab"
    assert "Unobtainium" in client.get(url).content.decode()
    with tenant(cast.a.pk):
        assert ImportRun.objects.get(filename="next.csv").mapping["parameters"] == {"Unobtainium": "ZN"}


def test_a_file_is_read_again_in_another_format(cast: Cast) -> None:
    client = page(cast.alice)
    url = send(client, "الرمز;الموقع;القيمة;المعيار\nA;بئر أحمد;7,2;pH\n".encode("windows-1256")).url

    wrong = client.post(url, {"reread": "1", "encoding": "utf-8", "delimiter": ";", "header": "1"})
    assert wrong.status_code == 422
    assert "choose another encoding" in wrong.content.decode()
    client.post(url, {"reread": "1", "encoding": "windows-1252", "delimiter": ";", "header": "1"})

    assert only_run(cast).mapping["format"]["encoding"] == "windows-1252"


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PK\x03\x04broken", b"a,b\n", b"%PDF-1.7"],
    ids=["empty", "picture", "broken", "no rows", "pdf"],
)
def test_a_bad_file_gives_a_clear_error(cast: Cast, content: bytes) -> None:
    for language in ("en", "fr", "ar"):
        answer = send(page(cast.alice, language), content)

        assert answer.status_code == 422
        assert answer.context["form"].errors["file"]
    with tenant(cast.a.pk):
        assert not ImportRun.objects.exists()


def test_a_mapping_that_cannot_work_says_why(cast: Cast) -> None:
    client = page(cast.alice)
    url = send(client, "fruit,size\nfig,3\n").url

    answer = client.post(url, form_of(client, url))

    assert answer.status_code == 422
    assert "No column gives results" in answer.content.decode()
    assert only_run(cast).status == "uploaded"


def test_no_query_per_row(cast: Cast) -> None:
    def queries(run: ImportRun) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert page(cast.alice).get(f"/imports/{run.pk}").status_code == 200
        return len(caught)

    few = check(upload(cast.alice, LONG), cast.alice)
    more = check(upload(cast.alice, LONG + "".join(LONG.splitlines(keepends=True)[1:]) * 3), cast.alice)

    assert queries(more) == queries(few)


def test_the_sample_list_offers_import_and_wqx(cast: Cast) -> None:
    whole(cast.alice, LONG)
    content = page(cast.alice).get("/samples").content.decode()

    assert 'href="/imports"' in content
    assert 'href="/samples.wqx.csv"' in content
    answer = page(cast.alice).get("/samples.wqx.csv?q=W-1")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert text.count("\r\n") == 4
    assert page(cast.carol).get("/samples.wqx.csv").status_code == 403
