"""Which database connection changes the schema."""


class OwnerRouter:
    """Migrations run on alias `owner` alone: the application role owns nothing, so row-level security binds it."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == "owner"
