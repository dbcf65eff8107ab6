"""Which row of its source a link looks up for each row of its target, as one question to the database."""

from worktables.models import Annotation, Link, State
from worktables.queue.rowsets import haversine, within_reach
from worktables.storage.layout import table_name


def chosen(link, names=(), among="1 = 1"):
    """Return SQL: for each row of the target that finds one, its id, that of the row found, a measure, and its fields.

    Parameters
    ----------
    link : Link
        Of a kind that looks up.
    names : sequence of str
        Physical fields of the source.
    among : str
        A condition on the rows `t` of the target; its parameters are the only ones.
    """
    nearest = link.kind == Link.Kind.NEAREST
    fields = "".join(f", s.{name}" for name in names)
    usable = "" if nearest else f" AND COALESCE({verdict(link)}, '') <> '{Annotation.Verdict.BAD}'"
    return (
        f"SELECT row_id, source_id, measure{''.join(f', {name}' for name in names)} FROM ("
        f"SELECT t.id AS row_id, s.id AS source_id, {haversine(link) if nearest else '0.0'} AS measure{fields}, "
        f"ROW_NUMBER() OVER (PARTITION BY t.id ORDER BY {preference(link)}) AS place "
        f"FROM {table_name(link.target_id)} t JOIN {table_name(link.source_id)} s ON {within_reach(link)} "
        f"WHERE s.deleted_at IS NULL AND s.state <> {State.RETIRED:d}{usable} AND {among}) found WHERE place = 1"
    )


def preference(link):
    """Return the SQL order of the rows `s` that a row could look up, the one it takes first."""
    if link.kind == Link.Kind.NEAREST:
        return f"{haversine(link)}, s.id"
    options = link.options
    begins = f"s.c{options['valid_from']}"
    if options["scope"]:
        narrowest = [f"s.c{options['scope']} IS NULL", f"s.c{options['scope']}"]
    elif options["valid_to"]:
        ends = f"s.c{options['valid_to']}"
        narrowest = [
            f"{ends} IS NULL",
            f"{ends} - {begins}",
            f"CASE WHEN {ends} IS NULL THEN {begins} END DESC",
        ]
    else:
        narrowest = [f"{begins} DESC"]
    good = f"CASE WHEN {verdict(link)} = '{Annotation.Verdict.GOOD}' THEN 0 ELSE 1 END"
    return ", ".join([*narrowest, good, "s.created_at DESC", "s.id DESC"])


def verdict(link):
    """Return the SQL of the verdict on a row `s` of a link's source: the last that was not withdrawn."""
    return (
        f"(SELECT a.verdict FROM worktables_annotation a WHERE a.worktable_id = {link.source_id:d} "
        f"AND a.row_id = s.id AND a.kind = '{Annotation.Kind.VERDICT}' AND a.withdrawn_at IS NULL "
        "ORDER BY a.id DESC LIMIT 1)"
    )
