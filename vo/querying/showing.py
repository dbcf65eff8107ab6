"""An answer as a table on a page."""

from dataclasses import dataclass

from worktables.showing import NUMERIC, CellView, shown

SHAPES = ("point", "circle", "polygon")
LONGEST_TEXT = 300


@dataclass(frozen=True)
class Head:
    """The head of a column: how it is sorted, and where it is sorted otherwise."""

    column: object
    unit: str
    about: str
    numeric: bool
    sorted: str
    link: str


def heads_of(columns, wanted, address, unsortable):
    """Return the heads of an answer.

    Parameters
    ----------
    columns : tuple of Column
    wanted : str
        By which it is sorted now, `-name` from the largest.
    address : str
        Of the query; without one there are no links.
    unsortable : tuple of str
        Kinds of columns.
    """
    heads = []
    for column in columns:
        sorted_now = {column.name: "ascending", f"-{column.name}": "descending"}.get(wanted, "")
        link = ""
        if address and column.kind not in unsortable:
            link = with_sorting(address, f"-{column.name}" if sorted_now == "ascending" else column.name)
        about = "; ".join(text for text in (column.description, column.ucd) if text)
        unit = column.time_scale if column.kind == "time" else column.unit  # it is shown as a date
        heads.append(Head(column, unit, about, column.kind in (*NUMERIC, *SHAPES), sorted_now, link))
    return heads


def with_sorting(address, name):
    """Return an address with another order of rows."""
    from urllib.parse import quote

    return f"{address}&sort={quote(name)}#result"


def cells_of(columns, rows):
    """Return the rows of an answer as cells."""
    return [[cell_of(column, value) for column, value in zip(columns, row, strict=True)] for row in rows]


def cell_of(column, value):
    """Return a value as a cell: what is an address leads there."""
    kind = "array" if column.kind in SHAPES else "text" if column.kind == "region" else column.kind
    css = "num" if kind in NUMERIC else ""
    if value is None:
        return CellView("", css=f"{css} null".strip())
    if kind == "array":
        value = list(value)
    if kind == "float" and column.unit == "deg" and column.ucd.lower().startswith("pos.eq"):
        return CellView(f"{value:.6f}", repr(value), css=css)  # a few milliarcseconds
    text, title = shown(kind, value, element=column.element or "float")
    href = text if kind == "text" and text.startswith(("http://", "https://")) else ""
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}…"
    return CellView(text, title, css=css, href=href)
