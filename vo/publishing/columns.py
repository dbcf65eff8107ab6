"""The columns of a worktable as ADQL knows them: flat ones, a place on the sky being two."""

from dataclasses import asdict

from vo.adql.tables import Column
from worktables.exporting import field_of
from worktables.formats import flat_columns
from worktables.models import Kind
from worktables.storage.layout import fields_of


def frozen_columns(columns):
    """Return columns as ADQL will know them, which pairs are places, and which physical column each comes from.

    Parameters
    ----------
    columns : list of worktables.models.Column
        Of one table, in order.

    Returns
    -------
    list of dict
        What `column_of` takes, of the number of the row and of each column.
    list of dict
        The names of the columns of each place: ``ra``, ``dec``, and whether it is the ``main`` one.
    list of (str, str)
        Names, and the physical columns.
    """
    by_name = {column.name: column for column in columns}
    flat_ones = flat_columns([field_of(column) for column in columns])
    row = free_name("row_id", {flat.name for flat in flat_ones})
    described, positions, physical = [ROW | {"name": row}], [], [(row, "id")]
    for flat in flat_ones:
        facts = asdict(flat)
        column = by_name[flat.field_name]
        physical.append((flat.name, list(fields_of(column))[flat.part or 0]))
        described.append(
            {
                "name": flat.name,
                "kind": "text" if flat.kind in (Kind.PRODUCT, Kind.CATALOGUE) else flat.kind,
                "shape": column.shape if flat.kind == Kind.ARRAY else "",
                **{key: facts[key] for key in ("unit", "ucd", "description", "element", "time_scale")},
                "holds": flat.kind,
            }
        )
        if flat.part == 1:
            positions.append({"ra": physical[-2][0], "dec": flat.name, "main": "meta.main" in flat.ucd})
    return described, positions, physical


ROW = {
    "kind": "int",
    "unit": "",
    "ucd": "meta.id;meta.main",
    "description": "number of the row in its worktable, the same in all versions",
    "shape": "",
    "element": "",
    "time_scale": "",
    "holds": "int",
}


def free_name(wanted, taken):
    """Return a name like the wanted one that is not taken."""
    while wanted in taken:
        wanted = f"stoa_{wanted}"
    return wanted


def column_of(facts, *, indexed=False):
    """Return the column of ADQL that facts of `frozen_columns` tell of."""
    own = {key: facts[key] for key in ("name", "kind", "unit", "ucd", "description", "shape")}
    return Column(**own, element=facts["element"], time_scale=facts["time_scale"], indexed=indexed)
