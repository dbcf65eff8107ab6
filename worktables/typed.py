"""A value as people type it, for one column: what the page, the API and jobs read in the same way."""

from worktables.errors import UnfitValue
from worktables.formats.errors import WHAT, BadCell, FormatError
from worktables.formats.parsing import parse_cell


def typed_value(column, text):
    """Return the value that a text says in a column; empty text is an empty cell.

    Raises
    ------
    UnfitValue
        If the text says no such value.
    """
    try:
        return parse_cell(
            column.kind, text, element=column.element, shape=column.shape, time_scale=column.time_scale
        )
    except BadCell as problem:
        what = f"is not {WHAT.get(problem.kind, problem.kind)}: {problem.remedy}"
        raise UnfitValue(column.name, text, what) from None
    except FormatError as problem:
        raise UnfitValue(column.name, text, f"does not fit: {problem}") from None
