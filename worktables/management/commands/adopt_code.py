"""Let the tables run by the code of the steps that is installed here."""

from django.core.management.base import BaseCommand

from worktables.adopting import adopt_code


class Command(BaseCommand):
    """For deploys: after new code is on every host, and `migrate` has run."""

    help = "Let the tables run by the code of the steps that is installed here; what it may change becomes stale."

    def handle(self, *args, **options):
        """Adopt, and say what became of which step."""
        for line in adopt_code() or [
            "All tables run by the present code, or are pinned to the one they have."
        ]:
            self.stdout.write(line)
