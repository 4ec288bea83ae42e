"""`manage.py new_epoch`: what an administrator runs after restoring a backup."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Func, UUIDField

from portal.core.sync.models import Clock
from portal.core.tenancy.scope import platform


class Command(BaseCommand):
    """Versions given after the backup are given again, to other changes: no cursor from before may go on."""

    help = "Makes every device fetch everything again (after a backup was restored)."

    def handle(self, *args: Any, **options: Any) -> None:
        with platform():
            clocks = Clock.objects.update(epoch=Func(function="gen_random_uuid", output_field=UUIDField()))
        self.stdout.write(f"{clocks} organisation(s): every device will fetch everything again")
