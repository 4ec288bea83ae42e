"""The product on a data folder that is thrown away, for the scripts that measure it or take its picture."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent


class Program:
    """Started by its own supervisor, on a free port."""

    def __init__(self, **environment: str) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that whoever measures cleans up first
        self.data = Path(tempfile.mkdtemp(prefix="marsad-"))
        self.data.chmod(0o755)  # as root, PostgreSQL runs under another account that has to pass through
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.environment = environment | {
            "MARSAD_DATA": str(self.data),
            "PORT": str(self.port),
            "MARSAD_LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "portal.config.settings",
        }

    def start(self) -> float:
        """Seconds until the first page is served."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "portal.config.supervise"],
            cwd=ROOT,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "ready at" in line:
                return time.monotonic() - began
        raise SystemExit("the product did not start; the reason stands above")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)

    def discard(self) -> None:
        if hasattr(self, "process"):
            self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def spent(self) -> dict[str, float]:
        """CPU seconds of the web server, the worker and the database so far."""
        found = {"web": 0.0, "worker": 0.0, "database": 0.0}
        for child in self.family():
            try:
                line, times = " ".join(child.cmdline()), child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            kind = "web" if "granian" in line else "worker" if "procrastinate" in line else "database"
            found[kind] += times.user + times.system
        return found

    def cpu(self) -> float:
        return sum(self.spent().values())

    def memory(self) -> dict[str, int]:
        """Private memory of the product's processes without PostgreSQL, in MB."""
        found: dict[str, int] = {}
        for child in self.family():
            with suppress(psutil.NoSuchProcess):  # one of the workers' short helpers
                line = " ".join(child.cmdline())
                if "granian" in line or "procrastinate" in line:
                    name = "worker" if "procrastinate" in line else "web"
                    found[name] = found.get(name, 0) + child.memory_full_info().uss // 2**20
        return found
