"""The questions asked of jobs; `reachable_by` is where every address of a job starts."""

from django.db.models import Q, QuerySet

from vo.uws.phases import Phase


class JobQuerySet(QuerySet):
    """Jobs, as asked for by whoever may know of them."""

    def reachable_by(self, user):
        """Keep what this user may look at: their own jobs, and those of nobody, whose ids cannot be guessed."""
        nobodys = Q(owner=None)
        return self.filter(nobodys | Q(owner=user.pk) if user.is_authenticated else nobodys)

    def listed_for(self, user):
        """Keep what is listed for this user: their own jobs; those of nobody are in no list."""
        return self.filter(owner=user.pk) if user.is_authenticated else self.none()

    def open(self):
        """Keep jobs that wait to be computed, or are."""
        return self.filter(phase__in=(Phase.QUEUED, Phase.EXECUTING))


def phases_of(ids):
    """Return {id: phase} of jobs; those that are gone have none."""
    from vo.models import Job

    return dict(Job.objects.filter(pk__in=list(ids)).values_list("pk", "phase"))
