"""Whatever is uploaded or sent, a parser raises its declared refusal and nothing else.

A few examples by default, a thousand of each with `HYPOTHESIS_PROFILE=full`. Expressions, photographs and the shapes
of clients have such tests beside them (`test_language.py`, `test_media.py`, `test_geometry.py`).
"""

import contextlib
import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import BadRequest
from django.test import RequestFactory
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from api.kit import body
from api.kit.schemas import In, Listing
from portal.collect.language import read_schema
from portal.collect.language.xlsform import read_workbook, reading
from portal.core.accounts import tokens
from portal.core.audit.middleware import client_address
from portal.core.common import clock, ids, markdown, spreadsheets
from portal.core.common.errors import DomainError
from portal.core.geo import loading
from portal.core.sync import cursor
from portal.crm.customers.imports import files as customer_files

FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
FEW = settings(
    max_examples=1000 if FULL else 12,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=list(Phase) if FULL else [Phase.explicit, Phase.generate],  # what it finds, it finds without shrinking
)
texts = st.text(max_size=40) | st.sampled_from(
    (
        "",
        "\0",
        "=1+1",
        "٧٫٢",
        "<0.01",
        "1e999",
        "NaN",
        "2026-02-30",
        "9" * 400,
        "select_one x",
        "begin group",
        "${a}",
        "\ud800",
    )
)
cells = texts | st.integers(-(2**70), 2**70) | st.floats() | st.booleans() | st.none()
values = st.recursive(
    cells, lambda part: st.lists(part, max_size=4) | st.dictionaries(texts, part, max_size=4), max_leaves=12
)


def refuses_cleanly(work: Callable[[], Any]) -> None:
    with contextlib.suppress(DomainError):
        work()


def packed(sheets: dict[str, list[list[Any]]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append([_storable(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _storable(cell: Any) -> Any:
    if isinstance(cell, str):
        text = "".join(sign for sign in cell if sign.isprintable() and not "\ud800" <= sign <= "\udfff")
        return text.removeprefix("=")
    return str(cell) if (isinstance(cell, int) and abs(cell) > 10**15) or cell != cell else cell


def damaged(whole: bytes, changes: list[tuple[float, bytes]], cut: float) -> bytes:
    out = bytearray(whole)
    for place, piece in changes:
        at = int(place * len(out))
        out[at : at + len(piece)] = piece
    return bytes(out[: max(1, int(cut * len(out)))])


changes = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6)
cuts = st.just(1.0) | st.floats(0, 1)
columns = st.sampled_from(("type", "name", "label", "label::Arabic (ar)", "required", "relevant", "constraint", "calculation", "appearance", "repeat_count", "list_name", "form_title", "default", "hint"))  # fmt: skip  # noqa: E501
kinds = st.sampled_from(("text", "integer", "decimal", "date", "geopoint", "image", "begin group", "end group", "begin repeat", "end repeat", "select_one yes_no", "select_multiple yes_no", "calculate", "note"))  # fmt: skip  # noqa: E501
grids = st.lists(st.lists(columns | kinds | cells, max_size=6), max_size=8)


@FEW
@given(survey=grids, choices=grids, config=grids, damage=changes, cut=cuts)
def test_no_workbook_breaks_the_reader_of_forms(
    survey: list[list[Any]], choices: list[list[Any]], config: list[list[Any]], damage: Any, cut: float
) -> None:
    head = ["type", "name", "label", "required", "relevant", "constraint"]
    sheets = {"survey": [head, *survey], "choices": [["list_name", "name", "label"], *choices], "settings": config}
    content = packed(sheets)
    refuses_cleanly(lambda: read_workbook(io.BytesIO(content)))
    refuses_cleanly(lambda: read_workbook(io.BytesIO(damaged(content, damage, cut))))


@FEW
@given(value=values, keys=st.lists(st.sampled_from(("fields", "id", "type", "label", "choices", "when", "formula", "required", "min", "of"))))  # fmt: skip  # noqa: E501
def test_no_schema_of_a_form_breaks_its_reader(value: Any, keys: list[str]) -> None:
    for key in keys:
        value = {key: [value] if key in ("fields", "choices") else value}
    text = json.dumps(value, ensure_ascii=True, default=str)
    refuses_cleanly(lambda: read_schema(text))


@FEW
@given(grid=grids, damage=changes, cut=cuts, text=st.text(max_size=300), raw=st.binary(max_size=200))
def test_no_table_breaks_the_readers_of_imports(
    grid: list[list[Any]], damage: Any, cut: float, text: str, raw: bytes
) -> None:
    book = packed({"results": [["Code", "Parameter", "Value"], *grid]})
    written = text.encode("utf-8", "surrogatepass")
    for content in (book, damaged(book, damage, cut), written, raw, text.encode("utf-16", "surrogatepass")):
        refuses_cleanly(lambda content=content: whole_table(content))
        refuses_cleanly(
            lambda content=content: customer_files.inspect(io.BytesIO(content), known=frozenset({"name"}), chosen={})
        )


def whole_table(content: bytes) -> None:
    found = spreadsheets.inspect(io.BytesIO(content), known=frozenset({"code"}))
    for number, row in spreadsheets.table_rows(io.BytesIO(content), found.format):
        assert number > 0
        assert all(isinstance(cell, str) for cell in row)


@FEW
@given(value=values)
def test_no_json_list_breaks_the_import_of_customers(value: Any) -> None:
    content = json.dumps([value], default=str).encode()
    refuses_cleanly(lambda: customer_files.inspect(io.BytesIO(content), known=frozenset({"name"}), chosen={}))


def test_what_a_workbook_hides_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_UNPACKED", 10**6)
    monkeypatch.setattr(reading, "_UNPACKED", 10**6)
    bomb, entities = io.BytesIO(), io.BytesIO(packed({"survey": [["type", "name"], ["text", "a"]]}))
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2 * 10**6)
    laughs = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9)
    )
    with zipfile.ZipFile(entities) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = next(name for name in parts if name.startswith("xl/worksheets/"))
    evil = laughs + b'<!ENTITY f SYSTEM "file:///etc/passwd">]><worksheet>&j;&f;</worksheet>'
    hostile = io.BytesIO()
    with zipfile.ZipFile(hostile, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, evil if name == sheet else part)
    for content in (bomb.getvalue(), hostile.getvalue()):
        with pytest.raises(DomainError):
            whole_table(content)
        with pytest.raises(DomainError):
            read_workbook(io.BytesIO(content))


# --- boundaries: GeoJSON, also gzipped, and GeoPackage ---------------------------------------------
@FEW
@given(features=st.lists(values | st.fixed_dictionaries({"properties": values, "geometry": values}), max_size=4), raw=st.binary(max_size=120), cut=cuts)  # fmt: skip  # noqa: E501
def test_no_file_of_boundaries_breaks_its_reader(
    tmp_path_factory: pytest.TempPathFactory, features: list[Any], raw: bytes, cut: float
) -> None:
    whole = json.dumps({"type": "FeatureCollection", "features": features}, default=str).encode()
    folder = tmp_path_factory.mktemp("boundaries")
    for content in (whole, gzip.compress(whole), damaged(gzip.compress(whole), [], cut), raw, b"\x1f\x8b" + raw):
        path = folder / "upload"
        path.write_bytes(content)
        loading.read([("units.geojson", path)])  # faults stand in the plan: it never raises
    damaged_database(folder / "package", raw)


def damaged_database(path: Path, raw: bytes) -> None:
    head = bytearray(b"SQLite format 3\0" + b"\0" * 84)
    head[68:72] = b"GPKG"
    path.write_bytes(bytes(head) + raw)
    assert loading.read([("units.gpkg", path)]).faults


def test_formats_that_name_addresses_are_no_boundaries(tmp_path: Path) -> None:
    """GDAL would follow these: by their content they are taken for JSON, and are none."""
    for content in (
        b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/vsicurl/http://127.0.0.1:9/x</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
        b"<kml><NetworkLink><Link><href>http://169.254.169.254/</href></Link></NetworkLink></kml>",
        b'{"type": "FeatureCollection", "features": "/vsicurl/http://127.0.0.1:9/x"}',
    ):
        path = tmp_path / "upload"
        path.write_bytes(content)
        assert loading.read([("units.kml", path)]).faults


# --- what stands in requests --------------------------------------------------------------------------
@FEW
@given(raw=st.binary(max_size=80) | values.map(lambda value: json.dumps(value, default=str).encode()))
def test_no_body_breaks_the_parser(raw: bytes) -> None:
    refuses_cleanly(lambda: body.parse(raw))


@FEW
@given(text=st.text(max_size=120) | st.binary(max_size=120).map(lambda raw: raw.hex()), flip=st.integers(0, 10**6))
def test_no_text_is_taken_for_a_cursor(text: str, flip: int) -> None:
    assert cursor.decode(text) is None
    own = cursor.encode(cursor.Cursor(ids.uuid7(), ids.uuid7(), 7, clock.now(), b"8 bytes!"))
    assert cursor.decode(own) is not None
    at = flip % len(own)
    changed = own[:at] + ("A" if own[at] != "A" else "B") + own[at + 1 :]
    assume(changed != own)
    assert cursor.decode(changed) is None or at == len(own) - 1  # the last sign holds bits that nothing reads


@FEW
@given(head=values, payload=values, tail=st.text(max_size=20), raw=st.text(max_size=80))
@pytest.mark.django_db
def test_no_text_is_taken_for_an_access_token(head: Any, payload: Any, tail: str, raw: str) -> None:
    import base64

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, default=str).encode()).decode().rstrip("=")

    unsigned = {"alg": "none", "typ": "JWT"}
    for text in (raw, f"{part(head)}.{part(payload)}.{tail}", f"{part(unsigned)}.{part(payload)}."):
        with pytest.raises(tokens.Unauthenticated):
            tokens.read(text)


@FEW
@given(forwarded=st.text(st.characters(codec="latin-1"), max_size=60), peer=st.text(max_size=20))
def test_no_header_breaks_the_address_of_a_client(forwarded: str, peer: str) -> None:
    assume("\n" not in forwarded and "\r" not in forwarded)
    try:
        request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR=peer)
    except (BadRequest, UnicodeError):
        return
    assert client_address(request) in ("", peer) or ":" in client_address(request)


@FEW
@given(text=texts | st.text(max_size=300))
def test_no_text_breaks_moments_dates_ids_and_markdown(text: str) -> None:
    clock.parse_moment(text)
    clock.parse_date(text)
    ids.parse_uuid(text)
    assert "<script" not in markdown.html(text + "<script>alert(1)</script>[x](javascript:alert(1))")
    assert 'href="javascript:' not in markdown.html(f"[{text}](javascript:alert(1))")


class Shape(In):
    count: int | None = 0
    share: Decimal = Decimal(0)
    switched: bool = False
    at: datetime | None = None
    on: date | None = None
    anything: Any = None
    many: list[bool] = []


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        *(("count", True), ("share", False), ("switched", 0), ("switched", 1.0), ("at", 5), ("at", {}), ("many", {})),
        *(("at", "20260101"), ("at", "-1.5"), ("on", " 0 ")),
    ],
)
def test_a_value_is_of_the_type_that_the_document_names(field: str, wrong: Any) -> None:
    """Pydantic alone takes true for 1, 0 for false, and 5 and the text 20260101 for seconds since 1970."""
    with pytest.raises(ValidationError) as refused:
        Shape.model_validate({field: wrong})
    assert [error["loc"] for error in refused.value.errors(include_input=False)] == [(field,)]

    taken = Shape.model_validate({"at": "2026-01-01T08:00:00Z", "on": "2026-01-01"})
    assert (taken.at, taken.on) == (datetime(2026, 1, 1, 8, tzinfo=UTC), date(2026, 1, 1))
    taken = Shape.model_validate({"count": None, "share": "7.20", "switched": "true", "anything": {"a": True}})
    assert (taken.count, taken.share, taken.switched, taken.anything) == (None, Decimal("7.20"), True, {"a": True})


class Chosen(Listing):
    on: date | None = None
    share: Decimal | None = None


@pytest.mark.parametrize("text", ["0", "20260101", "1767225600"])
def test_a_number_is_no_day_of_a_filter(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Chosen.model_validate({"on": text})
    assert [error["type"] for error in refused.value.errors()] == ["date_type"]
    taken = Chosen.model_validate({"on": "2026-01-01", "share": text, "limit": "3"})
    assert (taken.on, taken.share, taken.limit) == (date(2026, 1, 1), Decimal(text), 3)
