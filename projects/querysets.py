"""The questions asked of projects; `visible_to` is the one door to everything."""

from django.db.models import QuerySet


class ProjectQuerySet(QuerySet):
    """Projects, as asked for by name."""

    def present(self):
        """Leave out what lies in the trash."""
        return self.filter(deleted_at=None)

    def trashed(self):
        """Keep only what lies in the trash."""
        return self.exclude(deleted_at=None)

    def visible_to(self, user):
        """Keep what this user may see; everything else does not exist for them."""
        return self.present().permitted(user, "view")

    def restorable_by(self, user):
        """Keep what lies in the trash and this user may bring back."""
        return self.trashed().permitted(user, "share")

    def permitted(self, user, codename):
        """Keep the projects on which `user` holds `codename`, directly or through a group."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        return self.filter(pk__in=granted_ids(user, codename))


def granted_ids(user, codename):
    """Return the ids of the projects on which `user` holds `codename`, as one subquery."""
    from projects.models import ProjectGroupPermission, ProjectUserPermission

    people = ProjectUserPermission.objects.filter(user=user, permission__codename=codename)
    groups = ProjectGroupPermission.objects.filter(
        group__in=user.groups.values("pk"), permission__codename=codename
    )
    return people.values("content_object_id").union(groups.values("content_object_id"), all=True)
