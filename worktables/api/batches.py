"""Batches: what was queued together in a table, and what came of it."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from worktables.api.talk import PagedView
from worktables.batches import summarise
from worktables.models import Batch


class BatchSerializer(serializers.ModelSerializer):
    """What was queued together: who, what, when."""

    by = serializers.CharField(source="by.username", default=None, allow_null=True)

    class Meta:
        model = Batch
        fields = ["id", "action", "by", "started_at", "ended_at", "n_rows", "n_units"]


class BatchGroupSerializer(serializers.Serializer):
    """Rows that ended in the same state for the same reason; at most a hundred of them by number."""

    state = serializers.CharField()
    step = serializers.CharField()
    line = serializers.CharField()
    n = serializers.IntegerField()
    rows = serializers.ListField(child=serializers.IntegerField())


class BatchRowsSerializer(serializers.Serializer):
    """Some rows; at most a hundred of them by number."""

    n = serializers.IntegerField()
    rows = serializers.ListField(child=serializers.IntegerField())


class BatchSummarySerializer(serializers.Serializer):
    """What came of a batch so far."""

    batch = BatchSerializer()
    sentence = serializers.CharField()
    over = serializers.BooleanField(help_text="nothing of it is queued or runs")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="settled rows by state")
    n_busy = serializers.IntegerField(help_text="rows that are queued or run")
    fraction = serializers.FloatField(help_text="of the steps, done")
    seconds_left = serializers.FloatField(source="left.total_seconds", default=None, allow_null=True)
    groups = BatchGroupSerializer(many=True)
    compared_with = serializers.IntegerField(
        source="before.pk", default=None, allow_null=True, help_text="the table's batch before"
    )
    newly_failing = BatchRowsSerializer(source="newly")
    mended = BatchRowsSerializer()
    still_failing = BatchRowsSerializer(source="still")


class BatchesView(PagedView):
    """The batches of a table."""

    @extend_schema(
        operation_id="batches_list",
        parameters=[OpenApiParameter("page", int)],
        responses=BatchSerializer(many=True),
    )
    def get(self, request, pk):
        """List them, the newest first."""
        return self.page(self.find(pk).batches.select_related("by"), BatchSerializer)


class BatchView(PagedView):
    """One batch of a table."""

    @extend_schema(operation_id="batches_retrieve", responses=BatchSummarySerializer)
    def get(self, request, pk, batch_id):
        """Say what came of it: how many rows in which state, why, and what differs from the batch before."""
        batches = self.find(pk).batches.select_related("by", "worktable")
        summary = summarise(get_object_or_404(batches, pk=batch_id), request.user)
        return Response(BatchSummarySerializer(summary).data)
