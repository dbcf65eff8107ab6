"""Bringing a link into being, whatever its kind: its step, its bindings, and the units it gives the rows."""

import dataclasses

from django.db import transaction

from worktables.dependencies import graph_of, rank_steps, read_graph
from worktables.errors import LinkRefused
from worktables.events import announce
from worktables.linking.forecasting import NOT_YET, Effect, forecast, graph_with
from worktables.models import Binding, Change, Link, State, TableStep, Worktable
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import add_units_of, below, mark
from worktables.sight import Sight
from worktables.storage import layout_of
from worktables.storage.layout import table_name
from worktables.waking import wake_workers


@dataclasses.dataclass(frozen=True)
class Draft:
    """A link that could be declared: checked, and with its columns found.

    `ports` are those of the target's pipeline that collect through it.
    """

    kind: str
    name: str
    source: Worktable
    target: Worktable
    options: dict
    ports: tuple = ()

    @property
    def runs_in(self):
        """The table whose rows have a unit of the link: the source if it makes rows, the target if they look up."""
        if self.kind in Link.MAKES_ROWS:
            return self.source
        return self.target if self.kind in Link.LOOKS_UP else None

    def link(self, **facts):
        """Return the link, not saved; with an id and a step that are given."""
        return Link(
            name=self.name,
            kind=self.kind,
            source=self.source,
            target=self.target,
            options=self.options,
            **facts,
        )

    def save(self):
        """Write the records of the link; nothing is computed yet."""
        step = None
        if self.runs_in:
            kind = TableStep.Kind.EXPAND if self.kind in Link.MAKES_ROWS else self.kind
            step = TableStep.objects.create(worktable=self.runs_in, name=self.name, kind=kind, step=kind)
        link = self.link(step=step)
        link.save()
        steps = {step.name: step for step in self.target.steps.all()}
        columns = {column.name: column for column in self.source.columns.all()}
        Binding.objects.bulk_create(
            Binding(
                step=steps[port.step],
                use=Binding.Use.INPUT,
                port=port.port,
                column=columns[port.column],
                link=link,
            )
            for port in self.ports
        )
        return link


@transaction.atomic
def declare(draft, *, by, undoes=None):
    """Make a link of a draft and give every row its unit of the new step; a cycle is refused here.

    Raises
    ------
    LinkRefused
        If a result would depend on itself, naming those tables on the way round that `by` may see.
    """
    link = draft.save()
    rank_steps(draft.source.project, Sight(by, draft.source.project_id))
    if link.kind in Link.MAKES_ROWS:
        _forget_other_parents(link)
    graph = graph_of(link.source.project_id)
    reason = f"the link “{link.name}” from {link.source.name} to {link.target.name} was declared by {by}"
    ends = {link.source_id, link.target_id}
    for node in nodes_of(graph, link):
        add_units_of([node], rowsets.all_rows(node.worktable_id), reason, about=ends)
    mark(graph, everything_of(graph, link), reason, about=ends, by=by)
    note(link.target, link.name, None, record_of(link), by, undoes=undoes)
    tell(link)
    return link


def preview_declaration(draft, *, by):
    """Count what would happen if a link were made of a draft, and change nothing; a cycle is refused here too.

    Raises
    ------
    LinkRefused
    """
    link = draft.link(pk=NOT_YET)
    # Read anew: a table that came without steps is not in the graph that is remembered.
    graph = graph_with(read_graph(draft.source.project_id), link, draft.ports)
    graph.ranks(Sight(by, draft.source.project_id))
    effect = Effect(everything_of(graph, link))
    if link.kind == Link.Kind.EACH:
        effect.appear = present_rows(link.source_id)
    elif link.kind == Link.Kind.EXPAND:
        effect.lists = lists_of(link)
    return forecast(graph, link, effect)


def hold_link(link):
    """Hold the project of a link until the transaction ends, and read again what the link says.

    Raises
    ------
    LinkRefused
        If somebody has removed it meanwhile.
    """
    hold(link.source.project_id)
    try:
        link.refresh_from_db(fields=["options"])
    except Link.DoesNotExist:
        raise LinkRefused(f"the link “{link.name}” is not there any more: it was removed meanwhile") from None


def everything_of(graph, link):
    """Return the units that do what a link says, of all rows, and what is made from them."""
    found = {}
    for node in nodes_of(graph, link):
        everything = rowsets.all_rows(node.worktable_id)
        found |= dict.fromkeys([(node, everything), *below(graph, node, everything)])
    return list(found)


def present_rows(worktable_id):
    """The rows of a table that are there."""
    return rowsets.RowSet(
        f"SELECT id FROM {table_name(worktable_id)} WHERE deleted_at IS NULL AND state <> {State.RETIRED:d}"
    )


def lists_of(link):
    """The rows of the source of an `expand` link that have a list."""
    present, cell = present_rows(link.source_id), f"c{link.options['item']}"
    return rowsets.RowSet(f"{present.sql} AND {cell} IS NOT NULL")


def tell(link):
    """Tell open pages that a link came, changed or went, and workers that there may be work."""
    announce(link.source, "table")
    announce(link.target, "table")
    wake_workers(link.source)


def nodes_of(graph, link):
    """Return the steps that do what a link says: its own, or those that collect through it."""
    if link.step_id is not None:
        return [graph.nodes[link.step_id]] if link.step_id in graph.nodes else []
    return [node for node in graph.nodes.values() if any(port.link_id == link.pk for port in node.inputs)]


def record_of(link):
    """Return what the history keeps of a link: enough to declare it again."""
    return {"kind": link.kind, "source": link.source_id, "options": link.options}


def note(table, name, old, new, by, *, undoes=None):
    """Write into the history of a link's target that the link came, changed or went."""
    return Change.objects.create(
        worktable=table, action=Change.Action.LINK, subject=name, old=old, new=new, by=by, undoes=undoes
    )


def _forget_other_parents(link):
    """Rows that another link made, of another table's rows, are not taken for children of this one's.

    Those that this link, or one like it, made before it was removed come back with it.
    """
    before = Change.objects.filter(worktable=link.target, action=Change.Action.LINK, old__isnull=False)
    for change in before.order_by("-id"):
        if change.old["kind"] in Link.MAKES_ROWS and change.new is None:
            if change.old["source"] == link.source_id and change.old["kind"] == link.kind:
                return
            break
    rows = layout_of(link.target).model.objects.exclude(parent_id=None)
    rows.update(parent_id=None, item_key=None, ordinal=None)
