"""The curator's door to pipelines, step versions and runs; what has run is read, never edited."""

from django.contrib import admin
from django.utils.formats import number_format

from pipelines.models import Environment, Pipeline, Run, StepVersion


class ReadOnlyAdmin(admin.ModelAdmin):
    """A record: to be searched and read."""

    show_full_result_count = False

    def has_add_permission(self, request):
        """Records are made by what they record."""
        return False

    def has_change_permission(self, request, obj=None):
        """Nor does anybody rewrite them."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Nor take them away."""
        return False


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Every execution there has been."""

    list_display = [
        "id", "step_name", "project", "worktable_id", "row_id", "outcome", "accepted", "duration",
        "worker", "host", "asked_by", "started_at",
    ]  # fmt: skip
    list_filter = ["outcome", "accepted", "step_name", "project"]
    list_select_related = ["project", "asked_by"]
    search_fields = [
        "step_name",
        "error",
        "worker",
        "host",
        "fingerprint",
        "project__slug",
        "asked_by__username",
    ]
    date_hierarchy = "started_at"
    list_per_page = 50

    def get_queryset(self, request):
        """Leave the long texts out of the list; the page of one run shows them."""
        runs = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name.endswith("_changelist"):
            return runs.defer("log", "inputs", "parameters", "outputs", "error")
        return runs

    @admin.display(description="seconds")
    def duration(self, run):
        """How long it took."""
        return number_format(run.seconds, 3)


@admin.register(Pipeline)
class PipelineAdmin(admin.ModelAdmin):
    """Pipelines; the graph of a version is fixed, a change is a new version."""

    list_display = ["name", "version", "title", "steps", "created_at"]
    list_filter = ["name"]
    search_fields = ["name", "title", "description"]
    readonly_fields = ["name", "version", "graph", "created_at"]

    @admin.display
    def steps(self, pipeline):
        """The steps, in a line."""
        return " → ".join(step.get("name", "") for step in pipeline.graph.get("steps", []))

    def has_add_permission(self, request):
        """A pipeline is checked when it is made, which this form cannot do."""
        return False


@admin.register(StepVersion)
class StepVersionAdmin(ReadOnlyAdmin):
    """Every version of a step that has run."""

    list_display = ["step", "declared_version", "code_fingerprint", "resource", "deterministic", "first_seen"]
    list_filter = ["step", "resource", "deterministic"]
    search_fields = ["step", "code_fingerprint"]


@admin.register(Environment)
class EnvironmentAdmin(ReadOnlyAdmin):
    """What runs ran with."""

    list_display = ["digest", "python", "machine"]
    search_fields = ["digest"]

    @admin.display
    def python(self, environment):
        """The version of the interpreter."""
        return environment.document.get("python", "")

    @admin.display
    def machine(self, environment):
        """The kind of machine."""
        return f"{environment.document.get('system', '')} {environment.document.get('machine', '')}"
