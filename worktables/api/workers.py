"""The workers and their queue, for whoever looks after the machines."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView

from worktables.operating import present_operation, present_stores


class InHandSerializer(serializers.Serializer):
    """Units of one step that a process has in hand."""

    project = serializers.CharField(help_text="slug")
    worktable_id = serializers.IntegerField()
    table = serializers.CharField()
    step = serializers.CharField()
    row = serializers.IntegerField(help_text="the first of them")
    n = serializers.IntegerField(help_text="how many units of the step")
    since = serializers.DateTimeField(allow_null=True)
    progress = serializers.FloatField(allow_null=True)
    progress_text = serializers.CharField(allow_blank=True)


class WorkerFactsSerializer(serializers.Serializer):
    """A worker."""

    name = serializers.CharField()
    host = serializers.CharField()
    address = serializers.CharField(allow_blank=True)
    pid = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    stopped_at = serializers.DateTimeField(allow_null=True)
    takes = serializers.ListField(child=serializers.CharField())
    processes = serializers.IntegerField()
    cores = serializers.IntegerField(allow_null=True)
    load = serializers.FloatField(allow_null=True)
    code = serializers.CharField(allow_blank=True)
    lacks = serializers.CharField(allow_blank=True, help_text="which code that is asked for it has not")


class PresentWorkerSerializer(WorkerFactsSerializer):
    """A worker that lives, and what it does."""

    silent = serializers.BooleanField(help_text="its heartbeat is older than the lease")
    busy = serializers.IntegerField(help_text="how many of its processes have something in hand")
    in_hand = InHandSerializer(many=True)


class QueueSerializer(serializers.Serializer):
    """What is to do, of a class of work, of a project or of a user."""

    name = serializers.CharField()
    waiting = serializers.IntegerField()
    running = serializers.IntegerField()
    oldest = serializers.DateTimeField(allow_null=True, help_text="since when the oldest of them waits")


class ClassQueueSerializer(QueueSerializer):
    """What is to do of a class of work."""

    takers = serializers.IntegerField(help_text="how many workers take it")


class LimitedSerializer(serializers.Serializer):
    """A limit because of which work waits."""

    of = serializers.CharField(help_text="whom or what it limits, in words")
    running = serializers.IntegerField(help_text="workers that compute for them")
    most = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="units")


class StoreSerializer(serializers.Serializer):
    """What is kept for a project."""

    name = serializers.CharField()
    results = serializers.IntegerField(help_text="how many results it remembers")
    result_bytes = serializers.IntegerField()
    files = serializers.IntegerField()
    file_bytes = serializers.IntegerField()
    evicted = serializers.IntegerField(help_text="files that are made again when somebody opens them")
    evicted_bytes = serializers.IntegerField()


class OperationSerializer(serializers.Serializer):
    """How the work goes."""

    at = serializers.DateTimeField()
    workers = PresentWorkerSerializer(many=True)
    lost = WorkerFactsSerializer(many=True)
    classes = ClassQueueSerializer(many=True)
    projects = QueueSerializer(many=True)
    users = QueueSerializer(many=True, help_text="who asked")
    limits = LimitedSerializer(many=True)


class WholeOperationSerializer(OperationSerializer):
    """How the work goes, and what is kept."""

    stores = StoreSerializer(many=True)


class WorkersView(APIView):
    """The workers of the portal; for staff."""

    permission_classes = [IsAdminUser]

    @extend_schema(operation_id="workers_retrieve", responses=WholeOperationSerializer)
    def get(self, request):
        """Show who computes, at what, who was lost, and what waits."""
        operation, stores = present_operation(request.user), present_stores(request.user)
        return Response(
            {**OperationSerializer(operation).data, "stores": StoreSerializer(stores, many=True).data}
        )
