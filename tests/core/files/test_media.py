"""Photographs as cameras write them, whole and broken."""

import io
import zlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from portal.core.common import pdf
from portal.core.files import media
from portal.core.files.media import Claim, Exif, Failure, Position, Unreadable
from tests.pictures import HERE, WHEN, photo, png

ADEN = timezone(timedelta(hours=3))
RABAT = ZoneInfo("Africa/Casablanca")


def exif(gps: dict[int, Any] | None = None, detail: dict[int, Any] | None = None, **more: Any) -> Exif:
    return media.inspect(photo(gps, detail, **more), zone=ADEN).exif


@pytest.mark.covers("000-IMG-03")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_accepted_type_tells_place_time_and_camera(kind: str) -> None:
    gps = HERE | {5: b"\0", 6: 27.5, 16: "T", 17: 271.5, 31: 4.7, 29: "2026:11:20", 7: (9.0, 14.0, 58.0)}

    found = media.inspect(photo(gps, WHEN, {0x010F: "Acme", 0x0110: "P\0\0"}, kind=kind), zone=UTC)

    assert found.content_type == ("image/heic" if kind == "HEIF" else f"image/{kind.lower()}")
    assert (found.width, found.height) == (64, 48)
    assert found.exif == Exif(
        position=Position(33.5916667, -7.6, 4.7),
        altitude=27.5,
        direction=271.5,
        taken_at=datetime(2026, 11, 20, 9, 15, tzinfo=UTC),
        gps_at=datetime(2026, 11, 20, 9, 14, 58, tzinfo=UTC),
        make="Acme",
        model="P",
    )
    assert found.exif.as_json()["taken_at"] == "2026-11-20T09:15:00Z"


def test_without_any_metadata_there_is_none() -> None:
    out = io.BytesIO()
    Image.new("RGB", (3, 2)).save(out, "JPEG")

    assert media.inspect(out, zone=UTC).exif == Exif()
    assert Exif(altitude=0.0).as_json() == {"altitude": 0.0, "orientation": 1, "unreadable": []}


@pytest.mark.parametrize(
    ("change", "position"),
    [
        ({1: "S"}, (-33.5916667, -7.6)),
        ({3: "E"}, (33.5916667, 7.6)),
        ({1: "n", 3: "w "}, (33.5916667, -7.6)),  # as some writers do
        ({2: (33.5916667,), 4: (7.6,)}, (33.5916667, -7.6)),  # degrees alone
        ({2: (33.0, 35.5), 4: (7.0, 36.0)}, (33.5916667, -7.6)),  # degrees and minutes
        ({2: (90.0, 0.0, 0.0)}, (90.0, -7.6)),
    ],
)
def test_ways_to_write_a_place(change: dict[int, Any], position: tuple[float, float]) -> None:
    found = exif(HERE | change).position

    assert found is not None
    assert (found.latitude, found.longitude) == position


@pytest.mark.parametrize(
    "change",
    [
        {2: (91.0, 0.0, 0.0)},
        {4: (181.0, 0.0, 0.0)},
        {2: (33.0, 75.0, 0.0)},
        {2: (IFDRational(33, 0), 0.0, 0.0)},
    ],
)
def test_an_impossible_place_is_no_place_and_said(change: dict[int, Any]) -> None:
    found = exif(HERE | change, WHEN)

    assert found.position is None
    assert found.unreadable == ("position",)
    assert found.taken_at == datetime(2026, 11, 20, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize("change", [{2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, {9: "V"}])
def test_a_receiver_without_a_fix_gives_no_place(change: dict[int, Any]) -> None:
    found = exif(HERE | change)

    assert found.position is None
    assert found.unreadable == ()


def test_a_place_without_its_hemisphere_is_compared_in_the_one_that_fits() -> None:
    """OpenDroneMap/ODM#1465: cameras that leave the reference out."""
    found = exif({2: HERE[2], 4: HERE[4]})

    assert found.position == Position(33.5916667, 7.6)
    assert found.hemisphere_missing
    assert media.flags(claim=Claim(Position(33.5916, -7.6001)), exif=found) == []
    assert media.flags(claim=Claim(Position(33.5916, -8.6)), exif=found) == ["EXIF_LOCATION_MISMATCH"]


def test_accuracy_direction_and_altitude_that_make_no_sense_are_left_out() -> None:
    found = exif(HERE | {31: IFDRational(0, 0), 17: 400.0, 6: IFDRational(1, 0)})

    assert found.position == Position(33.5916667, -7.6)
    assert (found.direction, found.altitude) == (None, None)
    assert set(found.unreadable) == {"direction", "altitude"}
    assert exif(HERE | {17: 360.0, 16: "M"}).direction == 0
    assert exif(HERE | {17: 10.0, 16: "M"}).magnetic
    assert exif(HERE | {5: b"\1", 6: 12.0}).altitude == -12.0


@pytest.mark.parametrize(
    ("detail", "taken", "assumed"),
    [
        ({0x9003: "2026:11:20 12:15:00", 0x9011: "+01:00"}, "2026-11-20T11:15:00", ""),
        ({0x9003: "2026:11:20 12:15:00", 0x9011: "Z\0"}, "2026-11-20T12:15:00", ""),
        ({0x9003: "2026:11:20 12:15:00", 0x9010: "-0530"}, "2026-11-20T17:45:00", ""),
        ({0x9003: "2026:11:20 12:15:00", 0x9011: "   :  "}, "2026-11-20T09:15:00", "+03:00"),
        ({0x9003: "2026:11:20 12:15:00", 0x9011: "+99:00"}, "2026-11-20T09:15:00", "+03:00"),
        ({0x9003: "2026-11-20T12:15:00"}, "2026-11-20T09:15:00", "+03:00"),
        ({0x9003: "0000:00:00 00:00:00", 0x9004: "2026:11:20 12:15:00"}, "2026-11-20T09:15:00", "+03:00"),
        ({0x9003: "    :  :     :  :  "}, None, ""),
    ],
)
def test_times_and_their_offsets(detail: dict[int, Any], taken: str | None, assumed: str) -> None:
    found = exif(detail=detail)

    assert found.taken_at == (taken and datetime.fromisoformat(taken).replace(tzinfo=UTC))
    assert found.zone_assumed == assumed
    assert found.unreadable == ()


def test_the_assumed_offset_is_the_zones_at_that_moment() -> None:
    found = media.inspect(photo(detail={0x9003: "2026:03:01 12:00:00"}), zone=RABAT).exif  # Ramadan: UTC+0

    assert (found.taken_at, found.zone_assumed) == (datetime(2026, 3, 1, 12, tzinfo=UTC), "+00:00")


@pytest.mark.parametrize("stamp", ["2026:13:20 12:15:00", "2026:11:20 24:15:00", "yesterday", "1970:01:01 00:00:00"])
def test_an_impossible_time_is_none_and_said(stamp: str) -> None:
    found = exif(detail={0x9003: stamp})

    assert (found.taken_at, found.unreadable) == (None, ("time",))


def test_the_receivers_time_stands_in_for_the_cameras() -> None:
    found = exif(HERE | {29: "2026-11-20", 7: (9.0, 15.0, 0.5)})

    assert found.taken_at == found.gps_at == datetime(2026, 11, 20, 9, 15, 0, 500_000, tzinfo=UTC)
    assert exif({7: (9.0, 15.0, 0.5)}).taken_at is None
    assert exif({29: "2026:11:20", 7: (25.0, 0.0, 0.0)}).unreadable == ("gps_time",)


@pytest.mark.covers("000-IMG-03")
def test_claim_and_camera_are_compared() -> None:
    seen = exif(HERE | {31: 10.0}, WHEN)
    at = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)
    north = 1 / 111_195  # a metre in degrees
    fine = Claim(Position(33.5916667 + 64 * north, -7.6, 5.0), at + timedelta(minutes=10))

    assert media.flags(claim=fine, exif=seen) == []  # within 50 m and what both say of their accuracy
    assert media.flags(
        claim=Claim(Position(33.5916667 + 66 * north, -7.6, 5.0), at - timedelta(minutes=11)), exif=seen
    ) == ["EXIF_LOCATION_MISMATCH", "EXIF_TIME_MISMATCH"]
    assert media.flags(claim=Claim(), exif=seen) == []
    assert media.flags(claim=fine, exif=Exif()) == ["EXIF_ABSENT"]
    assert media.flags(claim=Claim(), exif=Exif()) == ["EXIF_ABSENT"]
    assert media.flags(claim=fine, exif=Exif(taken_at=at)) == ["EXIF_ABSENT"]  # what Android leaves
    assert media.flags(claim=Claim(taken_at=at), exif=Exif(taken_at=at)) == []


def test_distances() -> None:
    assert media.distance(Position(0, 179.9995), Position(0, -179.9995)) == pytest.approx(111.2, abs=0.1)
    assert media.distance(Position(90, 0), Position(-90, 0)) == pytest.approx(20_015_114, rel=1e-6)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypmp42", None),
        (b"GIF89a", None),
        (b"<svg xmlns=", None),
        (b"<!doctype html>", None),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"", None),
    ],
)
def test_sniffing(head: bytes, kind: str | None) -> None:
    assert media.sniff(head) == kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_copies_hold_pixels_alone(kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    full = photo(HERE, WHEN, {0x010F: "Acme"}, kind=kind, size=(3000, 1000), icc_profile=profile)

    large, small = media.renditions(full)

    for data, size in ((large, (2048, 683)), (small, (512, 171))):
        with Image.open(io.BytesIO(data)) as copy:
            assert (copy.format, copy.size) == ("JPEG", size)
            assert dict(copy.getexif()) == {}
            assert set(copy.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
        assert b"Acme" not in data
        assert b"Exif" not in data
    assert media.renditions(photo(size=(30, 20)), sizes=(512,))[0]  # a small one is not blown up


@pytest.mark.parametrize("orientation", range(1, 9))
def test_copies_stand_upright(orientation: int) -> None:
    upright = Image.new("RGB", (80, 40), "black")
    upright.paste((255, 0, 0), (0, 0, 40, 20))  # red above left
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # undone by what a viewer does for this orientation
    held = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    held.save(out, "JPEG", exif=exif.tobytes(), quality=95)

    found = media.inspect(out, zone=UTC)
    (copy,) = media.renditions(out, sizes=(80,))

    assert (found.width, found.height) == (80, 40)
    with Image.open(io.BytesIO(copy)) as picture:
        assert picture.size == (80, 40)
        red = [picture.getpixel(point)[0] for point in ((10, 5), (70, 5), (10, 35), (70, 35))]  # type: ignore[index]
        assert red[0] > 200
        assert max(red[1:]) < 50


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_kind_of_pixels_becomes_a_copy(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (40, 30)).save(out, "PNG")

    (copy,) = media.renditions(out, sizes=(20,))

    with Image.open(io.BytesIO(copy)) as picture:
        assert (picture.mode, picture.size) == ("RGB", (20, 15))
        white = mode in ("LA", "RGBA")  # nothing but transparency
        assert picture.getpixel((5, 5)) == ((255,) * 3 if white else (0,) * 3)


@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    bomb = png(width, height, (b"IDAT", zlib.compress(bytes(1000))))

    for open_it in (lambda: media.inspect(bomb, zone=UTC), lambda: media.renditions(bomb)):
        with pytest.raises(Unreadable) as refused:
            open_it()
        assert refused.value.reason == Failure.TOO_MANY_PIXELS


def test_a_bomb_of_text_is_refused() -> None:
    packed = zlib.compress(bytes(80_000_000), 9)
    bomb = png(10, 10, (b"zTXt", b"Comment\0\0" + packed), (b"IDAT", zlib.compress(bytes(310))))

    with pytest.raises(Unreadable) as refused:
        media.renditions(bomb)

    assert refused.value.reason == Failure.DAMAGED


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"GIF89a" + bytes(40), b"%PDF-1.7"])
def test_other_files_are_no_pictures(data: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        media.inspect(io.BytesIO(data), zone=UTC)

    assert refused.value.reason == Failure.NOT_A_PICTURE


def test_half_a_picture_is_damaged() -> None:
    whole = photo(HERE, size=(800, 600)).getvalue()
    half = io.BytesIO(whole[: len(whole) // 2])

    assert media.inspect(half, zone=UTC).exif.position is not None  # what is there is still read
    with pytest.raises(Unreadable) as refused:
        media.renditions(half)

    assert refused.value.reason == Failure.DAMAGED


_WHOLE = {kind: photo(HERE, WHEN, {0x010F: "Acme"}, kind=kind).getvalue() for kind in ("JPEG", "PNG", "WEBP", "HEIF")}


@given(
    kind=st.sampled_from(sorted(_WHOLE)),
    cut=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=6),
    metadata_only=st.booleans(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_damaged_nothing_else_is_raised(
    kind: str, cut: float, changes: list[tuple[float, bytes]], metadata_only: bool
) -> None:
    data = bytearray(_WHOLE[kind])
    span = min(len(data), 400) if metadata_only else len(data)
    for place, noise in changes:
        start = int(place * span)
        data[start : start + len(noise)] = noise
    damaged = io.BytesIO(bytes(data) if metadata_only else bytes(data[: int(cut * len(data)) + 1]))

    try:
        found = media.inspect(damaged, zone=ADEN)
        assert set(media.flags(claim=Claim(Position(0, 0), datetime.now(UTC)), exif=found.exif)) <= set(media.Flag)
        media.renditions(damaged, sizes=(32,))
    except Unreadable:
        pass


@given(gps=st.dictionaries(st.integers(0, 31), st.one_of(st.binary(max_size=12), st.text(max_size=8), st.integers())))
def test_any_metadata_can_be_read(gps: dict[int, Any]) -> None:
    class Held(Image.Image):
        def getexif(self) -> Any:
            class Block(dict[int, Any]):
                def get_ifd(self, tag: int) -> dict[int, Any]:
                    return gps

            return Block(gps)

    assert isinstance(media.read_exif(Held(), zone=ADEN).as_json(), dict)


def test_damage_is_still_told_where_papers_are_drawn() -> None:
    pdf._weasyprint()

    with pytest.raises(Unreadable):
        media.renditions(io.BytesIO(photo(HERE, size=(800, 600)).getvalue()[:9000]), [512])
