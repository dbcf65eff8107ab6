"""Rows and cells."""

from urllib.parse import urlencode

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from projects.parsing import JSONParser
from worktables.api.finding import WorktableView, read
from worktables.columns import find
from worktables.editing import edit_cell
from worktables.errors import NoSuchColumn, NoSuchRow, NotEditable, TooLarge, UnfitFilter, UnfitValue
from worktables.exporting import field_of
from worktables.formats.paste import parse_pasted
from worktables.rows import (
    add_rows,
    delete_rows,
    duplicate_rows,
    restore_rows,
    rows_in_trash,
)
from worktables.serializers import (
    AddedRowsSerializer,
    CellEditSerializer,
    CountSerializer,
    DeletedRowSerializer,
    PageSerializer,
    RowIdsSerializer,
    RowSerializer,
    cells_document,
    row_documents,
)
from worktables.storage import layout_of
from worktables.storage.values import Unfit, from_json
from worktables.typed import typed_value
from worktables.viewing import page_of

LARGEST_PAGE = 1000
LARGEST_PASTE = 20 << 20
IN_TRASH = 1000
PLACES = ("_sort", "_after", "_before", "_size")
PAGING = [
    OpenApiParameter("_sort", str, description="a column, with - for descending; empty cells come last"),
    OpenApiParameter("_size", int, description=f"rows of a page, 1 to {LARGEST_PAGE}; 100 unless said"),
    OpenApiParameter("_after", str, description="from the `next` of a page"),
    OpenApiParameter("_before", str, description="from the `previous` of a page"),
]
FILTERS = [
    OpenApiParameter("_state", str, description="one or more states, with commas between"),
    OpenApiParameter("_flag", str, description="yes, no, or words of the reason or its author"),
    OpenApiParameter("_comment", str, description="yes, no, or words of the comment or its author"),
    OpenApiParameter("_parent", int, description="the row they were expanded from"),
    OpenApiParameter("_id", str, description="row ids, with commas between"),
    OpenApiParameter(
        "column",
        str,
        description="any column by its name: 5, >5, 3..7, text*, =text, !=x, null, !null, or for a position "
        "“187.7 12.39 r=60” (radius in arcsec)",
    ),
]


class RowsView(WorktableView):
    """The rows of a table."""

    @extend_schema(operation_id="rows_list", parameters=[*PAGING, *FILTERS], responses=PageSerializer)
    def get(self, request, pk):
        """List a page of them, filtered and sorted."""
        worktable = self.find(pk)
        asked = request.query_params.dict()
        size = asked.get("_size", "100")
        if not (size.isascii() and size.isdigit() and 1 <= int(size[:9]) <= LARGEST_PAGE):
            raise UnfitFilter("_size", size, f"is how many rows a page has, 1 to {LARGEST_PAGE}")
        page = page_of(
            worktable,
            {name: text for name, text in asked.items() if name not in PLACES},
            sort=asked.get("_sort", ""),
            after=asked.get("_after") or None,
            before=asked.get("_before") or None,
            size=int(size),
            viewer=request.user,
        )
        return Response(
            {
                "count": page.count,
                "next": self.place(asked, "_after", page.after),
                "previous": self.place(asked, "_before", page.before),
                "results": row_documents(worktable, page.rows),
            }
        )

    def place(self, asked, key, place):
        """Return the address of the page beyond a place; None where there is none."""
        if place is None:
            return None
        kept = {name: text for name, text in asked.items() if name not in ("_after", "_before")}
        return self.request.build_absolute_uri(f"{self.request.path}?{urlencode({**kept, key: place})}")

    @extend_schema(
        operation_id="rows_create",
        request=OpenApiTypes.OBJECT,
        description="One row {column: value}, or a list of them. One is answered with the row, a list with ids.",
        responses={201: RowSerializer},
    )
    def post(self, request, pk):
        """Add one row or many; what depends on them is queued."""
        worktable = self.find(pk, to="run")
        several = isinstance(request.data, list)
        sent = request.data if several else [request.data]
        rows = [cells_sent(layout_of(worktable), row, line) for line, row in enumerate(sent, 1)]
        ids = list(add_rows(worktable, rows, by=request.user))
        document = added(ids) if several else self.row_document(worktable, ids[0])
        return Response(document, status.HTTP_201_CREATED)


def cells_sent(layout, row, line):
    """Return a row that was sent as {column name: value}; cells may be wrapped as rows show them."""
    if isinstance(row, dict) and set(row) == {"cells"} and isinstance(row["cells"], dict):
        row = row["cells"]
    if not isinstance(row, dict):
        raise ParseError(f"row {line} is not an object of column names and values")
    cells = {}
    for name, value in row.items():
        column = layout.by_name.get(name)
        if column is None:
            raise NoSuchColumn(name, layout.by_name)
        try:
            cells[name] = from_json(column.kind, value)
        except Unfit as problem:
            raise UnfitValue(name, value, str(problem), line=line) from None
    return cells


def added(ids):
    """Return the ids of new rows as JSON."""
    return {"n": len(ids), "rows": list(ids)}


class TextParser(BaseParser):
    """Takes a body of text as it is."""

    media_type = "text/*"

    def parse(self, stream, media_type=None, parser_context=None):
        """Return the text, or say that it is too long or none."""
        data = stream.read(LARGEST_PASTE + 1)
        if len(data) > LARGEST_PASTE:
            raise TooLarge("pasted text", len(data), LARGEST_PASTE)
        try:
            return {"text": data.decode("utf-8-sig")}
        except UnicodeDecodeError:
            raise ParseError("the text is not UTF-8; save it again as UTF-8") from None


class PasteSerializer(serializers.Serializer):
    """Rows as text."""

    text = serializers.CharField(
        trim_whitespace=False, help_text="CSV or tab-separated, perhaps with a header"
    )


class PasteView(WorktableView):
    """Rows as text."""

    parser_classes = [TextParser, JSONParser]

    @extend_schema(
        operation_id="rows_paste",
        request={"text/csv": OpenApiTypes.STR, "application/json": PasteSerializer},
        responses={201: AddedRowsSerializer},
    )
    def post(self, request, pk):
        """Add the rows of a CSV text: all of them, or none and what does not fit."""
        worktable = self.find(pk, to="run")
        text = read(PasteSerializer, request.data)["text"]
        fields = [field_of(column) for column in layout_of(worktable).columns if column.editable_by_people]
        names = [field.name for field in fields]
        rows = [dict(zip(names, row, strict=True)) for row in parse_pasted(text, fields)]
        return Response(added(add_rows(worktable, rows, by=request.user)), status.HTTP_201_CREATED)


class RowTrashView(WorktableView):
    """The rows in the trash of a table."""

    @extend_schema(operation_id="rows_in_trash_list", responses=DeletedRowSerializer(many=True))
    def get(self, request, pk):
        """List them, the last deleted first."""
        worktable = self.find(pk, to="run")
        layout = layout_of(worktable)
        return Response(
            [
                {"id": row.id, "deleted_at": row.deleted_at, "cells": cells_document(layout, row)}
                for row in rows_in_trash(worktable)[:IN_TRASH]
            ]
        )


class RowView(WorktableView):
    """One row."""

    @extend_schema(operation_id="rows_retrieve", responses=RowSerializer)
    def get(self, request, pk, row_id):
        """Show it with its cells and its steps."""
        return Response(self.row_document(self.find(pk), row_id))

    @extend_schema(operation_id="rows_delete", request=None, responses={204: None})
    def delete(self, request, pk, row_id):
        """Put it in the trash of the table."""
        worktable = self.find(pk, to="run")
        if not delete_rows(worktable, [row_id], by=request.user):
            raise NoSuchRow(row_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class DeleteRowsView(WorktableView):
    """Rows to be deleted."""

    @extend_schema(operation_id="rows_delete_many", request=RowIdsSerializer, responses=CountSerializer)
    def post(self, request, pk):
        """Put them in the trash of the table."""
        worktable = self.find(pk, to="run")
        rows = read(RowIdsSerializer, request.data)["rows"]
        return Response({"n": delete_rows(worktable, rows, by=request.user)})


class RestoreRowsView(WorktableView):
    """Rows in the trash of a table."""

    @extend_schema(operation_id="rows_restore", request=RowIdsSerializer, responses=CountSerializer)
    def post(self, request, pk):
        """Bring them back."""
        worktable = self.find(pk, to="run")
        rows = read(RowIdsSerializer, request.data)["rows"]
        return Response({"n": restore_rows(worktable, rows, by=request.user)})


class DuplicateRowsView(WorktableView):
    """Rows to be copied."""

    @extend_schema(
        operation_id="rows_duplicate", request=RowIdsSerializer, responses={201: AddedRowsSerializer}
    )
    def post(self, request, pk):
        """Add copies of what was typed; what is computed from it is found in the memo."""
        worktable = self.find(pk, to="run")
        rows = read(RowIdsSerializer, request.data)["rows"]
        return Response(added(duplicate_rows(worktable, rows, by=request.user)), status.HTTP_201_CREATED)


class CellView(WorktableView):
    """One cell."""

    @extend_schema(operation_id="cells_update", request=CellEditSerializer, responses=RowSerializer)
    def patch(self, request, pk, row_id, column):
        """Give it a new value, if it still says what was seen; answers 409 with both values if not."""
        worktable = self.find(pk, to="run")
        column = find(worktable, column)
        if not column.editable_by_people:
            raise NotEditable(column.name, column.get_role_display().split(":")[0])
        edit = read(CellEditSerializer, request.data)
        value = typed_value(column, edit["text"]) if "text" in edit else sent(column, edit["value"])
        edit_cell(worktable, row_id, column, value, seen=sent(column, edit["seen"]), editor=request.user)
        return Response(self.row_document(worktable, row_id))


def sent(column, value):
    """Return a value as JSON says it."""
    try:
        return from_json(column.kind, value)
    except Unfit as problem:
        raise UnfitValue(column.name, value, str(problem)) from None
