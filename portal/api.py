"""The front door of programs: where everything is."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

PLACES = ("account", "projects", "worktables", "pipelines", "steps", "runs", "tokens", "schema")


class RootView(APIView):
    """Where everything is."""

    @extend_schema(operation_id="root", responses=OpenApiTypes.OBJECT)
    def get(self, request):
        """List the addresses to start from."""
        return Response({place: reverse(f"api-{place}", request=request) for place in PLACES})
