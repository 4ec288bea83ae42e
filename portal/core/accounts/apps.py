from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.core.accounts"
    label = "accounts"

    def ready(self) -> None:
        from portal.core.accounts import checks, permissions, seeding, signals  # noqa: F401
        from portal.core.tenancy import seeds

        permissions.register(permissions.ACCOUNT_PERMISSIONS)
        seeds.register(seeding.seed_roles)
