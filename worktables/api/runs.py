"""The runs of every table one may see."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from pipelines.models import Run
from pipelines.serializers import RunDetailSerializer, RunSerializer
from projects.models import Project
from worktables.models import Worktable

LONG = ("inputs", "parameters", "outputs", "log")


class RunsView(GenericAPIView):
    """The runs of the projects one may see, the latest first; not of tables in the trash."""

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
    """Return the runs of the tables this person may see, in projects that they may see."""
    runs = Run.objects.filter(
        project__in=Project.objects.visible_to(user),
        worktable_id__in=Worktable.objects.visible_to(user).values("pk"),
    )
    return runs.select_related("project", "step_version", "asked_by").order_by("-id")
