from django.apps import AppConfig


class WorktablesConfig(AppConfig):
    name = "worktables"

    def ready(self):
        """Know how to bring files back: the archive has them, the runs say how they were made."""
        from archive.storage import remakers
        from worktables.remaking import remake

        if remake not in remakers:
            remakers.append(remake)
