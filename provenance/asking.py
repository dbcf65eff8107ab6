"""What may be asked about lineage: depth and direction, and which cell, as they come with a request."""

from django.shortcuts import get_object_or_404

from provenance.errors import UnfitQuestion
from provenance.lineage import DEEPEST, DEPTH
from worktables.errors import NoSuchColumn, NoSuchRow
from worktables.models import Worktable
from worktables.storage import layout_of

DIRECTIONS = ("back", "forth")


def find_table(user, pk, row_id):
    """Return a worktable the user may see, if it has that row (or had it: it may lie in the trash)."""
    worktable = get_object_or_404(Worktable.objects.visible_to(user).select_related("project"), pk=pk)
    if not layout_of(worktable).model.objects.filter(id=row_id).exists():
        raise NoSuchRow(row_id)
    return worktable


def find_column(worktable, name):
    """Return the column of that name."""
    columns = layout_of(worktable).by_name
    if name not in columns:
        raise NoSuchColumn(name, columns)
    return columns[name]


def read_depth(text):
    """Return how many runs back or forth to go."""
    if not text:
        return DEPTH
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= DEEPEST:
        raise UnfitQuestion("depth", text[:40], f"give a number of runs from 1 to {DEEPEST}")
    return int(text)


def read_direction(text):
    """Return "back" or "forth"."""
    if text and text not in DIRECTIONS:
        raise UnfitQuestion(
            "direction", text[:40], "ask for “back” (made from what) or “forth” (what was made)"
        )
    return text or "back"
