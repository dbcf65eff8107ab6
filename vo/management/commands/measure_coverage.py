"""`stoa manage measure_coverage`: measure what earlier versions cover."""

from django.core.management.base import BaseCommand

from vo.models import PublishedVersion
from vo.publishing.coverage import measure_coverage
from vo.registry.noting import note_services


class Command(BaseCommand):
    """Measure which part of the sky published versions cover."""

    help = "Measures which part of the sky versions cover that were published before that was kept."

    def handle(self, *args, **options):
        """Measure, version by version."""
        for version in PublishedVersion.objects.filter(coverage={}).select_related("publication").iterator():
            measure_coverage(version)
            if version.coverage:
                self.stdout.write(f"{version}: measured")
        note_services()
