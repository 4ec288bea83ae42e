from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "portal.core.audit"
    label = "audit"

    def ready(self) -> None:
        from portal.core.accounts import permissions as rights
        from portal.core.accounts import trail
        from portal.core.audit import checks, services  # noqa: F401

        trail.register(services.record_trace)
        rights.register(
            [
                rights.Permission(
                    "audit.view", _("See the audit log"), _("Audit"), frozenset({rights.ADMIN, rights.AUDITOR})
                ),
            ]
        )
