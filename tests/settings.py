"""The settings of the tests: a data folder of their own, thrown away at the end, and cheap password hashes.

Each worker of pytest-xdist has a folder inside it, with a PostgreSQL of its own: a transaction that one of them keeps
open for minutes would hold up the sealer of the other. With `DATABASE_URL` they share the server, and so the folder.
With `MARSAD_TEST_KEEP` the next run finds the migrated databases again, in `var/test`, and starts that much sooner.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

PREFIX = "marsad-test-"


def memory() -> str | None:
    """The file system in memory where there is room: a copy of the database costs 0.05 s there, on a disk 0.3 s."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or os.environ.get("HYPOTHESIS_PROFILE") == "full":  # whose data take more room
        return None
    room = os.statvfs(shared)
    free = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    enough = min(room.f_bavail * room.f_frsize, int(free[1]) * 1024 if free else 0) > 8 * 2**30
    runs = not room.f_flag & os.ST_NOEXEC  # PostgreSQL's programs may be copied there
    for left in shared.glob(f"{PREFIX}*"):  # by a run that was killed
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    return str(shared) if enough and runs else None


os.environ["MARSAD_ENV"] = "test"
kept = "MARSAD_TEST_KEEP" in os.environ
if "MARSAD_TEST_DATA" not in os.environ:  # the workers have it from the process that starts them
    if kept:
        folder = str(Path(__file__).parents[1] / "var" / "test")
        Path(folder).mkdir(parents=True, exist_ok=True)
    else:
        folder = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=memory())
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Path(folder).chmod(0o755)  # as root, PostgreSQL runs under another account that has to pass through
    os.environ["MARSAD_TEST_DATA"] = folder
os.environ["MARSAD_DATA"] = os.environ["MARSAD_TEST_DATA"]
if "DATABASE_URL" not in os.environ:
    os.environ["MARSAD_DATA"] += "/" + os.environ.get("PYTEST_XDIST_WORKER", "alone")
if kept:
    for leftover in ("audit", "files", "mail"):
        shutil.rmtree(Path(os.environ["MARSAD_DATA"]) / leftover, ignore_errors=True)

from portal.config.settings import *  # noqa: E402, F403  (it reads what stands above)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # noqa: F405
WHITENOISE_AUTOREFRESH = True  # else each client of a test looks through all static files first: 15 ms
METRICS_SECONDS = 0
