"""How long the units of a step took lately: told now and then, for those who ask how long something will take."""

import time

from worktables.models import TableStep

PATIENCE = 5.0  # seconds between two tellings of a step
WORTH_TELLING = 0.2  # of what was told last

_told = {}


def tell_duration(node, seconds):
    """Keep how long a unit of a step takes, if that is news.

    Parameters
    ----------
    node : Node
    seconds : float
        As this worker has seen lately.
    """
    now = time.monotonic()
    before, at = _told.get(node.id, (None, 0.0))
    if before is not None and (now - at < PATIENCE or abs(seconds - before) <= WORTH_TELLING * before):
        return
    _told[node.id] = seconds, now
    TableStep.objects.filter(pk=node.id).update(seconds=seconds)
