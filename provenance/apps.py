from django.apps import AppConfig


class ProvenanceConfig(AppConfig):
    name = "provenance"

    def ready(self):
        """Start listening."""
        from provenance import receivers  # noqa: F401
