from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    name = "archive"

    def ready(self):
        """Start listening."""
        from archive import receivers  # noqa: F401
