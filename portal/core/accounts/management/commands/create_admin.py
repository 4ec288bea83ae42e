"""`manage.py create_admin EMAIL`: the first person of an installation, who makes organisations and invites theirs."""

import sys
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from portal.core.accounts.models import Role, User
from portal.core.accounts.services.signin import password_errors
from portal.core.common.errors import Errors, Invalid
from portal.core.tenancy.scope import platform


class Command(BaseCommand):
    help = "Creates a platform administrator; the password is asked for, or read from standard input."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="the person's name; the address without it")

    def handle(self, *args: Any, **options: Any) -> None:
        password = getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        with platform():
            user = User(email=options["email"].strip(), name=options["name"] or options["email"])
            user.role = Role.objects.get(organization=None, key="SuperAdmin")
            try:
                validate_email(user.email)
                errors = Errors()
                password_errors(errors, "password", password, None, user)
                errors.raise_any()
                user.set_password(password)
                with transaction.atomic():
                    user.save(force_insert=True)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
            except Invalid as refused:
                raise CommandError(" ".join(str(one.message) for one in refused.errors)) from None
            except IntegrityError:
                raise CommandError(f"{user.email} has an account already") from None
        self.stdout.write(f"{user.email} may sign in, and should switch on two-step sign-in under Security")
