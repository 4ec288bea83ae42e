"""`manage.py rotate_jwt_key`: sign access tokens with a new key from now on."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.core.accounts import tokens


class Command(BaseCommand):
    help = "Makes a new key for access tokens; old keys verify for another day and are then removed by the next run."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        kid, dropped = tokens.rotate_key()
        self.stdout.write(f"signing with {kid}; removed {len(dropped)} old key(s)")
