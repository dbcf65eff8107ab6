"""The questions asked of worktables; `visible_to` is where every list, page, count and download starts."""

from django.db.models import Q, QuerySet


class WorktableQuerySet(QuerySet):
    """Worktables, as asked for by name."""

    def present(self):
        """Leave out what lies in the trash, alone or with its project."""
        return self.filter(deleted_at=None, project__deleted_at=None)

    def visible_to(self, user):
        """Keep what this user may see; everything else does not exist for them."""
        return self.present().permitted(user, "view")

    def permitted(self, user, codename):
        """Keep the tables on which `user` holds `codename`: through the project or on the table itself."""
        from projects.querysets import granted_ids as granted_projects
        from worktables.models import WorktableGroupPermission, WorktableUserPermission

        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        people = WorktableUserPermission.objects.filter(user=user, permission__codename=codename)
        groups = WorktableGroupPermission.objects.filter(
            group__in=user.groups.values("pk"), permission__codename=codename
        )
        return self.filter(
            Q(project__in=granted_projects(user, codename))
            | Q(pk__in=people.values("content_object_id"))
            | Q(pk__in=groups.values("content_object_id"))
        )
