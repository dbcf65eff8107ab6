"""Bringing a table in from a file: a plain catalogue worktable, all of it or nothing."""

from django.db import transaction

from worktables.columns import NewColumn
from worktables.creating import check_free, create_worktable
from worktables.errors import TooLarge, UnfitValue
from worktables.formats.reading import read_table
from worktables.models import Kind
from worktables.rows import fit_cell, insert_rows
from worktables.storage import layout_of

LARGEST_FILE = 512 << 20


def import_file(file, project, name, creator):
    """Read a CSV, ECSV, VOTable, FITS or Parquet file as a new worktable.

    Parameters
    ----------
    file : path or binary file
    project : Project
    name : str
        Of the worktable.
    creator : User

    Raises
    ------
    PermissionDenied, UnfitName, UnfitValue, TooLarge
    worktables.formats.FormatError
        Naming the file, the line or column, and the remedy. Nothing is kept then.
    """
    check_free(project, name)
    size = file.size if hasattr(file, "size") else file.stat().st_size if hasattr(file, "stat") else 0
    if size > LARGEST_FILE:
        raise TooLarge(getattr(file, "name", str(file)), size, LARGEST_FILE)
    return import_table(project, name, read_table(file), creator)


@transaction.atomic
def import_table(project, name, read, creator):
    """Make a worktable of a table that was read, with its units, UCDs and descriptions.

    Parameters
    ----------
    project : Project
    name : str
    read : worktables.formats.reading.ReadTable
    creator : User

    Returns
    -------
    Worktable
        A plain catalogue: all its columns are inputs.
    """
    worktable = create_worktable(
        project,
        name,
        creator=creator,
        title=read.title[:200],
        description=read.description,
        columns=[_declared(field) for field in read.fields],
    )
    layout = layout_of(worktable)
    columns = layout.columns
    fitted = [
        {column: fit_cell(column, value, line=line) for column, value in zip(columns, row, strict=True)}
        for line, row in enumerate(read.rows, 1)
    ]
    insert_rows(worktable, layout, fitted, by=creator)
    worktable.refresh_from_db()
    return worktable


def _declared(field):
    """Return a field of a file as a column; what looks like a file's hash is a text, for nobody kept that file here."""
    for text, most in ((field.unit, 63), (field.ucd, 120)):
        if len(text) > most:
            raise UnfitValue(field.name, text, f"is longer than the {most} characters there is room for")
    kind = Kind.TEXT if field.kind in (Kind.PRODUCT, Kind.CATALOGUE) else field.kind
    return NewColumn(
        name=field.name,
        kind=kind,
        unit=field.unit,
        ucd=field.ucd,
        description=field.description,
        shape=field.shape,
        element=field.element,
        time_scale=field.time_scale,
    )
