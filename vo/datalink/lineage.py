"""Which runs made a file, and which used it: a few of them for each file, however many there are."""

from collections import defaultdict

from django.db import connection

from pipelines.fingerprints import digest_of
from provenance.models import ITSELF, Entity, Generated, Used
from vo.models import FrozenRun

# What a run used or made itself, and no row that took its result: that has the same run.
OF_FILE = f"e.kind = 'file' AND e.digest = %s AND r.reuse = {ITSELF}"
TOGETHER = 100  # files in one statement


def published_runs(relation, products, version_ids, most):
    """Return the runs that made or used files, as these versions were published: {product: [(version, row, run)]}.

    Parameters
    ----------
    relation : {Generated, Used}
    products : list of PublishedProduct
    version_ids : list of int
    most : int
        Of each file, so many at most; which, if there are more, is not said.
    """
    versions = ", ".join(str(int(one)) for one in version_ids) or "NULL"
    return _found(
        products,
        f"SELECT f.version_id, f.row_id, f.run_id FROM {_entities(relation)} "
        f"JOIN {FrozenRun._meta.db_table} f ON f.run_id = r.run_id "
        f"WHERE {OF_FILE} AND f.version_id IN ({versions}) LIMIT {int(most)}",
    )


def any_runs(relation, products, most):
    """Return ids of runs that made or used files, whether published or not: {product: [(run,)]}."""
    return _found(
        products,
        f"SELECT r.run_id FROM {_entities(relation)} WHERE {OF_FILE} LIMIT {int(most)}",
    )


def _entities(relation):
    assert relation in (Generated, Used)
    return f"{Entity._meta.db_table} e JOIN {relation._meta.db_table} r ON r.entity_id = e.id"


def _found(products, sql):
    found = defaultdict(list)
    for start in range(0, len(products), TOGETHER):
        part = products[start : start + TOGETHER]
        # Each of them is limited by itself: together the first could leave nothing to the others.
        each = " UNION ALL ".join([f"SELECT %s AS product, s.* FROM ({sql}) AS s"] * len(part))
        values = [value for one in part for value in (one.pk, digest_of("product", one.sha256))]
        with connection.cursor() as cursor:
            cursor.execute(each, values)
            for pk, *row in cursor.fetchall():
                found[pk].append(tuple(row))
    return found
