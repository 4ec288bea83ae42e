"""`manage.py demo`: organisations with people and a year of laboratory work, to look at and to try."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from portal.collect.charts import demo as charts
from portal.collect.forms import demo as forms
from portal.core.accounts.models import Role, User
from portal.core.accounts.permissions import SUPERADMIN
from portal.core.tenancy import seeds
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import Actor, platform, tenant
from portal.crm import demo as crm
from portal.desk.cast import COAST, DEMO, EMPTY, INLAND, LOGINS, OTHER, PASSWORD, PEOPLE
from portal.desk.notify import demo as notify
from portal.desk.reports import demo as reports
from portal.fieldwork import demo as fieldwork
from portal.lab import demo as lab
from portal.survey import demo as survey

ACTOR = Actor(name="demo", via="demo")
ORGANIZATIONS: dict[str, dict[str, Any]] = {
    DEMO: {
        "name": "مختبرات مرصد للمياه · Laboratoires Marsad",
        "description": "Two laboratories of drinking water and groundwater, made up for the demo.",
        "address": "12, rue Ibn Batouta",
        "city": "Casablanca",
        "language": "fr",
    },
    OTHER: {
        "name": "Bureau d'études hydriques du Nord",
        "description": "A second organisation: nobody of the first sees anything of it.",
        "address": "4, avenue de la Plage",
        "city": "Tanger",
        "language": "fr",
    },
    EMPTY: {
        "name": "مختبر الأطلس",
        "description": "A third organisation on its first day, without any work: its first steps are still to be made.",
        "address": "3, avenue Mohammed V",
        "city": "Fès",
        "language": "ar",
    },
}


class Command(BaseCommand):
    help = (
        "Loads the demo: two organisations with people and an empty third, sampling points, a year of samples and "
        "results up to today, devices, compliance reports, projects and tasks. What is there already stays as it is. "
        "Refused in production."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", action="store_true", help="delete EVERYTHING in the database first, then load")
        parser.add_argument("--noinput", "--no-input", action="store_true", help="do not ask before --reset")
        parser.add_argument("--bare", action="store_true", help="only the organisations and their people, no work")
        parser.add_argument("--samples", type=int, default=2500, metavar="N", help="samples of the year (2500)")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("demo data is refused in production: its passwords are public (MARSAD_ENV=production)")
        samples = options["samples"]
        if samples < 1:
            raise CommandError("--samples must be at least 1")
        if options["reset"]:
            self._reset(ask=not options["noinput"], verbosity=options["verbosity"])
        password = make_password(PASSWORD)  # once: the work of a hash is meant for attackers
        for domain in ORGANIZATIONS:
            self._people(domain, password)
        seeds.run()  # what every organisation starts with
        if not options["bare"]:
            self._work(DEMO, lab.Plan(samples=samples, laboratories=(COAST, INLAND), seed=2026))
            self._work(OTHER, lab.Plan(samples=max(1, samples // 40), laboratories=("",), seed=7))
        if options["verbosity"]:
            self.stdout.write(f"logins, password {PASSWORD}:\n  " + "\n  ".join(LOGINS))

    def _reset(self, *, ask: bool, verbosity: int) -> None:
        """Make the database anew. The audit log allows no deletion, and so a demo cannot be taken out row by row; where
        somebody else's organisation lives in the same database, nothing is done."""
        with platform(by=ACTOR):
            others = list(Organization.objects.exclude(domain__in=ORGANIZATIONS).values_list("name", flat=True)[:5])
        if others:
            raise CommandError(f"--reset would delete organisations beside the demo: {', '.join(others)}")
        if ask and input("Delete everything in this database and load the demo again? Type yes: ").strip() != "yes":
            raise CommandError("nothing was changed")
        connections["default"].close()
        with connections["owner"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '20s'")  # the program may run: its transactions are short
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute("CREATE SCHEMA public")
        connections["owner"].close()
        call_command("bootstrap", verbosity=verbosity)

    def _people(self, domain: str, password: str) -> None:
        with platform(by=ACTOR):
            organization = Organization.objects.filter(domain=domain).first() or Organization.objects.create(
                domain=domain,
                country="Maroc",
                email=f"contact@{domain}",
                time_zone="Africa/Casablanca",
                kind=Organization.Kind.LABORATORY,
                **ORGANIZATIONS[domain],
            )
            roles = {role.key: role for role in Role.objects.filter(organization=None)}
            there = set(User.objects.filter(email__endswith=f"@{domain}").values_list("email", flat=True))
            for person in PEOPLE[domain]:
                email = f"{person.login}@{domain}"
                if email not in there:
                    User.objects.create(
                        organization=None if person.role == SUPERADMIN else organization,
                        email=email,
                        username=None,
                        name=person.name,
                        role=roles[person.role],
                        department=person.department,
                        language=person.language,
                        password=password,
                    )

    def _work(self, domain: str, plan: lab.Plan) -> None:
        with platform(by=ACTOR):
            organization = Organization.objects.get(domain=domain)
        with tenant(organization.pk, by=ACTOR):  # all of it or nothing, so that a broken run starts afresh
            lab.fill(plan)
            if domain == DEMO:
                fieldwork.fill()
                crm.fill()
                survey.fill()
                forms.fill()
                charts.fill()
                notify.fill()
                reports.fill()
