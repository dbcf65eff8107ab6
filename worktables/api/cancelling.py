"""Cancelling for programs."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from worktables.api.finding import WorktableView, read
from worktables.cancelling import cancel
from worktables.serializers import CancelSerializer, CountSerializer


class CancelView(WorktableView):
    """Cancelling what is queued or runs."""

    @extend_schema(operation_id="rows_cancel", request=CancelSerializer, responses=CountSerializer)
    def post(self, request, pk):
        """Cancel it, of some rows or of the table; it is held until it is asked for again."""
        worktable = self.find(pk, to="run")
        asked = read(CancelSerializer, request.data)
        return Response({"n": cancel(worktable, asked["rows"], by=request.user)})
