from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.core.accounts"
    label = "accounts"

    def ready(self) -> None:
        from portal.core.accounts import permissions

        permissions.register(permissions.ACCOUNT_PERMISSIONS)
