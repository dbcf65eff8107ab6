"""The pages of lineage: the part of a row's page, and the graph of one cell."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render

from projects.models import Project
from provenance.asking import DIRECTIONS, find_column, find_table, read_depth, read_direction
from provenance.drawing import draw
from provenance.lineage import DEEPEST, lineage_of, made_by
from provenance.nesting import nested, steps_of


@login_required
def row(request, pk, row_id):
    """Show who made the numbers of a row, as a part of a page."""
    worktable = find_table(request.user, pk, row_id)
    return render(request, "provenance/_row.html", row_facts(worktable, row_id, request.user))


def row_facts(worktable, row_id, user):
    """Return what the part of a row's page shows."""
    lineage = made_by(worktable, row_id, user)
    return {"worktable": worktable, "row_id": row_id, "steps": steps_of(lineage), "folded": lineage.folded}


@login_required
def cell(request, pk, row_id, column):
    """Show the lineage of one cell: a graph, and the same as a list."""
    depth, direction = (
        read_depth(request.GET.get("depth", "")),
        read_direction(request.GET.get("direction", "")),
    )
    worktable = find_table(request.user, pk, row_id)
    shown = find_column(worktable, column)
    lineage = lineage_of(worktable, row_id, [shown], request.user, depth=depth, direction=direction)
    return render(
        request,
        "provenance/cell.html",
        {
            "worktable": worktable,
            "project": Project.objects.visible_to(request.user).filter(pk=worktable.project_id).first(),
            "row_id": row_id,
            "column": shown,
            "lineage": lineage,
            "branches": nested(lineage),
            "drawing": draw(lineage) if lineage.cells else None,
            "depth": depth,
            "deepest": DEEPEST,
            "direction": direction,
            "directions": DIRECTIONS,
        },
    )
