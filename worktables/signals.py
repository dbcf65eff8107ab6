"""The news this floor gives.

`runs_written` is sent inside the transaction that writes a batch, with `worktable`, `step`
(a TableStep), `runs` (saved, accepted Run records), `traces` (one `Trace` for each run: what it used
and generated) and `reuses` (one `Reused` for each result taken from an earlier run). A listener that
fails undoes the write: no number without its pedigree.

`cells_edited` is sent inside the transaction of an edit, with `worktable`, `column`, `row_ids`, `by`.
"""

from django.dispatch import Signal

runs_written = Signal()
cells_edited = Signal()
