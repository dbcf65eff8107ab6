"""The options of a link in the words in which it was declared: columns by name instead of number."""

from worktables.columns import ONE_COLUMN


def words_of(options, names):
    """Return a link's options as its verb takes them.

    Parameters
    ----------
    options : dict
        As kept with the link.
    names : dict
        Column id → name, of both tables.
    """
    said = {key: names.get(options[key]) for key in ONE_COLUMN if options.get(key) is not None}
    for key in ("carry", "lookup", "match"):
        if key in options:
            said[key] = {names.get(one): names.get(other) for one, other in options[key]}
    if "fields" in options:
        said["fields"] = {field: names.get(column) for field, column in options["fields"]}
    if "key" in options:
        said["key"] = [names.get(column) for column in options["key"]]
    return said | {key: options[key] for key in ("radius", "policy") if key in options}


def words_of_forecast(told):
    """Return what a forecast says, one sentence for each table."""
    said = []
    for rows in told.tables:
        parts = []
        if rows.appear:
            parts.append(
                f"{_rows(rows.appear)} appear{'s' * (rows.appear == 1)}, or come{'s' * (rows.appear == 1)} back"
            )
        if rows.retire:
            parts.append(f"{_rows(rows.retire)} retire{'s' * (rows.retire == 1)}")
        if rows.stale:
            parts.append(f"{_rows(rows.stale)} become{'s' * (rows.stale == 1)} stale")
        if rows.cells:
            parts.append(f"{rows.cells:,} cell{'s are' if rows.cells > 1 else ' is'} emptied")
        said.append(f"{rows.name}: {', '.join(parts)}.")
    if told.lists:
        said.append(
            f"The list{'s' * (told.lists > 1)} of {_rows(told.lists)} {'are' if told.lists > 1 else 'is'} read: only "
            "then is it known which items get a row, keep theirs, or have none any more."
        )
    if told.elsewhere:
        said.append("Rows change in tables that are not shared with you, too.")
    return said or ["No row changes."]


def _rows(number):
    return f"{number:,} row{'s' * (number != 1)}"
