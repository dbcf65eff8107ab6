"""The door of programs to pipelines and steps; all of it is read only."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from pipelines.models import Pipeline
from pipelines.registry import all_steps, get_step
from pipelines.serializers import PipelineSerializer, StepSerializer, step_document


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
