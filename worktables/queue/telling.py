"""How far a long step has come: told to the pages that show its row, now and then, while it runs."""

import logging
import time

from django.db import Error

from worktables.events import announce_rows
from worktables.models import Todo

log = logging.getLogger(__name__)

PATIENCE = 1.0  # seconds between two tellings, and before the first: a short step is not worth a word
LONGEST = 200  # letters


class Telling:
    """What a step is given to call with ``(fraction, text)``, for one unit in a worker's hands.

    Parameters
    ----------
    batch : `worktables.queue.claiming.Portion`
    row_id : int
    began : float, optional
        When the batch was begun, by the monotonic clock; else now.
    """

    __slots__ = ("batch", "began", "row_id", "said")

    def __init__(self, batch, row_id, began=None):
        self.batch, self.row_id = batch, row_id
        self.began = self.said = time.monotonic() if began is None else began

    def __call__(self, fraction, text):
        now = time.monotonic()
        if now - self.said < PATIENCE:
            return
        self.said = now
        left = remaining(now - self.began, fraction)
        words = ", ".join(part for part in (text, left) if part)
        try:
            told = Todo.objects.filter(
                worktable_id=self.batch.worktable.pk,
                row_id=self.row_id,
                step_id=self.batch.node.id,
                owner=self.batch.owner,
            ).update(progress=fraction, progress_text=words[:LONGEST])
            if told:
                announce_rows(self.batch.worktable, [self.row_id])
        except Error as error:  # the step has better things to do than to fail for want of a word
            log.warning("progress could not be told (%s)", " ".join(str(error).split()))


def remaining(seconds, fraction):
    """Return how long the rest will take if it goes on as it did, in words; nothing if that is a guess."""
    if fraction < 0.05 or seconds < PATIENCE:
        return ""
    left = seconds * (1.0 - fraction) / fraction
    return f"about {left:.0f} s left" if left < 100 else f"about {left / 60:.0f} min left"
