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
