"""The cells of a row as parameters and results of a job."""

from archive.models import Product
from vo.uws.documents import Parameter, Result
from worktables.dependencies import graph_of
from worktables.formats.parsing import format_cell
from worktables.models import Kind, State

FILES = (Kind.PRODUCT, Kind.CATALOGUE)
TEXT = "text/plain"
NAME = "name"  # the column that says what a row is called


def parameters_of(layout, cells):
    """Return what was typed, as parameters; an empty cell is none, a file is where it is."""
    return [
        Parameter(column.name, f"parameters/{column.name}", by_reference=True)
        if column.kind in FILES
        else Parameter(column.name, in_text(column, cells[column.pk]))
        for column in layout.columns
        if column.editable_by_people and cells[column.pk] is not None
    ]


def results_of(table, layout, cells, steps):
    """Return what was computed, as results; each says its unit, and its state where it is not current."""
    graph = graph_of(table.project_id)
    filled = [
        column for column in layout.columns if not column.editable_by_people and cells[column.pk] is not None
    ]
    hashes = {cells[column.pk] for column in filled if column.kind in FILES}
    files = (
        {one.sha256: one for one in Product.objects.filter(project=table.project_id, sha256__in=hashes)}
        if hashes
        else {}
    )
    results = []
    for column in filled:
        node = graph.nodes.get(graph.writer.get(column.pk))
        unit = steps.get(node.name) if node and node.worktable_id == table.pk else None
        more = {"unit": column.unit} if column.unit else {}
        if unit is not None and unit.state != State.FRESH:
            more["state"] = "kept" if unit.kept else State(unit.state).label
        file = files.get(cells[column.pk]) if column.kind in FILES else None
        media_type, size = (file.media_type, file.size) if file else (TEXT, None)
        results.append(Result(column.name, f"results/{column.name}", media_type, size, more))
    return results


def in_text(column, value):
    """Return a cell as text that says it exactly."""
    return format_cell(column.kind, value, element=column.element or "float")


def named_by(layout):
    """Return the column that says what a row is called, in a list of one or none."""
    column = layout.by_name.get(NAME)
    return [column] if column is not None and column.kind == Kind.TEXT else []


def name_of(layout, row):
    """Return what a row is called: by its column “name”, or as the item that it is."""
    names = [layout.value(column, row) for column in named_by(layout)]
    return next(filter(None, names), "") or row.item_key or ""


def column_of_names(layout):
    """Return the column in which a row's name is typed, if there is one."""
    return next((column for column in named_by(layout) if column.editable_by_people), None)
