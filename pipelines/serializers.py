"""Pipelines, steps and runs, as programs see them."""

import dataclasses
import math

from rest_framework import serializers

from pipelines.models import Pipeline, Run


class PipelineSerializer(serializers.ModelSerializer):
    """A version of a graph of steps."""

    class Meta:
        model = Pipeline
        fields = ["name", "version", "title", "description", "graph", "created_at"]
        read_only_fields = fields


class StepSerializer(serializers.Serializer):
    """A registered step: its ports, its parameters, and which code it is."""

    name = serializers.CharField()
    title = serializers.CharField()
    version = serializers.CharField()
    code_fingerprint = serializers.CharField()
    resource = serializers.CharField()
    deterministic = serializers.BooleanField()
    inputs = serializers.ListField(child=serializers.DictField())
    outputs = serializers.ListField(child=serializers.DictField())
    parameters = serializers.ListField(child=serializers.DictField())


def step_document(step):
    """Return a step as JSON."""
    plain = {name: getattr(step, name) for name in StepSerializer().fields}
    return plain | {
        key: [_plain(dataclasses.asdict(one)) for one in plain[key]]
        for key in ("inputs", "outputs", "parameters")
    }


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class RunSerializer(serializers.ModelSerializer):
    """One execution, for ever."""

    project = serializers.SerializerMethodField(help_text="null if only the table is shared with you")
    worktable = serializers.IntegerField(source="worktable_id", read_only=True)
    row = serializers.IntegerField(source="row_id", read_only=True)
    step = serializers.CharField(source="step_name", read_only=True)
    code = serializers.CharField(source="step_version.code_fingerprint", read_only=True)
    version = serializers.CharField(source="step_version.declared_version", read_only=True)
    environment = serializers.CharField(source="environment_id", read_only=True)
    asked_by = serializers.CharField(source="asked_by.username", read_only=True, default=None)
    seconds = serializers.FloatField(read_only=True)

    class Meta:
        model = Run
        fields = [
            "id", "project", "worktable", "row", "step", "version", "code", "outcome", "accepted", "error",
            "worker", "host", "environment", "asked_by", "started_at", "finished_at", "seconds", "fingerprint",
            "content",
        ]  # fmt: skip
        read_only_fields = fields

    def get_project(self, run) -> str | None:
        """Name the project only to who may see it; what shows runs of a single table says whether."""
        sight = self.context.get("sight")
        return run.project.slug if sight is None or sight.everything else None


class RunDetailSerializer(RunSerializer):
    """The same with what went in, what came out, and the log."""

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "inputs", "parameters", "outputs", "log"]
        read_only_fields = fields
