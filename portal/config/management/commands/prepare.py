"""Everything that must be true before web and worker processes start, in one process (`make run` calls it)."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from portal.config import env


class Command(BaseCommand):
    help = "Checks the program, makes the database, loads the demo organisation once, compiles texts and static files."

    def handle(self, *args: Any, **options: Any) -> None:
        verbosity = options["verbosity"]
        compile_messages(settings.BASE_DIR / "locale")
        call_command("bootstrap", verbosity=verbosity)
        if settings.MARSAD_ENV in ("demo", "dev") and "demo" in get_commands():
            once("demo", _database(), lambda: call_command("demo", verbosity=verbosity))
        made = env.text("MARSAD_STATIC")  # by whoever packed the program
        if settings.STORAGES["staticfiles"]["BACKEND"].startswith("whitenoise") and not made:
            once("static", _static_state(), collect)


def once(name: str, state: str, act: Any) -> None:
    """Act unless it was done for this very state already (kept in `$MARSAD_DATA/state/<name>`)."""
    mark = settings.DATA_DIR / "state" / name
    if mark.exists() and mark.read_text() == state:
        return
    act()
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(state)


def collect() -> None:
    """Copy and compress static files; ninja's other documentation viewer, 4 MB, is not used."""
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["redoc.*"])


def compile_messages(folder: Path) -> None:
    """Write the `.mo` file of every `.po` file that is newer."""
    for source in folder.glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            call_command("compilemessages", locale=[source.parent.parent.name], verbosity=0)


def _database() -> str:
    owner = settings.DATABASES["owner"]
    return hashlib.sha256(f"{owner['HOST']} {owner['PORT']} {owner['NAME']}".encode()).hexdigest()


def _static_state() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            digest.update(f"{path} {storage.size(path)} {storage.get_modified_time(path)}\n".encode())
    return digest.hexdigest()
