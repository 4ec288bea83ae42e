"""Boundaries that a SuperAdmin uploads: small files at once, large ones in a job that shows how far it is."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.errors import Denied
from portal.core.files.storage import store
from portal.core.geo import loading
from portal.core.geo.models import GeoDataset
from portal.core.jobs.tasks import defer_platform
from portal.core.tenancy.scope import platform

AT_ONCE: Final = 256 * 1024  # bytes
MOST_BYTES: Final = loading.MOST_BYTES
_FOLDER: Final = "geo"
_SECONDS: Final = 0.5


def dataset_upload(
    *, path: Path, size: int, filename: str, name: str, version: str, credit: str = "", activate: bool, by: User
) -> GeoDataset:
    """Take in a file of boundaries as a new dataset; `path` is gone afterwards or not. Needs a platform scope.

    The dataset comes back ready or failed where the file is small, else `loading`: ask for it again. Raises Conflict
    for an edition that is here already.
    """
    _may(by)
    row = loading.dataset_create(name=name[:120], version=version[:60], credit=credit[:300])
    if size <= AT_ONCE:
        return _take(row, path, filename, activate=activate)
    key = f"{_FOLDER}/{row.pk}"
    store().put(key, path)
    from portal.survey.areas.jobs import load

    defer_platform(load, dataset=str(row.pk), key=key, filename=filename, activate=activate)
    return row


def dataset_activate(*, row: GeoDataset, by: User) -> GeoDataset:
    """Put a dataset in force for all organisations. Raises Conflict for one that is not ready."""
    _may(by)
    return loading.dataset_activate(row)


def dataset_load(*, dataset: str, path: Path, filename: str, activate: bool) -> None:
    """The work of the job: what is wrong with the file ends up in the dataset."""
    row = GeoDataset.objects.filter(pk=UUID(dataset), status=GeoDataset.Status.LOADING).first()
    if row is not None:
        _take(row, path, filename, activate=activate, tell=_Progress(row.pk))


class _Progress:
    """Shows how far a load is, twice a second at most, on a connection of its own: the load's commit comes last."""

    def __init__(self, dataset: UUID) -> None:
        self.dataset, self.told = dataset, 0.0

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self.told < _SECONDS:
            return
        self.told = time.monotonic()
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._write, min(99, 100 * done // max(total, 1))).result()

    def _write(self, percent: int) -> None:
        try:
            with platform():
                GeoDataset.objects.filter(pk=self.dataset).update(progress=percent)
        finally:
            connection.close()


def _take(
    row: GeoDataset, path: Path, filename: str, *, activate: bool, tell: loading.Tell = lambda done, total: None
) -> GeoDataset:
    row = loading.dataset_fill(row, loading.read([(filename, path)]), tell=tell)
    if activate and row.status == GeoDataset.Status.READY:
        loading.dataset_activate(row)
    return row


def _may(by: User) -> None:
    if not by.has_permission("geo.datasets"):
        raise Denied(_("You may not load boundaries."), meta={"permission": "geo.datasets"})
