"""The curator's door to the files."""

from django.contrib import admin
from django.template.defaultfilters import filesizeformat

from archive.models import Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    """Files of all projects; their bytes are what they are, so nothing is edited here."""

    list_display = [
        "name",
        "project",
        "short_hash",
        "readable_size",
        "media_type",
        "created_by",
        "created_at",
        "evicted_at",
    ]
    list_filter = ["media_type", ("evicted_at", admin.EmptyFieldListFilter), "project"]
    list_select_related = ["project", "created_by"]
    search_fields = ["name", "sha256", "project__slug"]
    date_hierarchy = "created_at"
    readonly_fields = [
        "project", "name", "sha256", "size", "media_type", "header", "created_by", "created_at",
        "evicted_at", "made_by_run",
    ]  # fmt: skip
    show_full_result_count = False

    @admin.display(description="sha256", ordering="sha256")
    def short_hash(self, product):
        """Enough of the hash to recognise it."""
        return product.sha256[:12]

    @admin.display(description="size", ordering="size")
    def readable_size(self, product):
        """The size, for people."""
        return filesizeformat(product.size)

    def has_add_permission(self, request):
        """Files come from steps and uploads only."""
        return False

    def has_delete_permission(self, request, obj=None):
        """A run may point to it."""
        return False
