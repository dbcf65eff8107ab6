from django.apps import AppConfig
from django.db.models.signals import post_migrate


class VoConfig(AppConfig):
    name = "vo"

    def ready(self):
        """See to it that the database has what published tables need, whenever it is migrated."""
        from vo.publishing.curators import make_curators
        from vo.publishing.storage import prepare_database

        post_migrate.connect(prepare_database, sender=self)
        post_migrate.connect(make_curators, sender=self)
