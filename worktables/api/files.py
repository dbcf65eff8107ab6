"""Tables from files and as files, and the files of cells."""

from functools import partial

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from archive.models import Product
from archive.storage import open_blob, size_of
from projects.api import ProjectView
from worktables.api.finding import AlwaysJSON, WorktableView, read
from worktables.api.rows import FILTERS, PAGING
from worktables.api.tables import table_document
from worktables.exporting import export
from worktables.formats import FORMATS
from worktables.importing import import_file
from worktables.models import Kind
from worktables.remaking import told_to
from worktables.serializers import WorktableDetailSerializer
from worktables.storage import layout_of
from worktables.streaming import file_pieces, stream

YES = ("1", "true", "yes")


class DownloadView(WorktableView):
    """A table as a file."""

    @extend_schema(
        operation_id="worktables_download",
        parameters=[
            OpenApiParameter("format", str, enum=list(FORMATS), description="votable unless said"),
            OpenApiParameter("hidden", bool, description="with row ids, states, and who made the rows when"),
            PAGING[0],
            *FILTERS,
        ],
        responses={
            (200, entry.media_type.partition(";")[0]): OpenApiTypes.BINARY for entry in FORMATS.values()
        },
    )
    def get(self, request, pk):
        """Send the rows that the filters leave, as they are at one moment."""
        worktable = self.find(pk)
        wanted = request.query_params.dict()
        format, hidden = wanted.pop("format", "") or "votable", wanted.pop("hidden", "").lower() in YES
        sort = wanted.pop("_sort", "")
        download = export(worktable, format, wanted, sort, by=request.user, hidden=hidden)
        return stream(request, download.pieces, media_type=download.media_type, filename=download.filename)


class CellFileView(WorktableView):
    """The file of a cell."""

    @extend_schema(
        operation_id="cells_file", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request, pk, row_id, column):
        """Send it under the name it has in the project."""
        worktable = self.find(pk)
        layout = layout_of(worktable)
        found, row = layout.by_name.get(column), layout.rows.filter(id=row_id).first()
        if found is None or row is None or found.kind not in (Kind.PRODUCT, Kind.CATALOGUE):
            raise Http404
        product = get_object_or_404(Product, project=worktable.project_id, sha256=layout.value(found, row))
        with told_to(request.user, product.project_id):
            size = size_of(product.sha256)  # which says so if the file is lost
        response = stream(
            request,
            file_pieces(partial(open_blob, product.sha256)),
            media_type=product.media_type or "application/octet-stream",
            filename=product.name,
            size=size,
        )
        response["ETag"] = f'"{product.sha256}"'
        return response


class ImportSerializer(serializers.Serializer):
    """A table file, and what the worktable shall be called."""

    file = serializers.FileField(allow_empty_file=True, max_length=1000)
    name = serializers.CharField()


class ImportView(ProjectView):
    """Tables from files."""

    content_negotiation_class = AlwaysJSON
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="worktables_import",
        request={"multipart/form-data": ImportSerializer},
        responses={201: WorktableDetailSerializer},
    )
    def post(self, request, slug):
        """Make a worktable of a CSV, ECSV, VOTable, FITS or Parquet file: all of it, or nothing."""
        project = self.find(slug, to="run")
        sent = read(ImportSerializer, request.data)
        worktable = import_file(sent["file"], project, sent["name"], request.user)
        return Response(table_document(request.user, worktable), status.HTTP_201_CREATED)
