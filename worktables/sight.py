"""What one person may be told of a project: nothing that a table they may not see is the source of.

A table can be shared alone. What is computed in it may still come from other tables, and says so: why it is stale,
why it failed, what its step wrote into the log. Every such sentence is kept with the tables it speaks of
(`Unit.about`, `Run.about`), and whoever reads it reads it through here.
"""

from functools import cached_property

from django.contrib.auth.models import AnonymousUser

from projects.models import Project
from worktables.dependencies import graph_of
from worktables.models import State, Worktable

ELSEWHERE = "a table that is not shared with you"
INSTEAD = {
    State.EMPTY: f"something is empty in {ELSEWHERE}",
    State.BLOCKED: f"something failed in {ELSEWHERE}",
    State.FAILED: f"it failed; why, speaks of {ELSEWHERE}",
}
CHANGED = f"something changed in {ELSEWHERE}"
NOT_TOLD = f"Not shown: it may speak of {ELSEWHERE}."


class Sight:
    """What somebody sees of a project, from whichever table they look.

    Parameters
    ----------
    viewer : User or None
        None sees no table; what speaks of no other table is told to everybody who can ask.
    project_id : int
    """

    elsewhere = ELSEWHERE

    def __init__(self, viewer, project_id):
        self.viewer, self.project_id = viewer or AnonymousUser(), project_id

    @cached_property
    def everything(self):
        """Whether the whole project is theirs to see."""
        return Project.objects.permitted(self.viewer, "view").filter(pk=self.project_id).exists()

    @cached_property
    def tables(self):
        """The ids of the tables they may see, those in the trash too."""
        permitted = Worktable.objects.permitted(self.viewer, "view")
        return set(permitted.filter(project=self.project_id).values_list("pk", flat=True))

    def reaches(self, tables):
        """Say whether all these tables may be spoken of; None is “nobody knows which”."""
        if tables is not None and not tables:
            return True
        return self.everything or (tables is not None and self.tables.issuperset(tables))

    def reason_of(self, unit):
        """Return why a unit is in its state, or that the reason lies where they may not look."""
        return self.reason(unit.state, unit.reason, unit.about)

    def reason(self, state, reason, about):
        """Return a reason that speaks of these tables, or what is said in its place."""
        return reason if not reason or self.reaches(about) else INSTEAD.get(state, CHANGED)

    def run(self, run):
        """Return a run, never to be saved, without what its step said of other tables and who acted in them."""
        if not self.reaches(run.about):
            run.log, run.error = run.log and NOT_TOLD, run.error and NOT_TOLD
        if run.asked_by_id and not self.may_name_who_asked(run):
            run.asked_by = None
        return run

    def may_name_who_asked(self, run):
        """Say whether whoever asked for a run can only have done so in tables they may see."""
        if self.everything:
            return True
        graph = graph_of(self.project_id)
        node = graph.nodes.get(run.step_id)
        return node is not None and self.reaches(graph.tables_above(node) | graph.beyond(node))

    def may_name_who_added(self, worktable):
        """Say whether whoever added the rows of a table may be named: of items they did so in the table of the list."""
        expand = graph_of(worktable.project_id).expand_into.get(worktable.pk)
        return expand is None or self.reaches({expand.source_id})

    def may_follow(self, node):
        """Say whether what a step tells while it runs may be read: it takes nothing from tables out of sight."""
        return self.reaches(graph_of(self.project_id).beyond(node))
