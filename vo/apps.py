from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate


class VoConfig(AppConfig):
    name = "vo"
    verbose_name = "Virtual Observatory"

    def ready(self):
        """See to it that the database has what published tables need, and that workers do its errands beside units."""
        from vo.publishing.curators import make_curators
        from vo.publishing.storage import prepare_database
        from vo.publishing.working import IndexErrand
        from vo.registry.noting import note_after_migrating
        from vo.uws.changing import remove_files_of
        from vo.uws.working import JobErrand
        from worktables.queue.errands import errands

        post_migrate.connect(prepare_database, sender=self)
        post_migrate.connect(make_curators, sender=self)
        post_migrate.connect(note_after_migrating, sender=self)
        post_delete.connect(remove_files_of, sender="vo.Job", dispatch_uid="vo.remove_files_of_job")
        for kind in (JobErrand, IndexErrand):
            if not any(isinstance(errand, kind) for errand in errands):
                errands.append(kind())
