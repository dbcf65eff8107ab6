"""The door of programs to pipelines, steps and runs; all of it is read only."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from pipelines.models import Pipeline, Run
from pipelines.registry import all_steps, get_step
from pipelines.serializers import (
    PipelineSerializer,
    RunDetailSerializer,
    RunSerializer,
    StepSerializer,
    step_document,
)
from projects.models import Project

LONG = ("inputs", "parameters", "outputs", "log")


class PipelinesView(GenericAPIView):
    """The pipelines a worktable can be bound to."""

    serializer_class = PipelineSerializer
    queryset = Pipeline.objects.order_by("name", "-version")

    @extend_schema(operation_id="pipelines_list")
    def get(self, request):
        """List all versions, the newest of each first."""
        return self.get_paginated_response(
            PipelineSerializer(self.paginate_queryset(self.get_queryset()), many=True).data
        )


class PipelineView(APIView):
    """One version of a pipeline."""

    @extend_schema(operation_id="pipelines_retrieve", responses=PipelineSerializer)
    def get(self, request, name, version):
        """Show its graph."""
        return Response(PipelineSerializer(get_object_or_404(Pipeline, name=name, version=version)).data)


class StepsView(APIView):
    """The registered steps."""

    @extend_schema(operation_id="steps_list", responses=StepSerializer(many=True))
    def get(self, request):
        """List them with their ports and parameters."""
        return Response([step_document(step) for step in all_steps()])


class StepView(APIView):
    """One registered step."""

    @extend_schema(operation_id="steps_retrieve", responses=StepSerializer)
    def get(self, request, name):
        """Show its ports and parameters."""
        return Response(step_document(get_step(name)))


class RunsView(GenericAPIView):
    """The runs of the projects one may see, the latest first."""

    serializer_class = RunSerializer
    queryset = Run.objects.none()

    @extend_schema(
        operation_id="runs_list",
        parameters=[
            OpenApiParameter("project", str, description="slug of a project"),
            OpenApiParameter("worktable", int),
            OpenApiParameter("row", int),
            OpenApiParameter("step", str),
            OpenApiParameter("outcome", str, enum=Run.Outcome.values),
        ],
    )
    def get(self, request):
        """List them."""
        runs = visible_runs(request.user)
        asked = {
            "project": "project__slug",
            "worktable": "worktable_id",
            "row": "row_id",
            "step": "step_name",
            "outcome": "outcome",
        }
        for key, field in asked.items():
            text = request.query_params.get(key, "")
            if text and field.endswith("_id") and not (text.isascii() and text.isdigit() and len(text) < 19):
                runs = runs.none()
            elif text:
                runs = runs.filter(**{field: text})
        return self.get_paginated_response(
            RunSerializer(self.paginate_queryset(runs.defer(*LONG)), many=True).data
        )


class RunView(APIView):
    """One run."""

    @extend_schema(operation_id="runs_retrieve", responses=RunDetailSerializer)
    def get(self, request, pk):
        """Show all that is known of it."""
        return Response(RunDetailSerializer(get_object_or_404(visible_runs(request.user), pk=pk)).data)


def visible_runs(user):
    """Return the runs of the projects this person may see."""
    runs = Run.objects.filter(project__in=Project.objects.visible_to(user))
    return runs.select_related("project", "step_version", "asked_by").order_by("-id")
