from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class JobsConfig(AppConfig):
    name = "portal.core.jobs"
    label = "jobs"

    def ready(self) -> None:
        from portal.core.common import health
        from portal.core.jobs import probe
        from portal.core.monitoring import prometheus

        prometheus.register(probe.gauges)
        health.register("backgroundJobs", probe.queue)
        for file in sorted((settings.BASE_DIR / "portal").rglob("jobs.py")):  # every part declares its own there
            import_module(".".join(file.relative_to(settings.BASE_DIR).with_suffix("").parts))
