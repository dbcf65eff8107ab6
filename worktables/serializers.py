"""Worktables, their rows and what is said about them, as programs see them."""

import dataclasses
import math

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from worktables.columns import ELEMENTS, NewColumn
from worktables.linking.wording import words_of, words_of_forecast
from worktables.models import Annotation, Change, Column, Kind, Link, Role, State, Worktable
from worktables.storage import layout_of
from worktables.storage.values import as_json


@extend_schema_field(OpenApiTypes.ANY)
class ValueField(serializers.JSONField):
    """A cell's value: null, true, a number, a text, [ra, dec] or a list; big integers and ±inf are strings."""


class FiniteField(serializers.FloatField):
    """A number that JSON can say."""

    def to_internal_value(self, data):
        """Refuse NaN and infinities, which a limit cannot be."""
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class WordField(serializers.ChoiceField):
    """One of some words; the verb behind it refuses any other, and says which there are."""

    def to_internal_value(self, data):
        """Take any text that an answer could repeat."""
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        ProhibitSurrogateCharactersValidator()(data)
        return data


# ------------------------------------------------------------------ tables and columns


class WorktableSerializer(serializers.ModelSerializer):
    """A worktable in a list."""

    project = serializers.SerializerMethodField(help_text="null if only the table is shared with you")
    pipeline = serializers.CharField(source="pipeline.name", read_only=True, default=None)
    states = serializers.SerializerMethodField(help_text="state → number of rows")

    class Meta:
        model = Worktable
        fields = ["id", "name", "title", "project", "pipeline", "update", "n_rows", "states"]
        read_only_fields = fields

    def get_project(self, worktable) -> str | None:
        """Name the project only to who may see it."""
        shown = worktable.project_id in self.context.get("projects", ())
        return worktable.project.slug if shown else None

    def get_states(self, worktable) -> dict[str, int]:
        """Answer from what the view asked once for all tables."""
        return self.context.get("states", {}).get(worktable.pk, {})


class ColumnSerializer(serializers.ModelSerializer):
    """A column."""

    class Meta:
        model = Column
        fields = [
            "name", "kind", "role", "unit", "ucd", "description", "shape", "element", "time_scale", "minimum",
            "maximum", "schema",
        ]  # fmt: skip
        read_only_fields = fields


class NewColumnSerializer(serializers.Serializer):
    """A column that does not exist yet."""

    name = serializers.CharField()
    kind = WordField(Kind.choices, default="text")
    role = WordField(Role.choices, default="input")
    unit = serializers.CharField(default="", allow_blank=True, max_length=63, help_text="as in VOUnits")
    ucd = serializers.CharField(default="", allow_blank=True, max_length=120)
    description = serializers.CharField(default="", allow_blank=True)
    shape = serializers.CharField(default="", allow_blank=True, help_text="of an array: “3”, or “*”")
    element = WordField(ELEMENTS, default="", allow_blank=True)
    time_scale = serializers.CharField(default="", allow_blank=True, max_length=8)
    minimum = FiniteField(default=None, allow_null=True)
    maximum = FiniteField(default=None, allow_null=True)

    def declared(self):
        """Return the validated column as the verbs take it."""
        return NewColumn(**self.validated_data)


class ColumnPatchSerializer(serializers.Serializer):
    """What may be changed about a column."""

    name = serializers.CharField(required=False)
    unit = serializers.CharField(required=False, allow_blank=True, max_length=63)
    ucd = serializers.CharField(required=False, allow_blank=True, max_length=120)
    description = serializers.CharField(required=False, allow_blank=True)
    minimum = FiniteField(required=False, allow_null=True)
    maximum = FiniteField(required=False, allow_null=True)


class TableStepSerializer(serializers.Serializer):
    """A step of a table."""

    name = serializers.CharField()
    kind = serializers.CharField()
    step = serializers.CharField()


class PlanSerializer(serializers.Serializer):
    """What an update would run, and why."""

    sentence = serializers.CharField()
    n_rows = serializers.IntegerField()
    n_rows_to_do = serializers.IntegerField()
    n_rows_on_hold = serializers.IntegerField(help_text="which would need work; they wait for their release")
    units_per_step = serializers.DictField(child=serializers.IntegerField())
    reasons = serializers.DictField(child=serializers.IntegerField())
    states = serializers.DictField(child=serializers.IntegerField())
    seconds = serializers.FloatField(
        allow_null=True, help_text="as it took lately, with the workers there are"
    )
    estimate = serializers.CharField(help_text="the same in words, or why nobody knows")
    n_workers = serializers.IntegerField()
    deeper = serializers.BooleanField(help_text="whether it was not asked how things stand farther up")


def plan_document(plan):
    """Return a plan as JSON; its reasons are the commonest fifty."""
    return {
        "sentence": plan.sentence(),
        "n_rows": plan.n_rows,
        "n_rows_to_do": plan.n_rows_to_do,
        "n_rows_on_hold": plan.n_rows_on_hold,
        "units_per_step": plan.units_per_step,
        "reasons": dict(list(plan.reasons.items())[:50]),
        "states": plan.states,
        "seconds": plan.seconds,
        "estimate": plan.estimate(),
        "n_workers": plan.n_workers,
        "deeper": plan.deeper,
    }


class LinkSerializer(serializers.Serializer):
    """A declared join; its options name columns."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = WordField(Link.Kind.choices)
    source = serializers.IntegerField(help_text="id of the worktable change comes from")
    target = serializers.IntegerField(help_text="id of the worktable it goes to")
    options = serializers.DictField()


def link_documents(links):
    """Return links as JSON, their columns by name, with one query."""
    links = list(links)
    tables = {pk for link in links for pk in (link.source_id, link.target_id)}
    names = dict(Column.objects.filter(worktable__in=tables).values_list("pk", "name"))
    return [
        {
            "id": link.pk,
            "name": link.name,
            "kind": link.kind,
            "source": link.source_id,
            "target": link.target_id,
            "options": words_of(link.options, names),
        }
        for link in links
    ]


class LinkSettingsSerializer(serializers.Serializer):
    """What a link says; which settings it takes depends on its kind, and null is none."""

    item = serializers.CharField(
        required=False, allow_null=True, help_text="expand: the source's column of kind catalogue"
    )
    fields = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="expand: field of the items → lookup column",
    )
    carry = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="each, expand: column of the source → lookup column",
    )
    key = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="expand: columns that identify an item, or else",
    )
    sky = serializers.CharField(
        required=False, allow_null=True, help_text="expand: the position by which an item is found again"
    )
    within = serializers.CharField(
        required=False, allow_null=True, help_text="expand: column of the beam, in arcsec"
    )
    radius = FiniteField(required=False, allow_null=True, help_text="expand, nearest: in arcsec")
    of = serializers.CharField(required=False, allow_null=True, help_text="nearest: the source's position")
    position = serializers.CharField(
        required=False, allow_null=True, help_text="nearest: this table's position"
    )
    separation = serializers.CharField(
        required=False, allow_null=True, help_text="nearest: lookup column for the distance"
    )
    date = serializers.CharField(
        required=False, allow_null=True, help_text="latest-valid-at: this table's time"
    )
    valid_from = serializers.CharField(
        required=False, allow_null=True, help_text="latest-valid-at: the source's time"
    )
    valid_to = serializers.CharField(
        required=False, allow_null=True, help_text="latest-valid-at: the source's time; empty is open"
    )
    scope = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="latest-valid-at: a number of the source, the lower the narrower",
    )
    lookup = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="nearest, latest-valid-at: column of the source → lookup column",
    )
    match = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="collect, latest-valid-at: columns that must be equal",
    )
    policy = WordField(
        ["block", "skip"], required=False, allow_null=True, help_text="collect: what to do when a row failed"
    )


class NewLinkSerializer(LinkSettingsSerializer):
    """A link into this table."""

    kind = WordField(Link.Kind.choices)
    name = serializers.CharField()
    source = serializers.IntegerField(help_text="id of the worktable whose rows are linked to")


class RowsForecastSerializer(serializers.Serializer):
    """How many rows of a table would change, and how."""

    table = serializers.IntegerField()
    name = serializers.CharField()
    stale = serializers.IntegerField(help_text="rows with something to be computed anew")
    appear = serializers.IntegerField(help_text="rows that would appear, or come back")
    retire = serializers.IntegerField(help_text="rows that would go; they keep ids, cells, runs and comments")
    cells = serializers.IntegerField(help_text="cells that would be emptied")


class ForecastSerializer(serializers.Serializer):
    """What would change, of what one may see."""

    sentences = serializers.ListField(child=serializers.CharField())
    tables = RowsForecastSerializer(many=True)
    lists = serializers.IntegerField(
        help_text="rows whose list would be read; which items appear, keep their rows or retire is known only then"
    )
    elsewhere = serializers.BooleanField(help_text="whether rows of tables you may not see would change, too")


def forecast_document(told, sight):
    """Return a forecast as JSON, as far as somebody may know it."""
    seen = told.seen_by(sight)
    return {
        "sentences": words_of_forecast(seen),
        "tables": [dataclasses.asdict(rows) for rows in seen.tables],
        "lists": seen.lists,
        "elsewhere": seen.elsewhere,
    }


class WorktableDetailSerializer(WorktableSerializer):
    """A worktable with all that is declared about it."""

    role = serializers.CharField(allow_null=True)
    columns = ColumnSerializer(many=True)
    steps = TableStepSerializer(many=True)
    links = LinkSerializer(many=True)
    plan = serializers.CharField(help_text="what an update would do, in a sentence")

    class Meta(WorktableSerializer.Meta):
        fields = [
            *WorktableSerializer.Meta.fields, "description", "parameters", "created_at", "role", "columns", "steps",
            "links", "plan",
        ]  # fmt: skip
        read_only_fields = fields


class NewWorktableSerializer(serializers.Serializer):
    """What a worktable is made of."""

    project = serializers.CharField(help_text="slug of its project")
    name = serializers.CharField(help_text="unique in the project; lower-case letters, digits, underscores")
    title = serializers.CharField(default="", allow_blank=True, max_length=200)
    description = serializers.CharField(default="", allow_blank=True)
    pipeline = serializers.CharField(
        default=None, allow_null=True, help_text="name of a pipeline; its newest version is taken"
    )
    pipeline_version = serializers.IntegerField(default=None, allow_null=True, min_value=1)
    update = WordField(Worktable.Update.choices, default="auto")
    columns = NewColumnSerializer(many=True, default=list, help_text="beside those of the pipeline")


class WorktablePatchSerializer(serializers.Serializer):
    """What may be changed about a worktable."""

    name = serializers.CharField(required=False)
    title = serializers.CharField(required=False, allow_blank=True, max_length=200)
    description = serializers.CharField(required=False, allow_blank=True)
    update = WordField(Worktable.Update.choices, required=False)


# ------------------------------------------------------------------ rows and cells


class UnitSerializer(serializers.Serializer):
    """One step of one row."""

    state = serializers.CharField()
    reason = serializers.CharField()
    since = serializers.DateTimeField(
        allow_null=True, help_text="when it came to be so: when something changed, or when it was computed"
    )
    run = serializers.IntegerField(allow_null=True, help_text="the run that made the present result")
    reused = serializers.BooleanField(help_text="the result was remembered, not made anew")
    unchanged = serializers.BooleanField(
        help_text="the last change in its row did not reach it: what it had made is used as it is"
    )


class RowSerializer(serializers.Serializer):
    """A row with its cells."""

    id = serializers.IntegerField()
    parent = serializers.IntegerField(allow_null=True, help_text="the row it was expanded from")
    state = serializers.CharField()
    reason = serializers.CharField(help_text="why it is not fresh")
    since = serializers.DateTimeField(allow_null=True, help_text="since when, of what it says as its reason")
    n_flags = serializers.IntegerField()
    n_comments = serializers.IntegerField()
    cells = serializers.DictField(child=ValueField(allow_null=True), help_text="column → value")
    steps = serializers.DictField(child=UnitSerializer())


class PageSerializer(serializers.Serializer):
    """Some rows, and where those before and after them are."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RowSerializer(many=True)


class AddedRowsSerializer(serializers.Serializer):
    """The ids of new rows."""

    n = serializers.IntegerField()
    rows = serializers.ListField(child=serializers.IntegerField())


class CellEditSerializer(serializers.Serializer):
    """A new value, and the one its editor was looking at."""

    value = ValueField(required=False, allow_null=True, help_text="as rows show it")
    text = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="as people type it; or else"
    )
    seen = ValueField(allow_null=True, help_text="as rows showed it")

    def validate(self, data):
        """Take one of the two ways of saying a value."""
        if ("value" in data) == ("text" in data):
            raise serializers.ValidationError("say the new value either as “value” or as “text”")
        return data


class RowIdsSerializer(serializers.Serializer):
    """Some rows."""

    rows = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), allow_empty=False, max_length=10_000
    )


class RerunSerializer(RowIdsSerializer):
    """Some rows, and perhaps one step of them."""

    step = serializers.CharField(required=False, default=None, allow_null=True)


class KeepSerializer(RowIdsSerializer):
    """Some rows, and a step of them."""

    step = serializers.CharField()


class StepOfTableSerializer(serializers.Serializer):
    """A step of a table."""

    worktable = serializers.IntegerField()
    step = serializers.CharField()


class WishSerializer(serializers.Serializer):
    """Some cells to be made."""

    rows = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=10_000,
        help_text="all, if left out",
    )
    step = serializers.CharField(required=False, help_text="all steps, if left out")
    below = serializers.BooleanField(default=False, help_text="also whatever is made from them")
    depth = serializers.IntegerField(
        required=False, min_value=0, max_value=1000, help_text="plan: how many steps up to look"
    )
    keep = StepOfTableSerializer(
        many=True, required=False, help_text="make: steps whose present results are used though stale"
    )


class CancelSerializer(serializers.Serializer):
    """Some rows; left out, or null, is the whole table."""

    rows = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        allow_empty=False,
        max_length=10_000,
        required=False,
        default=None,
        allow_null=True,
    )


class CountSerializer(serializers.Serializer):
    """How many."""

    n = serializers.IntegerField()


class DeletedRowSerializer(serializers.Serializer):
    """A row in the trash of its table."""

    id = serializers.IntegerField()
    deleted_at = serializers.DateTimeField()
    cells = serializers.DictField(child=ValueField(allow_null=True))


def row_documents(worktable, views):
    """Return rows (as `viewing` made them) as JSON."""
    columns = layout_of(worktable).columns
    return [
        {
            "id": view.id,
            "parent": view.parent_id,
            "state": view.state,
            "reason": view.reason,
            "since": view.since,
            "n_flags": view.n_flags,
            "n_comments": view.n_comments,
            "cells": {
                column.name: as_json(column.kind, value)
                for column, value in zip(columns, view.cells, strict=True)
            },
            "steps": {
                name: {
                    "state": State(unit.state).label,
                    "reason": unit.reason,
                    "since": unit.since,
                    "run": unit.run_id,
                    "reused": unit.reused,
                    "unchanged": unit.unchanged,
                }
                for name, unit in view.steps.items()
            },
        }
        for view in views
    ]


def cells_document(layout, row):
    """Return the cells of a stored row as JSON."""
    return {column.name: as_json(column.kind, layout.value(column, row)) for column in layout.columns}


# ------------------------------------------------------------------ history and annotations


class ChangeSerializer(serializers.ModelSerializer):
    """An entry of the history."""

    row = serializers.IntegerField(source="row_id", read_only=True)
    column = serializers.CharField(source="column.name", read_only=True, default=None)
    by = serializers.CharField(source="by.username", read_only=True, default=None)
    undoes = serializers.IntegerField(source="undoes_id", read_only=True)
    undone_by = serializers.SerializerMethodField()

    class Meta:
        model = Change
        fields = ["id", "action", "row", "column", "subject", "old", "new", "by", "at", "undoes", "undone_by"]
        read_only_fields = fields

    def to_representation(self, change):
        """Of a link tell its kind only: of its other table not everybody may know."""
        told = super().to_representation(change)
        if change.action == Change.Action.LINK:
            for side in ("old", "new"):
                told[side] = told[side] and {"kind": told[side]["kind"]}
        return told

    def get_undone_by(self, change) -> int | None:
        """Name the entry that took this one back."""
        return getattr(getattr(change, "undone_by", None), "pk", None)


class AnnotationSerializer(serializers.ModelSerializer):
    """A flag, a comment or a verdict."""

    row = serializers.IntegerField(source="row_id", read_only=True)
    run = serializers.IntegerField(source="run_id", read_only=True)
    author = serializers.CharField(source="author.username", read_only=True, default=None)
    withdrawn_by = serializers.CharField(source="withdrawn_by.username", read_only=True, default=None)

    class Meta:
        model = Annotation
        fields = [
            "id",
            "row",
            "kind",
            "verdict",
            "text",
            "run",
            "author",
            "at",
            "withdrawn_at",
            "withdrawn_by",
        ]
        read_only_fields = fields


class NewAnnotationSerializer(RowIdsSerializer):
    """What is said, and about which rows."""

    kind = serializers.ChoiceField(Annotation.Kind.choices)
    verdict = WordField(
        Annotation.Verdict.choices, required=False, default="", help_text="of a verdict: good or bad"
    )
    text = serializers.CharField(allow_blank=True, trim_whitespace=False)
    run = serializers.IntegerField(required=False, default=None, allow_null=True, help_text="a comment's run")
