"""The questions asked of what is published; `visible_to` is where every list, table and count starts."""

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from worktables.models import Worktable

DECIDE = "vo.decide_scope"


class PublishedVersionQuerySet(QuerySet):
    """Published versions, as asked for by name."""

    def visible_to(self, user):
        """Keep what this user may see; everything else does not exist for them."""
        from vo.models import Scope

        if not user.is_authenticated or not user.is_active:
            return self.filter(scope=Scope.WORLD)
        if user.is_superuser:
            return self
        present = Worktable.objects.present()
        seen = Q(scope__in=(Scope.WORLD, Scope.PORTAL))
        seen |= Q(scope=Scope.PROJECT, publication__worktable__in=present.permitted(user, "view"))
        seen |= Q(publication__worktable__in=present.permitted(user, "run"))
        if user.has_perm(DECIDE):
            seen |= Q(pk__in=self.model.objects.waiting())
        return self.filter(seen)

    def waiting(self):
        """Keep what a curator has still to decide."""
        return self.filter(verdict=self.model.Verdict.WAITING)

    def unindexed(self):
        """Keep those whose places or files are not all indexed."""
        return self.filter(Q(indexed=False) | Q(products_indexed_at=None))

    def newest(self):
        """Keep, of these versions, the newest of each publication."""
        rank = Window(RowNumber(), partition_by=F("publication_id"), order_by=F("number").desc())
        return self.annotate(age=rank).filter(age=1)


class PublishedProductQuerySet(QuerySet):
    """Files of published rows."""

    def visible_to(self, user):
        """Keep those of versions that this user may see."""
        from vo.models import PublishedVersion

        return self.filter(version__in=PublishedVersion.objects.visible_to(user))

    def newest_visible_to(self, user):
        """Keep those of the newest versions, of each published table, that this user may see."""
        from vo.models import PublishedVersion

        newest = PublishedVersion.objects.visible_to(user).newest()
        return self.filter(version__in=newest.values_list("pk", flat=True))
