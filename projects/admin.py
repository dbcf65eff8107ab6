"""The curator's door to projects; nothing is destroyed here, only put in the trash."""

from django.contrib import admin
from django.utils.html import format_html_join

from projects.editing import delete_project, restore_project
from projects.models import Project
from projects.sharing import members_of


class InTrash(admin.SimpleListFilter):
    """Those in use, or those in the trash."""

    title = "trash"
    parameter_name = "trash"

    def lookups(self, request, model_admin):
        return [("no", "in use"), ("yes", "in the trash")]

    def queryset(self, request, queryset):
        if self.value() == "no":
            return queryset.present()
        if self.value() == "yes":
            return queryset.trashed()
        return queryset


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):
    """Find a project, see who works on it, throw it away or bring it back."""

    list_display = ["slug", "title", "created_by", "created_at", "deleted_at"]
    list_filter = [InTrash, "created_at"]
    search_fields = ["slug", "title", "description", "created_by__username"]
    list_select_related = ["created_by"]
    fields = [
        "slug",
        "title",
        "description",
        "parameters",
        "members",
        "created_by",
        "created_at",
        "deleted_at",
    ]
    readonly_fields = ["slug", "parameters", "members", "created_by", "created_at", "deleted_at"]
    actions = ["put_in_trash", "bring_back"]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description="members")
    def members(self, project):
        """Who was given which role."""
        rows = ((member.name, member.kind, member.role) for member in members_of(project))
        return format_html_join("", "<div>{} ({}): {}</div>", rows) or "nobody"

    @admin.action(description="Put in the trash")
    def put_in_trash(self, request, projects):
        for project in projects:
            delete_project(project, by=request.user)

    @admin.action(description="Bring back from the trash")
    def bring_back(self, request, projects):
        for project in projects:
            restore_project(project, by=request.user)
