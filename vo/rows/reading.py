"""Reading what a form says of a row: values by the names of columns, and files."""

from archive.errors import NotFits
from archive.headers import check_fits, manifest_of
from archive.keeping import keep_product
from worktables.errors import NoSuchColumn, NotEditable, UnfitValue
from worktables.models import Kind
from worktables.rows import fit_cell
from worktables.typed import typed_value

PREFIX = "cell."  # before the name of a column, where that means something else of a job


def cells_said(table, layout, said, files, by):
    """Return {column name: value} of what a form says; the files are kept for the project."""
    cells = {}
    for name, values in said.items():
        column = column_named(layout, name)
        if len(set(values)) > 1:
            raise UnfitValue(column.name, ", ".join(values), "is more than one value; give one")
        cells[column.name] = fit_cell(column, typed_value(column, values[-1]))
    brought = {column_named(layout, name): file for name, file in files.items()}
    for column in brought:
        if column.kind != Kind.PRODUCT:
            raise UnfitValue(
                column.name, brought[column].name, "is a file, and the column takes none; give its value"
            )
    for column, file in brought.items():
        cells[column.name] = keep_file(table.project, file, by)
    return cells


def column_named(layout, name):
    """Return the column that a form means, or say that there is none, or none that is typed."""
    name = name.lower().removeprefix(PREFIX)
    column = layout.by_name.get(name)
    if column is None:
        raise NoSuchColumn(name, [column.name for column in layout.columns if column.editable_by_people])
    if not column.editable_by_people:
        raise NotEditable(name, column.get_role_display().split(":")[0])
    return column


def keep_file(project, file, by):
    """Keep a file for a project and return its hash; one that is a damaged FITS file is refused."""
    file.seek(0)  # it may be asked for once more, in another attempt
    data, header, media_type = file.read(), {}, "application/octet-stream"
    if data.startswith(b"SIMPLE  ="):
        media_type = "application/fits"
        try:
            header = manifest_of(check_fits(data, file.name))
        except NotFits:  # it has no image; a step will say what it needs
            header = {}
    return keep_product(project, data, file.name, media_type, header, by=by).sha256
