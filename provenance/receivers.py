"""The news this floor hears, inside the transaction of what it tells: if recording fails, nothing was done."""

from django.dispatch import receiver

from provenance.recording import record_edit, record_runs
from worktables.signals import cells_edited, runs_written


@receiver(runs_written)
def runs_were_written(sender, worktable, traces, reuses=(), **news):
    """Record what the runs of a batch used and generated."""
    record_runs(worktable, traces, reuses)


@receiver(cells_edited)
def cells_were_edited(sender, worktable, column, row_ids, by, **news):
    """Record who typed these values."""
    record_edit(worktable, column, row_ids, by)
