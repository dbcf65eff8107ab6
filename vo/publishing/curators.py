"""The group whose members decide who sees what is published."""

from django.contrib.auth.models import Group, Permission

CURATORS = "curators"
PERMISSIONS = ("decide_scope", "view_publishedversion", "view_publication")


def make_curators(**_):
    """Make the group with its permissions; done after each migration, and harmless when repeated."""
    group, _ = Group.objects.get_or_create(name=CURATORS)
    group.permissions.add(*Permission.objects.filter(content_type__app_label="vo", codename__in=PERMISSIONS))
