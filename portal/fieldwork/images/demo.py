"""Drawn photographs of wells for the demo, some of which contradict what their device says."""

import io
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from PIL import Image as Pillow
from PIL import ImageDraw

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.projects.access import project_for
from portal.core.projects.models import Task
from portal.fieldwork.images import services
from portal.fieldwork.images.services import Details

COUNT: Final = 8
SIZE: Final = (1200, 900)
CENTRE: Final = (33.02, -7.62)  # plain of the Chaouia


def fill(*, project: UUID, by: User, random: Random) -> None:
    """Photographs of the project's first tasks: one taken elsewhere, one at another time, one that says nothing."""
    tasks = list(Task.objects.filter(project=project, deleted_at=None).order_by("created_at", "pk")[:COUNT])
    for number, task in enumerate(tasks):
        latitude, longitude = (round(value + random.uniform(-0.15, 0.15), 6) for value in CENTRE)
        taken = (clock.now() - timedelta(days=number + 1)).replace(hour=9, minute=5 * number, second=0, microsecond=0)
        far = 0.02 if number == 2 else 0.0
        late = timedelta(hours=2) if number == 4 else timedelta()
        picture = _draw(random, None if number == 6 else (latitude + far, longitude), taken + late)
        services.image_upload(
            stream=[picture],
            filename=f"بئر-{number + 1}.jpg",
            by=by,
            project=project_for(by, project),
            task=task,
            details=Details(latitude=latitude, longitude=longitude, accuracy=6.0, captured_at=taken),
        )


def _draw(random: Random, place: tuple[float, float] | None, taken: datetime) -> bytes:
    """Sky, hills, ground and a well; with the metadata of a phone where it has a place."""
    width, height = SIZE
    shade = Pillow.linear_gradient("L").resize(SIZE)
    picture = Pillow.merge("RGB", [shade.point([low + value // 5 for value in range(256)]) for low in (120, 170, 200)])
    draw = ImageDraw.Draw(picture)
    ground = int(height * random.uniform(0.5, 0.6))
    hills = [(x, ground - random.randint(20, 140)) for x in range(0, width + 150, 150)]
    draw.polygon([(0, ground), *hills, (width, ground)], fill=(150, 140, 110))
    draw.rectangle((0, ground, width, height), fill=(200 + random.randint(-15, 15), 170, 120))
    left, top = random.randint(250, 650), ground + 30
    draw.rectangle((left, top, left + 260, top + 190), fill=(125, 118, 112))
    draw.ellipse((left, top + 150, left + 260, top + 230), fill=(125, 118, 112))
    draw.ellipse((left, top - 40, left + 260, top + 40), fill=(70, 66, 64))
    draw.line((left + 20, top, left + 130, top - 210, left + 240, top), fill=(92, 64, 44), width=14)
    exif = Pillow.Exif()
    if place:
        exif.update({0x010F: "Marsad", 0x0110: "Demo"})
        exif.get_ifd(0x8769).update({0x9003: f"{taken.astimezone(UTC):%Y:%m:%d %H:%M:%S}", 0x9011: "+00:00"})
        north, west = (_sexagesimal(abs(value)) for value in place)
        exif.get_ifd(0x8825).update({1: "N", 2: north, 3: "W", 4: west, 17: float(random.randint(0, 359)), 31: 5.0})
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80, exif=exif.tobytes())
    return out.getvalue()


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes = degrees % 1 * 60
    return float(int(degrees)), float(int(minutes)), round(minutes % 1 * 60, 3)
