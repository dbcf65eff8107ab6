"""What was done and said, to be searched and read."""

from django.contrib import admin

from worktables.models import Annotation, Change, Column


class ReadOnly:
    """A record: to be searched and read."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request, *_):
        """Records are made by what they record."""
        return False

    def has_change_permission(self, request, obj=None):
        """Nor does anybody rewrite them."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Nor take them away."""
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):
    """A record with a page of its own."""


@admin.register(Column)
class ColumnAdmin(ReadOnlyAdmin):
    """Every column there is, to find which tables know a unit or a UCD."""

    list_display = ["name", "worktable", "kind", "role", "unit", "ucd", "description"]
    list_filter = ["kind", "role"]
    list_select_related = ["worktable"]
    search_fields = ["name", "unit", "ucd", "description", "worktable__name"]


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    """Who changed what, when."""

    list_display = ["id", "at", "by", "action", "worktable", "row_id", "subject", "old", "new"]
    list_filter = ["action"]
    list_select_related = ["worktable", "by"]
    search_fields = ["subject", "worktable__name", "worktable__project__slug", "by__username"]
    date_hierarchy = "at"
    raw_id_fields = ["worktable", "column", "by", "undoes"]


@admin.register(Annotation)
class AnnotationAdmin(ReadOnlyAdmin):
    """What people said."""

    list_display = [
        "id",
        "at",
        "author",
        "kind",
        "worktable",
        "row_id",
        "text",
        "withdrawn_at",
        "withdrawn_by",
    ]
    list_filter = ["kind", ("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["worktable", "author", "withdrawn_by"]
    search_fields = ["text", "author__username", "worktable__name", "worktable__project__slug"]
    date_hierarchy = "at"
