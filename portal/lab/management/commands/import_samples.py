"""`manage.py import_samples`: samples and results from files of public water data."""

import csv
import time
from argparse import ArgumentParser
from dataclasses import astuple
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.core.common.errors import Invalid
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform
from portal.lab.imports.public import ACTOR, SOURCES, Report, samples_import

SHOWN = 20  # reasons in the summary


def organization_of(domain: str) -> Organization:
    """The organisation with this domain; raises CommandError."""
    with platform(by=ACTOR):
        found = Organization.objects.filter(domain__iexact=domain, deleted_at=None).first()
        if found is None:
            there = ", ".join(Organization.objects.exclude(domain="").values_list("domain", flat=True))
            raise CommandError(f"no organisation has the domain {domain!r}; there are: {there or 'none'}")
    return found


class Command(BaseCommand):
    help = (
        "Imports samples with their results from a CSV file (.csv or .csv.gz) into an organisation, through the same "
        "checks, verdicts, versions and audit log as the API. A second import of a file changes nothing. "
        "SOURCE is the file's layout: `estonia` (open data of the Estonian Health Board) or `inl` (groundwater of the "
        "Idaho National Laboratory, USGS)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", choices=sorted(SOURCES), metavar="SOURCE", help="estonia or inl")
        parser.add_argument("file", type=Path, metavar="FILE", help="the data, packed with gzip or not")
        parser.add_argument("--organization", required=True, metavar="DOMAIN", help="for example demo.marsad.test")
        parser.add_argument("--limit", type=int, metavar="N", help="only the first N samples")
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
        parser.add_argument("--errors", type=Path, metavar="CSV", help="write each refused record to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"there is no file {path}")
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError("--limit must be at least 1")
        organization = organization_of(options["organization"])
        began = time.monotonic()

        def progress(report: Report) -> None:
            if options["verbosity"]:
                done = report.counts.total()
                self.stdout.write(f"  {done} records, {done / (time.monotonic() - began):.0f} a second")

        try:
            report = samples_import(
                source=SOURCES[options["source"]],
                path=path,
                organization=organization.pk,
                limit=options["limit"],
                dry_run=options["dry_run"],
                progress=progress,
            )
        except Invalid as error:
            raise CommandError(f"{path}: {error.message}") from None
        self._summarise(report, time.monotonic() - began, dry_run=options["dry_run"])
        if options["errors"]:
            with options["errors"].open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file)
                table.writerow(("sample", "result", "code", "field", "message"))
                table.writerows(astuple(refusal) for refusal in report.refusals)

    def _summarise(self, report: Report, seconds: float, *, dry_run: bool) -> None:
        say = self.stdout.write
        say(f"{report.samples} samples with {report.results} results in {seconds:.1f} s")
        if dry_run:
            say("dry run: nothing was written")
        for status in ("created", "updated", "unchanged", "conflict", "error"):
            say(f"  {status}: {report.counts[status]}")
        for title, table in (("refused", report.reasons), ("left out", report.left_out)):
            if table:
                say(f"{title}:")
            for reason, count in table.most_common(SHOWN):
                say(f"  {count:6} {reason}")
            if len(table) > SHOWN:
                say(f"  {table.total() - sum(count for _, count in table.most_common(SHOWN)):6} for other reasons")
