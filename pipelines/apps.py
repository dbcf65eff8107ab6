from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PipelinesConfig(AppConfig):
    name = "pipelines"

    def ready(self):
        from pipelines.environments import forget_environments
        from pipelines.versions import forget_versions

        # Migrating and flushing empty or change tables under what a process remembers of them.
        post_migrate.connect(forget_versions, dispatch_uid="forget step versions")
        post_migrate.connect(forget_environments, dispatch_uid="forget environments")
