"""A link in words: its settings as they were declared, what it does, and what a change of it would do."""

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


def sentence_of(link, said):
    """Return one sentence that says what a link does.

    Parameters
    ----------
    link : Link
    said : dict
        Its settings in words.
    """
    source, target = link.source.name, link.target.name
    filled = [*_taken(said.get("fields")), *_taken(said.get("carry")), *_taken(said.get("lookup"))]
    takes = f", and takes {_listed(filled)}" if filled else ""
    where = f" with the same {_listed(_taken(said.get('match'), ' = '))}" if said.get("match") else ""
    match link.kind:
        case "each":
            return f"Every row of {source} has one row in {target}" + (
                f", which carries {_listed(filled)}." if filled else "."
            )
        case "expand":
            again = f"by its {_listed(said.get('key', []))}"
            if said.get("sky"):
                reach = f"half of {said['within']}" if said.get("within") else f"{said.get('radius', 0):g}″"
                again = f"by its {said['sky']}, within {reach}"
            return (
                f"Every item of the list “{said.get('item')}” of {source} is a row of {target}{takes}; it finds "
                f"its row again {again}."
            )
        case "nearest":
            away = f" The distance is in {said['separation']}." if said.get("separation") else ""
            return (
                f"Every row of {target} finds the nearest row of {source}, {said.get('of')} to {said.get('position')}, "
                f"within {said.get('radius', 0):g}″{takes}.{away}"
            )
        case "latest-valid-at":
            until = f" to {said['valid_to']}" if said.get("valid_to") else " on"
            return (
                f"Every row of {target} finds the row of {source}{where} that is valid at its {said.get('date')}, from "
                f"{said.get('valid_from')}{until}{takes}."
            )
    skips = said.get("policy") == "skip"
    failed = (
        "those that have failed are left out, and named"
        if skips
        else "while one of them has failed, it is blocked"
    )
    which = "the" if where else "all"
    return f"Every row of {target} collects {which} rows of {source}{where}; {failed}."


def _taken(pairs, between=" as "):
    return [one if one == other else f"{one}{between}{other}" for one, other in (pairs or {}).items()]


def _listed(names):
    *most, last = names or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


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
