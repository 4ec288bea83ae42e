from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "portal.core.monitoring"
    label = "monitoring"

    def ready(self) -> None:
        from procrastinate.contrib.django import app

        from portal.core.monitoring import traces, work

        traces.start()
        app.worker_defaults["worker_middleware"] = [work.measure]
