"""Changing what a link says: what depends on the change becomes stale, and nothing else.

What a change does is worked out before anything is written, so that it can be shown as well as done.
"""

from django.db import connection, transaction
from django.db.models import F, TextField, Value
from django.db.models.functions import Cast, Concat

from projects.permissions import demand
from worktables.dependencies import graph_of, lookup_columns, rank_steps
from worktables.linking.declaring import hold_link, lists_of, nodes_of, note, record_of, tell
from worktables.linking.forecasting import Effect, forecast, graph_with
from worktables.linking.kinds import draft_link
from worktables.linking.removing import empty_columns
from worktables.linking.wording import words_of
from worktables.models import Column, Link, State, Unit
from worktables.queue import rowsets
from worktables.queue.choosing import chosen
from worktables.queue.marking import below, mark, wake_all
from worktables.queue.readiness import any_unit, in_states
from worktables.queue.reading import feeding
from worktables.sight import Sight
from worktables.storage import layout_of
from worktables.storage.layout import table_name

FOUND_AGAIN_BY = ({"key"}, {"sky", "within", "radius"})  # one way of an `expand` link, or the other
REACHES_BY = ("of", "position", "radius", "date", "valid_from", "valid_to", "match", "scope")
BROKEN = (State.FAILED, State.BLOCKED)
NOT_SURE = (State.STALE, State.HELD, *BROKEN)


@transaction.atomic
def change_link(link, *, by, undoes=None, **changes):
    """Change settings of a link; its kind, name, source and target stay.

    Rows that the link has made stay, with ids, runs and comments, where their items do: also under other key columns,
    if the rows have them. Lookup columns that it fills no more are emptied.

    Parameters
    ----------
    link : Link
    by : User
    changes
        As the verb of the link's kind takes them; None takes a setting away, what is not named stays.

    Raises
    ------
    PermissionDenied, NoSuchColumn
    LinkRefused
        If a result would depend on itself, naming the tables on the way round that `by` may see; if somebody has
        removed the link meanwhile; or as where a link is declared.
    """
    old, new = _drafted(link, by, changes)
    if new.options == old.options:
        return link
    _, effect = _worked_out(old, new, by)
    reason, ends = f"the link “{link.name}” was changed by {by}", {link.source_id, link.target_id}
    empty_columns(link, effect.emptied, reason, by=by)
    if new.options.get("key") not in (None, old.options.get("key")):
        _give_keys(new)
    link.options = new.options
    link.save(update_fields=["options"])
    rank_steps(link.source.project, Sight(by, link.source.project_id))
    if _fills_anew(old, new):  # into which columns it is looked up, no fingerprint says
        Unit.objects.filter(worktable=link.target_id, step=link.step_id).update(fingerprint="")
    graph = graph_of(link.source.project_id)
    mark(graph, [*effect.units, *_under_way(graph, link)], reason, about=ends, by=by)
    wake_all(graph)
    note(link.target, link.name, record_of(old), record_of(new), by, undoes=undoes)
    tell(link)
    return link


def preview_change(link, *, by, **changes):
    """Count what would happen if settings of a link were changed, and change nothing; what is refused is so here too.

    Raises
    ------
    PermissionDenied, NoSuchColumn, LinkRefused
    """
    old, new = _drafted(link, by, changes)
    after, effect = _worked_out(old, new, by)
    return forecast(after, new, effect)


def settings_of(link):
    """Return what a link says, as the verb of its kind takes it."""
    columns = Column.objects.filter(worktable__in=[link.source_id, link.target_id])
    return words_of(link.options, dict(columns.values_list("pk", "name")))


def _drafted(link, by, changes):
    """Return a link as it is and as it would be, both apart from the record."""
    demand(by, "run", link.source)
    demand(by, "run", link.target)
    hold_link(link)
    told = settings_of(link)
    for one, other in (FOUND_AGAIN_BY, FOUND_AGAIN_BY[::-1]):
        if any(changes.get(name) for name in one):
            told = {name: value for name, value in told.items() if name not in other}
    told = {name: value for name, value in (told | changes).items() if value is not None}
    draft = draft_link(link.kind, link.source, link.target, name=link.name, by=by, known=link, **told)
    facts = {"pk": link.pk, "step_id": link.step_id}
    return Link(**facts, name=link.name, kind=link.kind, source=link.source, target=link.target,
                options=link.options), draft.link(**facts)  # fmt: skip


def _worked_out(old, new, by):
    """Return the graph with the link as it would be, and what the change does; a cycle is refused here."""
    before = graph_of(new.source.project_id)
    after = graph_with(before, new)
    after.ranks(Sight(by, new.source.project_id))
    effect = Effect([], emptied=[pk for pk in lookup_columns(old) if pk not in lookup_columns(new)])
    found = {}
    for node in nodes_of(after, new):
        for rows in _concerned(before, after, node, old, new):
            found |= dict.fromkeys([(node, rows), *below(after, node, rows)])
    effect.units = list(found)
    if new.kind == Link.Kind.EXPAND and found:
        effect.lists = lists_of(new)
    return after, effect


def _concerned(before, after, node, old, new):
    """Return the rows of whose unit of the link something may come out differently."""
    differs = {key for key in old.options | new.options if old.options.get(key) != new.options.get(key)}
    if new.kind in Link.MAKES_ROWS:
        # The radius within which an item is the same counts when a list is read next.
        anew = _fills_anew(old, new) or differs & {"item", "key", "sky", "within"}
        return [rowsets.all_rows(new.source_id)] if anew else []
    found = []
    if new.kind in Link.LOOKS_UP:
        if differs & set(REACHES_BY):
            found.append(_that_find_another(old, new))
        if _fills_anew(old, new):
            found.append(rowsets.RowSet(f"SELECT row_id AS id FROM ({chosen(new)}) c"))
    elif "match" in differs:
        found.append(_that_collect_others(old, new))
    found = [_as_they_are(new.target_id, rows) for rows in found]
    return [*found, *_unsure(before, after, node, old, new, differs)]


def _fills_anew(old, new):
    """Say whether a link fills a column that it did not fill, or not from there."""

    def filled(link):
        options = link.options
        pairs = [(key, *pair) for key in ("fields", "carry", "lookup") for pair in options.get(key) or []]
        return {*pairs, options.get("separation")} - {None}

    return bool(filled(new) - filled(old))


def _that_find_another(old, new):
    """The rows that look up another row than before, or at another distance."""
    fields = "row_id, source_id" + (", measure" if new.options.get("separation") else "")
    one, other = (f"SELECT {fields} FROM ({chosen(link)}) c" for link in (old, new))
    return rowsets.RowSet(
        f"SELECT row_id AS id FROM ({one} EXCEPT {other}) a UNION SELECT row_id FROM ({other} EXCEPT {one}) b"
    )


def _that_collect_others(old, new):
    """The rows of which a row is collected by one of two links and not by the other."""

    def joined(link):
        return " AND ".join(f"s.c{one} = t.c{other}" for one, other in link.options["match"]) or "1 = 1"

    present = f"s.deleted_at IS NULL AND s.state <> {State.RETIRED:d}"
    either = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table_name(new.source_id)} s "
        f"WHERE {present} AND ({joined(one)}) AND ({joined(other)}) IS NOT TRUE)"
        for one, other in ((old, new), (new, old))
    )
    return rowsets.RowSet(f"SELECT t.id FROM {table_name(new.target_id)} t WHERE {either}")


def _as_they_are(table_id, rows):
    """These rows by their ids, read once: what is made stale after another is found by comparing no cells again."""
    with connection.cursor() as cursor:
        cursor.execute(rows.sql, rows.params)
        return rowsets.these(table_id, [row_id for (row_id,) in cursor.fetchall()])


def _unsure(before, after, node, old, new, differs):
    """Return the rows that depend anew, or no more, on what is not settled or has failed above."""
    known = {(column, link and link.pk) for column, link in before.read_by(before.nodes[node.id])}
    read = {(column, link and link.pk) for column, link in after.read_by(node)}
    fresh = {after.writer[column] for column, _ in read - known if column in after.writer}
    above = [(after, after.nodes[step], NOT_SURE) for step in fresh]
    if new.kind == Link.Kind.COLLECT and differs:
        states = NOT_SURE if "match" in differs else BROKEN
        above += [(after, step, states) for step in feeding(after, node, new)]
        above += [(before, step, states) for step in feeding(before, before.nodes[node.id], old)]
    found = {}
    for graph, step, states in above:
        if any_unit(step, states):
            rows = rowsets.of_units(step, in_states(states), rowsets.all_rows(step.worktable_id))
            found |= {reached: None for one, reached in below(graph, step, rows) if one.id == node.id}
    return list(found)


def _under_way(graph, link):
    """Return the link's own units that wait or run: a result by the old settings is not taken."""
    if link.step_id not in graph.nodes:
        return []
    node = graph.nodes[link.step_id]
    everything = rowsets.all_rows(node.worktable_id)
    return [(node, rowsets.of_units(node, in_states([State.STALE]), everything))]


def _give_keys(link):
    """Let the rows that a link has made be found by its new key columns, as far as they have them.

    A row that has not, or is not the first of its list with such a key, is found by no item, and retires.
    """
    layout = layout_of(link.target)
    columns = [layout.by_id[column] for column in link.options["key"]]
    made = layout.model.objects.exclude(parent_id=None)
    made.update(
        item_key=Concat(Value("was "), Cast(F("id"), TextField()))
    )  # no key is given twice, on no way
    taken, keyed = set(), []
    for row in made.order_by("state", "id"):  # those that are retired come last
        values = [layout.value(column, row) for column in columns]
        key = (row.parent_id, "|".join(map(str, values)))
        if None not in values and key not in taken:
            taken.add(key)
            row.item_key = key[1]
            keyed.append(row)
    layout.model.objects.bulk_update(keyed, ["item_key"], batch_size=500)
