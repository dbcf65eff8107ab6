"""Running again what failed or is flagged, holding and releasing rows, and what goes first."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from worktables.api.finding import WorktableView, read
from worktables.holding import hold_rows, release_rows
from worktables.prioritising import put_first
from worktables.retrying import rerun_failed, rerun_flagged
from worktables.serializers import CountSerializer, RowIdsSerializer


class SomeRowsSerializer(serializers.Serializer):
    """Some rows of a table, or all of it."""

    rows = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        allow_null=True,
        allow_empty=False,
        default=None,
        max_length=10_000,
        help_text="ids; null or left out: the whole table",
    )


class HoldSerializer(SomeRowsSerializer):
    """What to hold, and why."""

    why = serializers.CharField(max_length=500)


class HoldDocumentSerializer(serializers.Serializer):
    """A row, or the whole table (null), that is held."""

    row = serializers.IntegerField(source="row_id", allow_null=True)
    by = serializers.CharField(source="by.username", default=None, allow_null=True)
    at = serializers.DateTimeField()
    why = serializers.CharField()


class RerunFailedView(WorktableView):
    """What failed."""

    @extend_schema(operation_id="rerun_failed", request=SomeRowsSerializer, responses={202: CountSerializer})
    def post(self, request, pk):
        """Run exactly the failed steps again, and what they blocked; answers how many rows."""
        asked = read(SomeRowsSerializer, request.data)
        number = rerun_failed(self.find(pk, to="run"), by=request.user, row_ids=asked["rows"])
        return Response({"n": number}, status.HTTP_202_ACCEPTED)


class RerunFlaggedView(WorktableView):
    """What is flagged."""

    @extend_schema(operation_id="rerun_flagged", request=SomeRowsSerializer, responses={202: CountSerializer})
    def post(self, request, pk):
        """Compute the flagged rows anew, though nothing changed; answers how many rows."""
        asked = read(SomeRowsSerializer, request.data)
        number = rerun_flagged(self.find(pk, to="run"), by=request.user, row_ids=asked["rows"])
        return Response({"n": number}, status.HTTP_202_ACCEPTED)


class HoldsView(WorktableView):
    """What is held in a table."""

    @extend_schema(operation_id="holds_list", responses=HoldDocumentSerializer(many=True))
    def get(self, request, pk):
        """List the held rows, at most a thousand, and whether the whole table is."""
        holds = self.find(pk).holds.select_related("by").order_by("pk")[:1000]
        return Response(HoldDocumentSerializer(holds, many=True).data)

    @extend_schema(operation_id="rows_hold", request=HoldSerializer, responses={201: CountSerializer})
    def post(self, request, pk):
        """Hold rows, or the whole table: they are not computed until they are released."""
        worktable = self.find(pk, to="run")
        asked = read(HoldSerializer, request.data)
        number = hold_rows(worktable, asked["rows"], asked["why"], by=request.user)
        return Response({"n": number}, status.HTTP_201_CREATED)


class ReleaseView(WorktableView):
    """Holding no more."""

    @extend_schema(operation_id="rows_release", request=SomeRowsSerializer, responses={202: CountSerializer})
    def post(self, request, pk):
        """Release rows, or the table and all its rows; what waited in them is queued."""
        worktable = self.find(pk, to="run")
        number = release_rows(worktable, read(SomeRowsSerializer, request.data)["rows"], by=request.user)
        return Response({"n": number}, status.HTTP_202_ACCEPTED)


class FirstView(WorktableView):
    """What goes first."""

    @extend_schema(operation_id="rows_first", request=RowIdsSerializer, responses={202: CountSerializer})
    def post(self, request, pk):
        """Let what is queued of these rows run before everything else; answers how many steps."""
        worktable = self.find(pk, to="run")
        number = put_first(worktable, read(RowIdsSerializer, request.data)["rows"], by=request.user)
        return Response({"n": number}, status.HTTP_202_ACCEPTED)
