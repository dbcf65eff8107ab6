"""Counting the rows of many tables at once."""

from django.db import connection

from worktables.storage.layout import table_name

TOGETHER = 200  # SQLite takes 500 parts of a UNION at most


def count_states(worktable_ids):
    """Yield (worktable id, state, "running" or "queued" or None, number of rows) for these tables."""
    ids = [int(pk) for pk in worktable_ids]
    with connection.cursor() as cursor:
        for start in range(0, len(ids), TOGETHER):
            cursor.execute(" UNION ALL ".join(map(_states_of, ids[start : start + TOGETHER])))
            yield from cursor.fetchall()


def _states_of(pk):
    """Return the SQL that counts the rows of one table; one whose steps are queued counts as that."""
    return f"""
        SELECT {pk}, t.state,
               CASE WHEN b.owned > 0 THEN 'running' WHEN b.owned = 0 THEN 'queued' END, COUNT(*)
        FROM {table_name(pk)} t
        LEFT JOIN (SELECT row_id, COUNT(owner) AS owned FROM worktables_todo
                   WHERE worktable_id = {pk} GROUP BY row_id) b ON b.row_id = t.id
        WHERE t.deleted_at IS NULL
        GROUP BY 2, 3"""
