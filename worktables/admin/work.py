"""The curator's door to the work: who computes, what was queued together, what is held, who may have how much."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from worktables.admin.records import ReadOnlyAdmin
from worktables.models import Batch, Hold, Limit, Worker
from worktables.waking import wake_workers


class ByWhom(admin.RelatedOnlyFieldListFilter):
    """The people who did any of it, under a word of their own: the field is called “by”."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.title = "person"


class Held(admin.SimpleListFilter):
    """Rows, or whole tables."""

    title = "what is held"
    parameter_name = "held"

    def lookups(self, request, model_admin):
        """Name the choices."""
        return [("rows", "rows"), ("tables", "whole tables")]

    def queryset(self, request, queryset):
        """Keep those that were chosen."""
        return queryset.filter(row_id__isnull=self.value() == "tables") if self.value() else queryset


class Ended(admin.SimpleListFilter):
    """Batches that are over, or not."""

    title = "progress"
    parameter_name = "over"

    def lookups(self, request, model_admin):
        """Name the choices."""
        return [("yes", "over"), ("no", "still at work")]

    def queryset(self, request, queryset):
        """Keep those that were chosen."""
        return queryset.filter(ended_at__isnull=self.value() == "no") if self.value() else queryset


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Who computes, or did."""

    list_display = [
        "name",
        "host",
        "address",
        "pid",
        "takes",
        "load",
        "started_at",
        "seen_at",
        "stopped_at",
        "lost",
    ]
    list_filter = ["host", ("stopped_at", admin.EmptyFieldListFilter), "lost"]
    search_fields = ["name", "host", "token", "address"]
    ordering = ["-seen_at"]


class LimitLine(forms.ModelForm):
    """A limit in the list, whose box says what it is about to whom does not see the line."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.fields["most"].widget.attrs["aria-label"] = f"at most for {self.instance.of}"


@admin.register(Limit)
class LimitAdmin(admin.ModelAdmin):
    """What users and projects may have of the workers at once; workers hear of a change at once."""

    list_display = ["of", "user", "project", "most"]
    list_editable = ["most"]
    list_select_related = ["user", "project"]
    search_fields = ["user__username", "project__slug"]
    autocomplete_fields = ["user", "project"]
    ordering = ["user__username", "project__slug"]

    def get_changelist_form(self, request, **_):
        """Label the boxes of the list."""
        return LimitLine

    @admin.display(description="limit of")
    def of(self, limit):
        """Whom or what it is about."""
        return limit.of

    def save_model(self, request, obj, form, change):
        """Wake the workers, for more may run now."""
        super().save_model(request, obj, form, change)
        wake_workers()

    def delete_model(self, request, obj):
        """Wake the workers, for more may run now."""
        super().delete_model(request, obj)
        wake_workers()

    def delete_queryset(self, request, queryset):
        """Wake the workers, for more may run now."""
        super().delete_queryset(request, queryset)
        wake_workers()


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """What was queued together; what came of it is told by the page of the batch."""

    list_display = ["id", "worktable", "page", "action", "rows", "by", "started_at", "ended_at"]
    list_filter = ["action", Ended]
    readonly_fields = ["page"]
    list_select_related = ["worktable", "by"]
    search_fields = ["worktable__name", "worktable__project__slug", "by__username"]
    date_hierarchy = "started_at"

    @admin.display(ordering="n_rows")
    def rows(self, batch):
        """How many there are."""
        return batch.n_rows

    @admin.display
    def page(self, batch):
        """Where it is told what came of it."""
        address = reverse("worktable-batch", args=[batch.worktable_id, batch.pk])
        return format_html('<a href="{}">what came of it</a>', address)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """What is held, by whom and why; it is released where its rows are seen."""

    list_display = ["id", "worktable", "held", "by", "at", "why"]
    list_filter = [Held, ("by", ByWhom)]
    fields = ["worktable", "held", "by", "at", "why", "page"]
    readonly_fields = ["held", "page"]
    list_select_related = ["worktable", "by"]
    search_fields = ["why", "worktable__name", "worktable__project__slug", "by__username"]
    date_hierarchy = "at"

    @admin.display(description="what", ordering="row_id")
    def held(self, hold):
        """The row, or the whole table."""
        return "the whole table" if hold.row_id is None else f"row {hold.row_id}"

    @admin.display
    def page(self, hold):
        """Where it is released."""
        address = reverse("worktable-batches", args=[hold.worktable_id])
        return format_html('<a href="{}#held">release it there</a>', address)
