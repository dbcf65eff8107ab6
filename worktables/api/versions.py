"""By which code a table runs, and two tables compared, for programs."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from pipelines.models import StepVersion
from worktables.adopting import known_versions, pin_step, unpin_step
from worktables.api.finding import WorktableView, read
from worktables.comparing import compare_tables
from worktables.copying import copy_table
from worktables.models import TableStep
from worktables.serializers import ValueField
from worktables.storage.values import as_json


class StepVersionSerializer(serializers.Serializer):
    """A version of a step that there has been."""

    id = serializers.IntegerField()
    version = serializers.CharField()
    code = serializers.CharField(help_text="fingerprint of the code")
    first_seen = serializers.DateTimeField()
    installed = serializers.BooleanField(help_text="whether the web server has it")


class StepInUseSerializer(serializers.Serializer):
    """A step of a table, and by which code it runs."""

    name = serializers.CharField()
    step = serializers.CharField()
    version = serializers.IntegerField(allow_null=True, help_text="id of the version in use")
    pinned = serializers.BooleanField()
    versions = StepVersionSerializer(many=True)


class PinSerializer(serializers.Serializer):
    """To which version a step is pinned."""

    version = serializers.IntegerField(allow_null=True, help_text="null: it follows its code")


class BesideSerializer(serializers.Serializer):
    """A table beside another."""

    name = serializers.CharField()
    versions = serializers.DictField(
        child=serializers.IntegerField(), default=dict, help_text="step → id of the version it is pinned to"
    )


class CopiedSerializer(serializers.Serializer):
    """The table that was made."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class ComparedColumnSerializer(serializers.Serializer):
    """How a column compares, over the rows that both tables have."""

    name = serializers.CharField()
    kind = serializers.CharField()
    unit = serializers.CharField()
    n_equal = serializers.IntegerField()
    n_different = serializers.IntegerField()
    n_only_one = serializers.IntegerField()
    n_only_other = serializers.IntegerField()
    n_empty = serializers.IntegerField()
    n_failed = serializers.IntegerField()
    largest = ValueField(
        allow_null=True, help_text="difference, in the column's unit; of positions in arcsec"
    )
    median = ValueField(allow_null=True, help_text="of the rows that differ")


class DifferingRowSerializer(serializers.Serializer):
    """A row that differs."""

    row = serializers.IntegerField()
    columns = serializers.DictField(child=serializers.ListField(child=ValueField(allow_null=True)))


class ComparisonSerializer(serializers.Serializer):
    """Two tables compared, column by column."""

    n_rows = serializers.IntegerField()
    n_only_one = serializers.IntegerField()
    n_only_other = serializers.IntegerField()
    n_differ = serializers.IntegerField()
    columns = ComparedColumnSerializer(many=True)
    missing = serializers.ListField(child=serializers.CharField())
    rows = DifferingRowSerializer(many=True, help_text="the first fifty that differ")


class VersionsView(WorktableView):
    """The versions of a table's steps."""

    @extend_schema(operation_id="versions_list", responses=StepInUseSerializer(many=True))
    def get(self, request, pk):
        """List the steps, by which version each runs, and which there have been."""
        return Response(versions_document(self.find(pk)))


def versions_document(worktable):
    """Return the steps of a table with their versions, as JSON."""
    return [
        {
            "name": step.name,
            "step": step.step,
            "version": step.version_id,
            "pinned": step.pinned,
            "versions": [
                {
                    "id": version.pk,
                    "version": version.declared_version,
                    "code": version.code_fingerprint,
                    "first_seen": version.first_seen,
                    "installed": here,
                }
                for version, here in known_versions(step.step)
            ],
        }
        for step in worktable.steps.filter(kind=TableStep.Kind.STEP)
    ]


class PinView(WorktableView):
    """To which version a step is pinned."""

    @extend_schema(
        operation_id="versions_pin", request=PinSerializer, responses=StepInUseSerializer(many=True)
    )
    def put(self, request, pk, name):
        """Pin a step to a version, or let it follow its code; rows that may change become stale."""
        worktable = self.find(pk, to="run")
        wanted = read(PinSerializer, request.data)["version"]
        if wanted is None:
            unpin_step(worktable, name, by=request.user)
        else:
            pin_step(worktable, name, get_object_or_404(StepVersion, pk=wanted), by=request.user)
        return Response(versions_document(worktable))


class BesideView(WorktableView):
    """A table beside this one."""

    @extend_schema(operation_id="versions_try", request=BesideSerializer, responses={201: CopiedSerializer})
    def post(self, request, pk):
        """Copy rows, inputs and links into a new table whose steps are pinned to other versions."""
        worktable = self.find(pk, to="run")
        asked = read(BesideSerializer, request.data)
        versions = {step: get_object_or_404(StepVersion, pk=one) for step, one in asked["versions"].items()}
        copy = copy_table(worktable, asked["name"], versions=versions, by=request.user)
        return Response({"id": copy.pk, "name": copy.name}, status.HTTP_201_CREATED)


class CompareView(WorktableView):
    """Two tables compared."""

    @extend_schema(operation_id="worktables_compare", responses=ComparisonSerializer)
    def get(self, request, pk, other):
        """Compare rows of one id, column by column."""
        found = compare_tables(self.find(pk), self.find(other))
        document = {
            **{
                key: getattr(found, key)
                for key in ("n_rows", "n_only_one", "n_only_other", "n_differ", "missing")
            },
            "columns": [
                {
                    **vars(column),
                    "largest": as_json("float", column.largest),
                    "median": as_json("float", column.median),
                }
                for column in found.columns
            ],
            "rows": [
                {
                    "row": row_id,
                    "columns": {
                        column.name: [as_json(column.kind, mine), as_json(column.kind, its)]
                        for column, mine, its in values
                    },
                }
                for row_id, values in found.rows
            ],
        }
        return Response(document)
