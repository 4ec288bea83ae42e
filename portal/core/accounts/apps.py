from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.core.accounts"
    label = "accounts"

    def ready(self) -> None:
        from portal.core.accounts import permissions, seeding
        from portal.core.tenancy import seeds

        permissions.register(permissions.ACCOUNT_PERMISSIONS)
        seeds.register(seeding.seed_roles)
