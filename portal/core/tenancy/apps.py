from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "portal.core.tenancy"
    label = "tenancy"

    def ready(self) -> None:
        from portal.core.tenancy import checks  # noqa: F401
