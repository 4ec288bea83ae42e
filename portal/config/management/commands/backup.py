"""`manage.py backup FILE`: everything that the installation is, while it runs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.config import backup, postgres
from portal.core.common import clock


class Command(BaseCommand):
    help = "Writes database, keys, audit checkpoints and files into one file, with a manifest; the program may run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a new file, or a folder: the name is then made of the time")
        parser.add_argument("--passphrase-file", type=Path, help="encrypt with the passphrase that this file holds")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if path.is_dir():
            path = path / f"marsad-{clock.now():%Y%m%dT%H%M%SZ}.tar"
        if path.exists():
            raise CommandError(f"{path} exists already")
        try:
            manifest = backup.save(
                path=path,
                data=settings.DATA_DIR,
                owner=settings.DATABASES["owner"],
                programs=postgres.programs(),
                passphrase=passphrase(options["passphrase_file"]),
            )
        except (backup.BackupError, postgres.PostgresError) as error:
            raise CommandError(str(error)) from None
        if settings.FILES_S3:
            self.stderr.write("The files are in the bucket of MARSAD_FILES_S3, which needs a backup of its own.")
        self.stdout.write(f"{path}: {len(manifest['members'])} members, {path.stat().st_size:,} bytes")


def passphrase(path: Path | None) -> str:
    """The first line of the file; raises CommandError where there is none."""
    if path is None:
        return ""
    try:
        text = path.read_text().strip().partition("\n")[0]
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    if not text:
        raise CommandError(f"{path} holds no passphrase")
    return text
