from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "portal.core.audit"
    label = "audit"

    def ready(self) -> None:
        from portal.core.accounts import permissions as rights
        from portal.core.accounts import trail
        from portal.core.audit import alerts, checks, probe, retention, security, services  # noqa: F401
        from portal.core.common import health
        from portal.core.tenancy import seeds

        health.register("auditSealer", probe.sealer)
        trail.register(services.record_trace)
        security.listen()
        security.on_event(alerts.deliver)
        seeds.register(retention.seed_policies)
        group, watchers = _("Audit"), frozenset({rights.ADMIN, rights.AUDITOR})
        rights.register(
            [
                rights.Permission("audit.view", _("See the audit log"), group, watchers),
                rights.Permission("audit.export", _("Export the audit log"), group, watchers, verb="export"),
                rights.Permission("audit.verify", _("Verify the audit log"), group, watchers, verb="write"),
                rights.Permission("audit.resolve", _("Settle security events"), group, watchers, verb="write"),
                rights.Permission(
                    "audit.manage",
                    _("Manage alert rules, retention and erasure"),
                    group,
                    frozenset({rights.ADMIN}),
                    verb="manage",
                ),
            ]
        )
