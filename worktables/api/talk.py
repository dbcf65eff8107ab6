"""What people said about rows, and what they changed."""

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response

from pipelines.models import Run
from worktables.annotating import comment_on, flag_rows, judge_rows, withdraw
from worktables.api.finding import WorktableView, read
from worktables.editing import undo
from worktables.errors import UnfitFilter
from worktables.models import Annotation
from worktables.serializers import AnnotationSerializer, ChangeSerializer, NewAnnotationSerializer

ROW = OpenApiParameter("row", int, description="only about this row")


class PagedView(WorktableView):
    """A list about one worktable, page by page."""

    def page(self, found, serializer_class):
        """Answer with a page of what was found."""
        pages = PageNumberPagination()
        page = pages.paginate_queryset(found, self.request, view=self)
        return pages.get_paginated_response(serializer_class(page, many=True).data)

    def of_row(self, found):
        """Keep what is about the row that was asked for."""
        row = self.request.query_params.get("row", "")
        if row and not (row.isascii() and row.isdigit() and len(row) < 19):
            raise UnfitFilter("row", row, "is the id of a row")
        return found.filter(row_id=int(row)) if row else found


class AnnotationsView(PagedView):
    """The flags, comments and verdicts of a table."""

    @extend_schema(
        operation_id="annotations_list",
        parameters=[ROW, OpenApiParameter("kind", str, enum=Annotation.Kind.values),
                    OpenApiParameter("page", int)],
        responses=AnnotationSerializer(many=True),
    )  # fmt: skip
    def get(self, request, pk):
        """List them, the latest first, the withdrawn ones too."""
        said = self.find(pk).annotations.select_related("author", "withdrawn_by").order_by("-id")
        if kind := request.query_params.get("kind"):
            said = said.filter(kind=kind)
        return self.page(self.of_row(said), AnnotationSerializer)

    @extend_schema(
        operation_id="annotations_create",
        request=NewAnnotationSerializer,
        responses={201: AnnotationSerializer(many=True)},
    )
    def post(self, request, pk):
        """Flag rows with a reason, comment on them, or judge them good or bad."""
        worktable = self.find(pk, to="annotate")
        new = read(NewAnnotationSerializer, request.data)
        rows, text, run = new["rows"], new["text"], new["run"]
        if new["kind"] != Annotation.Kind.COMMENT and run is not None:
            raise ValidationError({"run": [f"a {new['kind']} is about rows; comment on a run instead"]})
        if new["kind"] == Annotation.Kind.FLAG:
            said = flag_rows(worktable, rows, text, author=request.user)
        elif new["kind"] == Annotation.Kind.VERDICT:
            said = judge_rows(worktable, rows, new["verdict"], text, author=request.user)
        else:
            if (
                run is not None
                and not Run.objects.filter(pk=run, worktable_id=worktable.pk, row_id__in=rows).exists()
            ):
                raise ValidationError({"run": [f"there is no run {run} of these rows"]})
            with transaction.atomic():
                said = [comment_on(worktable, row, text, author=request.user, run_id=run) for row in rows]
        return Response(AnnotationSerializer(said, many=True).data, status.HTTP_201_CREATED)


class AnnotationView(WorktableView):
    """One flag, comment or verdict."""

    @extend_schema(operation_id="annotations_withdraw", request=None, responses=AnnotationSerializer)
    def delete(self, request, pk, annotation_id):
        """Withdraw it; it stays in the record, struck through."""
        worktable = self.find(pk, to="annotate")
        said = get_object_or_404(worktable.annotations.select_related("author"), pk=annotation_id)
        said.worktable = worktable
        return Response(AnnotationSerializer(withdraw(said, by=request.user)).data)


class HistoryView(PagedView):
    """The history of a table."""

    @extend_schema(
        operation_id="history_list",
        parameters=[ROW, OpenApiParameter("page", int)],
        responses=ChangeSerializer(many=True),
    )
    def get(self, request, pk):
        """List who changed what, the latest first."""
        changes = self.find(pk).history.select_related("by", "column", "undone_by").order_by("-id")
        return self.page(self.of_row(changes), ChangeSerializer)


class UndoView(WorktableView):
    """One change of a table."""

    @extend_schema(operation_id="history_undo", request=None, responses=ChangeSerializer)
    def post(self, request, pk, change_id):
        """Take it back, and answer with the change that did."""
        worktable = self.find(pk, to="run")
        change = get_object_or_404(worktable.history.select_related("column"), pk=change_id)
        change.worktable = worktable
        undo(change, by=request.user)
        latest = worktable.history.select_related("by", "column", "undone_by").order_by("-id").first()
        return Response(ChangeSerializer(latest).data)
