"""`stoa manage evict_files`: make room in the file store."""

from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from projects.models import Project
from worktables.remaking import evict_products, evictable_products


class Command(BaseCommand):
    """Evict the files of projects that steps can make again."""

    help = (
        "Takes the bytes of files that deterministic steps made, and can make again, out of the store. Whoever "
        "opens one has it made again, and gets it only if it comes out the same."
    )

    def add_arguments(self, parser):
        """Say what can be said."""
        parser.add_argument("project", nargs="+", help="slug")
        parser.add_argument(
            "--older-than", type=float, default=0.0, metavar="DAYS", help="only what is older"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args, **options):
        """Evict, project by project."""
        before = timezone.now() - timedelta(days=options["older_than"])
        for slug in options["project"]:
            project = Project.objects.filter(slug=slug).first()
            if project is None:
                raise CommandError(f"there is no project “{slug}”")
            if options["dry_run"]:
                going = evictable_products(project, before=before)
                n, size, end = len(going), sum(each[2] for each in going), "can be made again; they would go"
            else:
                n, size = evict_products(project, before=before)
                end = "are evicted; whoever opens one has it made again"
            self.stdout.write(f"{slug}: {n} files of {size} bytes {end}")
