"""`manage.py load_boundaries`: administrative units from files into a new dataset that is in force afterwards."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.core.common.errors import DomainError
from portal.core.geo import loading
from portal.core.geo.models import GeoDataset
from portal.core.tenancy.scope import Actor, platform


class Command(BaseCommand):
    help = (
        "Loads administrative units from GeoJSON (also gzipped) or GeoPackage files, all levels in one call, as a new"
        " edition of boundaries, and puts it in force. The finest level that has boundaries decides where a point lies."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
        parser.add_argument("--name", required=True, help="for example COD-AB")
        parser.add_argument("--version", required=True, help="for example 2019-10-02")
        parser.add_argument("--credit", default="", help="source and licence, shown below maps")
        parser.add_argument("--keep", action="store_true", help="leave the boundaries in force that are")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Django gives every command a `--version` of its own; here it is the edition."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        plan = loading.read([(path.name, path) for path in options["files"]])
        if plan.faults:
            lines = [f"{fault['file']} {fault['feature'] or ''}: {fault['message']}" for fault in plan.faults]
            raise CommandError("\n".join(lines))
        try:
            with platform(by=Actor(name="load_boundaries", via="command")), transaction.atomic():
                row = loading.dataset_create(name=options["name"], version=options["version"], credit=options["credit"])
                loading.dataset_fill(row, plan)
                if not options["keep"]:
                    loading.dataset_activate(row)
        except DomainError as error:
            raise CommandError(str(error.message)) from None
        if options["verbosity"]:
            self._tell(row)

    def _tell(self, row: GeoDataset) -> None:
        for level, count in row.counts.items():
            self.stdout.write(f"{level:14}{count['units']:7} units {count['boundaries']:7} with a boundary")
