"""Lineage for programs: as nested JSON, or as W3C PROV-JSON."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from provenance.asking import DIRECTIONS, find_column, find_table, read_depth, read_direction
from provenance.formats.prov_json import as_prov_json
from provenance.lineage import DEEPEST, DEPTH, NODES, lineage_of
from provenance.nesting import as_json, nested
from worktables.storage import layout_of


class ProvJSONRenderer(JSONRenderer):
    """Chosen by `?format=prov-json`, or by accepting its media type."""

    format = "prov-json"
    media_type = "application/prov+json"


class RowLineageView(APIView):
    """What the cells of a row were made from, or what was made of them."""

    renderer_classes = [JSONRenderer, ProvJSONRenderer]

    @extend_schema(
        operation_id="row_lineage",
        description=f"The lineage of a row's cells as they are now; at most {NODES} values, the nearest first.",
        parameters=[
            OpenApiParameter(
                "column", str, description="One column; without it, all computed ones (back) or all."
            ),
            OpenApiParameter(
                "depth", int, description=f"How many runs away, 1 to {DEEPEST}; {DEPTH} unless said."
            ),
            OpenApiParameter("direction", str, enum=DIRECTIONS),
            OpenApiParameter("format", str, enum=["json", "prov-json"]),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request, worktable_id, row_id):
        """Answer with the lineage, as far as whoever asks may see."""
        depth = read_depth(request.query_params.get("depth", ""))
        direction = read_direction(request.query_params.get("direction", ""))
        worktable = find_table(request.user, worktable_id, row_id)
        name = request.query_params.get("column", "")
        columns = [find_column(worktable, name)] if name else layout_of(worktable).columns
        if not name and direction == "back":
            columns = [column for column in columns if not column.editable_by_people]
        lineage = lineage_of(worktable, row_id, columns, request.user, depth=depth, direction=direction)
        if request.accepted_renderer.format == "prov-json":
            return Response(as_prov_json(lineage, request.build_absolute_uri("/provenance/")))
        return Response(
            {
                "worktable": worktable.pk,
                "row": row_id,
                "direction": direction,
                "depth": depth,
                "complete": not lineage.folded,
                "cells": [as_json(branch) for branch in nested(lineage)],
            }
        )
