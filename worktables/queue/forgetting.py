"""Forgetting results for which a project has no room, and batches of long ago: neither makes anything stale.

A unit stands on its own fingerprint, its cells and its run. What is forgotten is only that an undone edit, or
another row with the same inputs, could be spared a run.
"""

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from worktables.models import Batch
from worktables.storage.rows import in_ids

LISTED = 50_000
AT_ONCE = 2_000  # in one transaction
BATCHES_KEPT = timedelta(days=90)
BATCHES_OF_A_TABLE = 20  # are kept however old they are

# Those first that no present unit shows, and of those what nobody asked for longest: as many as are too many.
SUPERFLUOUS = """
    WITH shown AS (
        SELECT DISTINCT u.fingerprint FROM worktables_unit u JOIN worktables_worktable t ON t.id = u.worktable_id
        WHERE t.project_id = %s AND u.fingerprint <> ''
    ), ranked AS (
        SELECT m.id, SUM(m.size) OVER (
            ORDER BY CASE WHEN s.fingerprint IS NULL THEN 0 ELSE 1 END, m.used_at, m.id
        ) - m.size AS gone
        FROM pipelines_memo m LEFT JOIN shown s ON s.fingerprint = m.fingerprint WHERE m.project_id = %s
    )
    SELECT id FROM ranked WHERE gone < %s ORDER BY gone, id LIMIT %s
"""


def forget_results(limit=None):
    """Forget results of the projects that remember more than they may; return how many.

    Parameters
    ----------
    limit : int, optional
        Bytes for each project; else the setting MEMO_BYTES.
    """
    limit = settings.WORKTABLES["MEMO_BYTES"] if limit is None else limit
    forgotten = 0
    while over := _over(limit):
        for project_id, size in over:
            forgotten += _forget(project_id, size - limit)
    return forgotten


def _over(limit):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT project_id, SUM(size) FROM pipelines_memo GROUP BY project_id HAVING SUM(size) > %s",
            [limit],
        )
        return [(project_id, int(size)) for project_id, size in cursor.fetchall()]


def _forget(project_id, excess):
    """Forget that many bytes of a project, or a part of them if they are very many; return how many results."""
    with connection.cursor() as cursor:
        cursor.execute(SUPERFLUOUS, [project_id, project_id, excess, LISTED])
        ids = [pk for (pk,) in cursor.fetchall()]
        for start in range(0, len(ids), AT_ONCE):
            condition, values = in_ids("id", ids[start : start + AT_ONCE])
            cursor.execute(f"DELETE FROM pipelines_memo WHERE {condition}", values)
    return len(ids)


def forget_batches(now):
    """Forget what came of batches of long ago, but for the last of each table; return how many batches.

    Parameters
    ----------
    now : datetime
    """
    place = Window(RowNumber(), partition_by=F("worktable"), order_by=F("id").desc())
    placed = Batch.objects.annotate(place=place).filter(place__gt=BATCHES_OF_A_TABLE)
    old = placed.filter(ended_at__lt=now - BATCHES_KEPT).values_list("pk", flat=True)
    ids = list(old.order_by("pk")[:AT_ONCE])
    if not ids:
        return 0
    condition, values = in_ids("batch_id", ids)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM worktables_batchrow WHERE {condition}", values)
        cursor.execute(f"DELETE FROM worktables_batch WHERE {condition.replace('batch_id', 'id')}", values)
    return len(ids)
