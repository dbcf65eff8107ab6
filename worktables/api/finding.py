"""What every address of a table needs first: the table, if one may see it and do this to it."""

from django.shortcuts import get_object_or_404
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.views import APIView

from projects.permissions import demand
from worktables.errors import NoSuchRow
from worktables.models import Worktable
from worktables.serializers import row_documents
from worktables.viewing import view_row


class AlwaysJSON(BaseContentNegotiation):
    """Answers JSON whatever was asked for: `?format=` belongs to downloads, and may be the name of a column."""

    def select_parser(self, request, parsers):
        """Choose by what was sent."""
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(self, request, renderers, format_suffix=None):
        """Choose the first."""
        return renderers[0], renderers[0].media_type


class WorktableView(APIView):
    """Something about one worktable."""

    content_negotiation_class = AlwaysJSON

    def find(self, pk, to=None):
        """Return the table; 404 if it is not to be seen, 403 if the asker may not do this `to` it."""
        visible = Worktable.objects.visible_to(self.request.user).select_related("project", "pipeline")
        worktable = get_object_or_404(visible, pk=pk)
        if to:
            demand(self.request.user, to, worktable)
        return worktable

    def row_document(self, worktable, row_id):
        """Return a row as JSON, or raise `NoSuchRow`."""
        view = view_row(worktable, row_id, self.request.user)
        if view is None:
            raise NoSuchRow(row_id)
        return row_documents(worktable, [view])[0]


def read(serializer_class, data):
    """Return what was sent if it fits, or answer what does not."""
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
