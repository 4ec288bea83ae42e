from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "portal.core.jobs"
    label = "jobs"

    def ready(self) -> None:
        from portal.core.common import health
        from portal.core.jobs import probe
        from portal.core.monitoring import prometheus

        prometheus.register(probe.gauges)
        health.register("backgroundJobs", probe.queue)
        autodiscover_modules("jobs")  # every app declares its own in `jobs.py`
