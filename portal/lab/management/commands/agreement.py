"""`manage.py agreement`: stored verdicts against an authority's."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.core.common.errors import Invalid
from portal.lab.imports.public import agreement
from portal.lab.management.commands.import_samples import organization_of


class Command(BaseCommand):
    help = (
        "Compares the stored verdicts of imported Estonian drinking-water samples (import_samples estonia) with the "
        "authority's own in the same FILE; prints the percentage and the disagreements by reason."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the file that was imported")
        parser.add_argument("--organization", required=True, metavar="DOMAIN", help="for example demo.marsad.test")
        parser.add_argument("--standard", default="EU", metavar="KEY", help="whose verdicts count (EU)")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = organization_of(options["organization"])
        try:
            found = agreement(path=options["file"], organization=organization.pk, standard=options["standard"])
        except Invalid as error:
            raise CommandError(f"{options['file']}: {error.message}") from None
        if not found.samples:
            raise CommandError("the organisation holds none of these samples: run import_samples first")
        say = self.stdout.write
        say(f"{found.samples} samples: {found.percent:.2f} % agree under {options['standard']}")
        if found.absent:
            say(f"  {found.absent} samples of the file are not held here")
        for (parameter, cause), count in found.wrong.most_common():
            say(f"  {count:4} {parameter}: {cause}")
