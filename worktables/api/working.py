"""Parameters, updating, running again, and the runs of rows."""

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from pipelines.models import Run
from pipelines.serializers import RunDetailSerializer, RunSerializer
from projects.api import ProjectView
from worktables.api.finding import AlwaysJSON, WorktableView, read
from worktables.errors import NoSuchRow
from worktables.making import update_table
from worktables.parameters import declared_parameters, set_parameters, set_project_parameters
from worktables.planning import plan_update
from worktables.serializers import (
    CountSerializer,
    PlanSerializer,
    RerunSerializer,
    ValueField,
    plan_document,
)
from worktables.sight import Sight
from worktables.storage import layout_of
from worktables.updating import rerun_rows


class ParameterSerializer(serializers.Serializer):
    """A parameter of a step, and what this table says."""

    name = serializers.CharField(help_text="step.parameter")
    kind = serializers.CharField()
    value = ValueField(allow_null=True, help_text="null: as the project says, or else the default")
    default = ValueField(allow_null=True)
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    choices = serializers.ListField(child=ValueField())
    unit = serializers.CharField()
    help = serializers.CharField()


class ParametersView(WorktableView):
    """The parameters of a table, for all rows that do not say otherwise."""

    @extend_schema(operation_id="parameters_list", responses=ParameterSerializer(many=True))
    def get(self, request, pk):
        """List them with their limits and defaults."""
        return Response(self.document(self.find(pk)))

    @extend_schema(
        operation_id="parameters_set",
        request=OpenApiTypes.OBJECT,
        responses=ParameterSerializer(many=True),
        description="All values at once, step.parameter → value; those left out are inherited.",
    )
    def put(self, request, pk):
        """Set them; the rows they reach become stale."""
        worktable = self.find(pk, to="run")
        set_parameters(worktable, values_sent(request.data), by=request.user)
        return Response(self.document(worktable))

    def document(self, worktable):
        """Return the parameters as JSON."""
        return [
            {
                "name": name,
                "kind": one.kind,
                "value": worktable.parameters.get(name),
                "default": one.default,
                "minimum": one.minimum,
                "maximum": one.maximum,
                "choices": list(one.choices),
                "unit": one.unit,
                "help": one.help,
            }
            for name, one in declared_parameters(worktable).items()
        ]


def values_sent(data):
    """Return an object of names and values, or say that it is none."""
    if not isinstance(data, dict):
        raise ParseError("send an object of “step.parameter” and values")
    return dict(data)


class ProjectParametersView(ProjectView):
    """The parameters of a project, for all tables that do not say otherwise."""

    content_negotiation_class = AlwaysJSON

    @extend_schema(operation_id="project_parameters_retrieve", responses=OpenApiTypes.OBJECT)
    def get(self, request, slug):
        """Show them."""
        return Response(self.find(slug).parameters)

    @extend_schema(
        operation_id="project_parameters_set", request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT
    )
    def put(self, request, slug):
        """Set all of them at once; the rows they reach become stale."""
        project = self.find(slug, to="run")
        set_project_parameters(project, values_sent(request.data), by=request.user)
        return Response(project.parameters)


class UpdateView(WorktableView):
    """Bringing a table up to date."""

    @extend_schema(operation_id="update_plan", responses=PlanSerializer)
    def get(self, request, pk):
        """Say what an update would run, and why, without running it."""
        return Response(plan_document(plan_update(self.find(pk), request.user)))

    @extend_schema(operation_id="update_run", request=None, responses={202: PlanSerializer})
    def post(self, request, pk):
        """Queue all that is not fresh; failed rows are tried again."""
        plan = update_table(self.find(pk, to="run"), by=request.user)
        return Response(plan_document(plan), status.HTTP_202_ACCEPTED)


class RerunView(WorktableView):
    """Computing rows anew."""

    @extend_schema(operation_id="rows_rerun", request=RerunSerializer, responses={202: CountSerializer})
    def post(self, request, pk):
        """Queue them though nothing changed; the old runs stay."""
        worktable = self.find(pk, to="run")
        asked = read(RerunSerializer, request.data)
        count = rerun_rows(worktable, asked["rows"], by=request.user, step=asked["step"])
        return Response({"n": count}, status.HTTP_202_ACCEPTED)


class RowRunsView(WorktableView):
    """The runs of a row."""

    @extend_schema(operation_id="row_runs_list", responses=RunSerializer(many=True))
    def get(self, request, pk, row_id):
        """List them, the latest first; at most a thousand."""
        worktable = self.find(pk)
        if not layout_of(worktable).rows.filter(id=row_id).exists():
            raise NoSuchRow(row_id)
        sight = Sight(request.user, worktable.project_id)
        runs = [sight.run(run) for run in runs_of(worktable).filter(row_id=row_id)[:1000]]
        return Response(RunSerializer(runs, many=True, context={"sight": sight}).data)


class TableRunView(WorktableView):
    """One run of a table."""

    @extend_schema(operation_id="table_runs_retrieve", responses=RunDetailSerializer)
    def get(self, request, pk, run_id):
        """Show all that is known of it."""
        worktable = self.find(pk)
        sight = Sight(request.user, worktable.project_id)
        run = sight.run(get_object_or_404(runs_of(worktable), pk=run_id))
        return Response(RunDetailSerializer(run, context={"sight": sight}).data)


def runs_of(worktable):
    """Return the runs of a table, the latest first."""
    runs = Run.objects.filter(worktable_id=worktable.pk).order_by("-id")
    return runs.select_related("project", "step_version", "asked_by")
