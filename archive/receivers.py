"""The news this floor hears."""

from django.dispatch import receiver

from archive.claiming import claim_folder
from projects.signals import project_created


@receiver(project_created)
def project_was_created(sender, project, creator, **news):
    """Refuse a project that would read a folder its maker has no claim to."""
    claim_folder(project, creator)
