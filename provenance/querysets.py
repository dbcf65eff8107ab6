"""The questions asked of entities."""

from django.db.models import Q, QuerySet


class EntityQuerySet(QuerySet):
    """Entities, as asked for by name."""

    def of_cell(self, worktable_id, row_id, column_id):
        """Keep the values that one cell had or has."""
        return self.filter(worktable_id=worktable_id, row_id=row_id, column_id=column_id)

    def of_cells(self, worktable_id, row_id, digests):
        """Keep the values that these cells of a row have: {column id: digest}."""
        wanted = Q(pk__in=[])
        for column_id, digest in digests.items():
            wanted |= Q(column_id=column_id, digest=digest)
        return self.filter(wanted, worktable_id=worktable_id, row_id=row_id)

    def of_file(self, sha256):
        """Keep the cells, of any table, that held this file."""
        from pipelines.fingerprints import digest_of

        return self.filter(kind="file", digest=digest_of("product", sha256))
