"""Background work of areas."""

import tempfile
from pathlib import Path

from portal.core.files.storage import store
from portal.core.jobs.tasks import platform_job
from portal.survey.areas.loading import dataset_load


@platform_job(name="geo.load", retry=1)
def load(*, dataset: str, key: str, filename: str, activate: bool) -> None:
    """Read the uploaded file into its dataset; the copy in the store goes."""
    with tempfile.NamedTemporaryFile() as file:
        for piece in store().chunks(key):
            file.write(piece)
        file.flush()
        dataset_load(dataset=dataset, path=Path(file.name), filename=filename, activate=activate)
    store().remove(key)
