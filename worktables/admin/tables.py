"""The curator's door to worktables; cells are edited where they are seen."""

from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html

from worktables.admin.records import ReadOnly
from worktables.creating import delete_worktable, describe_worktable, restore_worktable
from worktables.models import Column, Link, State, TableStep, Todo, Unit, Worker, Worktable
from worktables.updating import state_counts


class InTrash(admin.SimpleListFilter):
    """Those in use, or those in the trash."""

    title = "trash"
    parameter_name = "trash"

    def lookups(self, request, model_admin):
        """Name the choices."""
        return [("no", "in use"), ("yes", "in the trash")]

    def queryset(self, request, queryset):
        """Keep those that were chosen."""
        chosen = {"no": queryset.filter(deleted_at=None), "yes": queryset.exclude(deleted_at=None)}
        return chosen.get(self.value(), queryset)


class ColumnInline(ReadOnly, admin.TabularInline):
    """The columns of a table, as they are declared."""

    model = Column
    fields = ["name", "kind", "role", "unit", "ucd", "description"]
    ordering = ["position"]
    extra = 0


class StepInline(ReadOnly, admin.TabularInline):
    """The steps of a table."""

    model = TableStep
    fields = ["name", "kind", "step", "rank"]
    extra = 0


class LinkInline(ReadOnly, admin.TabularInline):
    """The links into a table."""

    model = Link
    fk_name = "target"
    fields = ["name", "kind", "source", "options"]
    extra = 0

    def get_queryset(self, request):
        """Read the other tables along."""
        return super().get_queryset(request).select_related("source", "target")


@admin.register(Worktable)
class WorktableAdmin(admin.ModelAdmin):
    """Find a worktable, see what it is made of and how it fares, throw it away or bring it back."""

    list_display = [
        "name",
        "title",
        "project",
        "pipeline",
        "update",
        "n_rows",
        "created_by",
        "created_at",
        "deleted_at",
    ]
    list_filter = [InTrash, "update", "pipeline", "project"]
    list_select_related = ["project", "pipeline", "created_by"]
    search_fields = ["name", "title", "description", "project__slug", "created_by__username"]
    list_per_page = 50
    inlines = [ColumnInline, StepInline, LinkInline]
    fields = [
        "name", "title", "description", "project", "pipeline", "update", "parameters", "n_rows", "states", "units",
        "page", "created_by", "created_at", "deleted_at",
    ]  # fmt: skip
    readonly_fields = [
        "name", "project", "pipeline", "update", "parameters", "n_rows", "states", "units", "page", "created_by",
        "created_at", "deleted_at",
    ]  # fmt: skip
    actions = ["put_in_trash", "bring_back"]

    def has_add_permission(self, request):
        """A table is made where its physical one is made too."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Nothing is destroyed here, only put in the trash."""
        return False

    @admin.display
    def states(self, worktable):
        """How its rows fare."""
        counts = state_counts([worktable])[worktable.pk]
        return ", ".join(f"{number} {state}" for state, number in counts.items()) or "no rows"

    def save_model(self, request, obj, form, change):
        """Change what was typed and nothing else: the counters of a table move while the form is open."""
        facts = {name: form.cleaned_data[name] for name in form.changed_data}
        if facts:
            describe_worktable(Worktable.objects.get(pk=obj.pk), by=request.user, **facts)

    def get_urls(self):
        """Add the page of a table's units: their keys are composite, which the admin site cannot register."""
        units = self.admin_site.admin_view(self.units_view)
        return [path("<int:pk>/units/", units, name="worktables_worktable_units"), *super().get_urls()]

    def units_view(self, request, pk):
        """Show the units of a table, the worst first, with what waits and who works on it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        worktable = get_object_or_404(Worktable.objects.select_related("project"), pk=pk)
        asked = {name: request.GET.get(name, "").strip() for name in ("state", "step", "row", "words")}
        units = Unit.objects.filter(worktable=worktable).select_related("step")
        units = units.order_by("-state", "row_id", "step__rank")
        if asked["state"].isdecimal():
            units = units.filter(state=int(asked["state"][:3]))
        if asked["row"].isdecimal():
            units = units.filter(row_id=int(asked["row"][:18]))
        if asked["step"]:
            units = units.filter(step__name=asked["step"])
        if asked["words"]:
            units = units.filter(reason__icontains=asked["words"])
        found = Paginator(units, 100).get_page(request.GET.get("page"))
        rows = {unit.row_id for unit in found}
        todo = {
            (one.row_id, one.step_id): one
            for one in Todo.objects.filter(worktable=worktable, row_id__in=rows)
        }
        owners = {one.owner for one in todo.values() if one.owner}
        workers = dict(Worker.objects.filter(token__in=owners).values_list("token", "name"))
        lines = []
        for unit in found:
            waiting = todo.get((unit.row_id, unit.step_id))
            worker = workers.get(waiting.owner, waiting.owner) if waiting and waiting.owner else ""
            lines.append((unit, waiting, worker))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Units of {worktable.name}",
            "worktable": worktable,
            "lines": lines,
            "found": found,
            "asked": asked,
            "query": urlencode({name: text for name, text in asked.items() if text}),
            "states": State.choices,
            "steps": worktable.steps.values_list("name", flat=True),
            "n_todo": Todo.objects.filter(worktable=worktable).count(),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/worktables/units.html", context)

    @admin.display
    def units(self, worktable):
        """Where its units and its queue are."""
        address = reverse("admin:worktables_worktable_units", args=[worktable.pk])
        return format_html('<a href="{}">units and queue</a>', address)

    @admin.display
    def page(self, worktable):
        """Where its cells are."""
        if worktable.deleted_at or worktable.project.deleted_at:
            return "in the trash"
        return format_html('<a href="{}">open the table</a>', reverse("worktable", args=[worktable.pk]))

    @admin.action(description="Put in the trash", permissions=["change"])
    def put_in_trash(self, request, worktables):
        """Put the chosen tables in the trash."""
        for worktable in worktables.filter(deleted_at=None):
            delete_worktable(worktable, by=request.user)

    @admin.action(description="Bring back from the trash", permissions=["change"])
    def bring_back(self, request, worktables):
        """Bring the chosen tables back."""
        for worktable in worktables.exclude(deleted_at=None):
            restore_worktable(worktable, by=request.user)
