"""`manage.py restore FILE`: a backup taken back into an empty database, with the program stopped."""

import contextlib
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from portal.config import backup, env, postgres, supervise
from portal.config.management.commands.backup import passphrase
from portal.core.tenancy.management.commands import bootstrap


class Command(BaseCommand):
    help = "Takes a backup back: checks it, restores database and files, and has every device fetch everything again."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--passphrase-file", type=Path)
        parser.add_argument("--check", action="store_true", help="read and compare the file, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        data: Path = settings.DATA_DIR
        fresh = data / "restore.new"
        try:
            with contextlib.ExitStack() as stack:
                stack.callback(shutil.rmtree, fresh, ignore_errors=True)
                if not options["check"]:
                    stack.enter_context(supervise.only_one(data))
                manifest = backup.unpack(
                    path=options["file"], into=fresh, passphrase=passphrase(options["passphrase_file"])
                )
                self.stdout.write(f"of {manifest['at']}, {len(manifest['members'])} members, all as the manifest says")
                if not options["check"]:
                    self.take_back(fresh, data, stack)
        except (backup.BackupError, postgres.PostgresError, supervise.StartError) as error:
            raise CommandError(str(error)) from None

    def take_back(self, fresh: Path, data: Path, stack: contextlib.ExitStack) -> None:
        owner, app = connections.settings["owner"], connections.settings["default"]
        if not env.text("DATABASE_URL"):
            handle = postgres.start(data)
            stack.callback(handle.stop)
            for alias in connections:
                connections.settings[alias]["HOST"] = str(handle.socket)
            bootstrap.create_database(owner)
        if not backup.is_empty(owner):
            raise CommandError("the database is not empty: restore into a new one (MARSAD_DATA, DATABASE_URL)")
        for aside in backup.put_back(unpacked=fresh, data=data):
            self.stdout.write(f"what stood there before is now {aside}")
        if not env.text("MARSAD_APP_DATABASE_URL"):  # the role's password is one of the keys
            app["PASSWORD"] = (data / "keys" / "app_database_password").read_text().strip()
        bootstrap.prepare_database(owner, app)
        with contextlib.closing(bootstrap.connect(owner)) as connection:
            connection.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {bootstrap.AUDIT_ROLE}")
        backup.restore_database(dump=fresh / backup.DUMP, owner=owner, programs=postgres.programs())
        connections.close_all()
        call_command("bootstrap", verbosity=0)
        call_command("new_epoch", stdout=self.stdout)
        self.stdout.write("restored; start the program, and verify the audit log: manage.py audit_verify")
