"""Limits: what a user, or a project, may have of the workers at once.

Nothing is counted up or down, so that nothing is left wrong by whoever dies: what runs is asked of the queue itself.
A worker has one batch in hand, and a batch is of one user and one project.
"""

import dataclasses
from collections import Counter

from django.db import connection

from worktables.models import Limit
from worktables.queue.locking import hold_user

# Hops from worker to worker along the index of what is in hand: as cheap for batches of a thousand units as for one.
# It repeats what that index says of itself, word by word: SQLite would not use it otherwise.
IN_HAND = """
    WITH RECURSIVE busy(owner) AS (
        SELECT MIN(t.owner) FROM worktables_todo t WHERE NOT (t.owner IS NULL)
        UNION ALL
        SELECT (SELECT MIN(t.owner) FROM worktables_todo t WHERE NOT (t.owner IS NULL) AND t.owner > b.owner)
        FROM busy b WHERE NOT (b.owner IS NULL)
    ), hand(asked_by, worktable_id) AS (
        SELECT (SELECT t.asked_by FROM worktables_todo t WHERE NOT (t.owner IS NULL) AND t.owner = b.owner LIMIT 1),
            (SELECT t.worktable_id FROM worktables_todo t WHERE NOT (t.owner IS NULL) AND t.owner = b.owner LIMIT 1)
        FROM busy b WHERE NOT (b.owner IS NULL)
    )
    SELECT h.asked_by, w.project_id FROM hand h CROSS JOIN worktables_worktable w WHERE w.id = h.worktable_id
"""


@dataclasses.dataclass(frozen=True)
class Standing:
    """A limit, and how many workers are at work for those it is about."""

    limit: Limit
    running: int

    @property
    def reached(self):
        """Whether no more may be taken."""
        return self.running >= self.limit.most

    @property
    def facts(self):
        """How many of how many run, in words."""
        return f"{self.running} of {self.limit.most} running"

    def concerns(self, asked_by, project_id):
        """Say whether work that this user has asked for in this project counts."""
        limit = self.limit
        return limit.user_id in (None, asked_by) and limit.project_id in (None, project_id)


def standings():
    """Return how every limit stands."""
    limits = list(Limit.objects.select_related("user", "project").order_by("pk"))
    hands = Counter(in_hand()) if limits else {}
    found = []
    for limit in limits:
        none = Standing(limit, 0)
        running = sum(number for hand, number in hands.items() if none.concerns(*hand))
        found.append(Standing(limit, running))
    return found


def in_hand():
    """Return (user, project) for every worker that has something in hand."""
    with connection.cursor() as cursor:
        cursor.execute(IN_HAND)
        return cursor.fetchall()


def standing_in_the_way(found, asked_by, project_id):
    """Return the first limit that keeps work of this user in this project from being taken, or None."""
    return next((one for one in found if one.reached and one.concerns(asked_by, project_id)), None)


def may_take_one_more(asked_by, project_id):
    """Say whether a worker may take work of this user in this project; until it has, nobody else may ask.

    Whoever asks holds the project. A user's work is in several, so the user is held too: of two claims, the second
    sees what the first has taken.
    """
    hold_user(asked_by)
    return standing_in_the_way(standings(), asked_by, project_id) is None
