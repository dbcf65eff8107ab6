from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.accounts"
    label = "accounts"

    def ready(self):
        """Count wrong passwords."""
        from portal.accounts import guarding  # noqa: F401
